/** Kills engines at every step of many changes: `node test/peers/crash/many.ts [seeds] [first]`. */
import { stopPeers } from '../openvswitch.ts'
import { startGround } from './ground.ts'
import { createStage } from './story.ts'

const [count = 60, first = 1] = process.argv.slice(2).map(Number)
const began_ms = performance.now()
const ground = await startGround()
const stage = createStage(ground)
const ends = { there: 0, absent: 0 }
let kills = 0
let bad = 0
try {
  for (let seed = first; seed < first + count; seed++) {
    const { killed, end, faults } = await stage.play(seed)
    ends[end]++
    kills += killed.length
    console.log(
      `${seed}: killed ${killed.join(', then ') || 'never'}; ${end}${faults.map((one) => `; ${one}`).join('')}`,
    )
    if (faults.length === 0) continue
    // What comes after a fault starts from it, and says nothing.
    bad++
    break
  }
} finally {
  stage.close()
  await ground.close()
  await stopPeers()
}
const took_s = (performance.now() - began_ms) / 1000
console.log(
  `${count} changes, ${kills} engines killed, ${ends.there} wholly there, ${ends.absent} wholly absent, ${bad} wrong, ${took_s.toFixed(0)} s`,
)
process.exitCode = bad > 0 ? 1 : 0
