import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ground, startGround } from './crash/ground.ts'
import { createStage, journalSteps, type Stage, type Tale } from './crash/story.ts'
import { stopPeersAfterAll } from './openvswitch.ts'

stopPeersAfterAll()

/** `node test/peers/crash/many.ts` plays more. */
const SEEDS = 20

let ground: Ground
let stage: Stage

beforeAll(async () => {
  ground = await startGround()
  stage = createStage(ground)
})

afterAll(async () => {
  stage?.close()
  await ground?.close()
})

describe('an engine that is killed while it changes two switches', () => {
  const tales: Tale[] = []

  for (let seed = 1; seed <= SEEDS; seed++)
    it(`leaves change ${seed} wholly there or wholly absent once another has recovered`, async () => {
      const tale = await stage.play(seed)
      tales.push(tale)
      expect(tale.faults).toEqual([])
    })

  it('was killed before and after every step of the journal', () => {
    const steps = journalSteps()
    expect(tales.slice(0, steps.length).map(({ killed }) => killed[0])).toEqual(steps)
  })

  it('left some changes there and some absent', () => {
    expect(new Set(tales.map(({ end }) => end))).toEqual(new Set(['there', 'absent']))
  })
})
