/**
 * How long a change takes on one switch, from the first look at it to the row that says it is committed: read and
 * compare, journal, stage, decide, commit, read back, write down. Beside it, in turns and in the same run, `ovs-ofctl
 * --bundle add-flows` of the same entries. `node test/bench/commit.ts [entries …]`
 */
import { randomUUID } from 'node:crypto'
import type { Driver } from '#server/datapath/driver.ts'
import { runChange } from '#server/engine/change/commit.ts'
import type { Journal } from '#server/engine/change/journal.ts'
import { inverse } from '#server/engine/program/difference.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { entryNotation } from '#server/engine/program/notation.ts'
import type { Difference, Program } from '#server/engine/program/program.ts'
import { type Engine, startEngine } from '#test/peers/crash/wiring.ts'
import { adding, manyEntries, setController } from '#test/peers/openflow.ts'
import { type Openvswitch, startPeer, stopPeers, until } from '#test/peers/openvswitch.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'

const ROUNDS = 7
const ID = randomUUID()
const DATAPATH_ID = '00000000000000aa'

/** Milliseconds by the name of a call to the outside. */
type Times = Map<string, number>

function stopwatch(times: Times) {
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now()
    const value = await work()
    times.set(name, (times.get(name) ?? 0) + performance.now() - start)
    return value
  }
}
type Watch = ReturnType<typeof stopwatch>

const timedJournal =
  (watch: Watch) =>
  (journal: Journal): Journal => ({
    ...journal,
    prepare: (record) => watch('prepare', () => journal.prepare(record)),
    decide: (change) => watch('decide', () => journal.decide(change)),
    wave: (change, done) => watch('wave', () => journal.wave(change, done)),
    finish: (change, outcome) => watch('finish', () => journal.finish(change, outcome)),
  })

const timedDriver =
  (watch: Watch) =>
  (driver: Driver): Driver => {
    const timed: Driver = Object.create(driver)
    return Object.assign(timed, {
      stage: (request: Parameters<Driver['stage']>[0], ms: number) => watch('stage', () => driver.stage(request, ms)),
      commit: (staged: Parameters<Driver['commit']>[0], ms: number) => watch('commit', () => driver.commit(staged, ms)),
      read: (known?: Program) => watch('read', () => driver.read(known)),
    })
  }

async function draft({ engine }: TestDatabase): Promise<string> {
  const change = randomUUID()
  await engine.query(
    `INSERT INTO change (id, title, actor, reserved_until) VALUES ($1, 'Bench', 'admin', now() + interval '1 day')`,
    [change],
  )
  return change
}

/** Takes a difference through a whole change; answers how long that took. */
async function change(engine: Engine, database: TestDatabase, difference: Difference): Promise<number> {
  const input = {
    ...{ change: await draft(database), revision: 1n, compilerVersion: 'bench', granted: [], released: [] },
    ...{ forced: false, within_ms: 60_000, waves: [{ name: 'receive', parts: new Map([[ID, difference]]) }] },
    before: await engine.ports.programs.committed([ID]),
  }
  const start = performance.now()
  const result = await runChange(input, engine.ports, new AbortController().signal)
  const took = performance.now() - start
  if (result.outcome !== 'committed') throw new Error(`the change is ${JSON.stringify(result)}`)
  return took
}

interface Bench {
  readonly peer: Openvswitch
  readonly database: TestDatabase
  readonly engine: Engine
  readonly times: Times
}

interface Round {
  readonly ofctl: number
  readonly weft: number
  readonly times: Times
}

async function round({ peer, database, engine, times }: Bench, count: number, text: string): Promise<Round> {
  const difference = adding(manyEntries(count))
  times.clear()
  const weft = await change(engine, database, difference)
  const spent = new Map(times)
  const held = await engine.ports.datapaths.driver(ID)?.read()
  const wanted = (await engine.ports.programs.committed([ID])).get(ID)
  if (!held || !wanted || held.program.entries.size !== count || hashProgram(held.program).all !== wanted.hash)
    throw new Error('the switch does not hold what was committed')
  await change(engine, database, inverse(difference))
  const start = performance.now()
  await peer.ofctlWith(text, '--bundle', 'add-flows', 'br1', '-')
  const ofctl = performance.now() - start
  const added = await peer.ofctl('dump-aggregate', 'br1')
  if (!added.includes(`flow_count=${count}`)) throw new Error(`ovs-ofctl did not add all: ${added}`)
  await peer.ofctl('del-flows', 'br1')
  return { ofctl, weft, times: spent }
}

const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] as number

async function measure(bench: Bench, count: number): Promise<void> {
  const text = manyEntries(count)
    .map((one) => `cookie=0x${one.cookie.toString(16)}, ${entryNotation(one)}`)
    .join('\n')
  const rounds: Round[] = []
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round(bench, count, text))
  const [weft, ofctl] = [median(rounds.map((one) => one.weft)), median(rounds.map((one) => one.ofctl))]
  const names = [...(rounds[0]?.times.keys() ?? [])]
  const steps = names.map((name) => `${name} ${median(rounds.map(({ times }) => times.get(name) ?? 0)).toFixed(0)}`)
  console.log(
    `${count} entries: ${weft.toFixed(0)} ms beside ${ofctl.toFixed(0)} ms of ovs-ofctl, ${(weft / ofctl).toFixed(2)} times; ms: ${steps.join(', ')}`,
  )
}

const sizes = process.argv.slice(2).map(Number)
const [peer, database] = await Promise.all([startPeer({ datapath: 'dummy' }), startTestDatabase()])
try {
  // One bridge each, so that ovs-ofctl's changes are not reported to the driver.
  await peer.addBridge('br0', { datapathId: DATAPATH_ID })
  await peer.addBridge('br1')
  const times: Times = new Map()
  const watch = stopwatch(times)
  const address = { id: ID, name: 'br0', datapathId: DATAPATH_ID, socket: `${peer.dir}/weft.sock` }
  const engine = await startEngine(database, [address], { journal: timedJournal(watch), driver: timedDriver(watch) })
  await setController(peer, 'br0')
  await until('the switch to be connected', () => engine.ports.datapaths.driver(ID)?.connected)
  for (const count of sizes.length > 0 ? sizes : [10_000, 100_000])
    await measure({ peer, database, engine, times }, count)
  await engine.close()
} finally {
  await database.close()
  await stopPeers()
}
