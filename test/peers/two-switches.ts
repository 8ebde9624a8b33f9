import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { type RunResult, type RunWave, runChange } from '#server/engine/change/commit.ts'
import type { ProgressEvent } from '#server/engine/change/progress.ts'
import { diff } from '#server/engine/program/difference.ts'
import { type Entry, entry, type Group, group } from '#server/engine/program/entry.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { type Difference, EMPTY_DIFFERENCE, EMPTY_PROGRAM, type Program } from '#server/engine/program/program.ts'
import type { Action } from '#server/kernel/action.ts'
import { type Draft, type Ground, type Switch, startGround } from './crash/ground.ts'
import { type Engine, startEngine } from './crash/wiring.ts'
import { stopPeersAfterAll, until } from './openvswitch.ts'

/** Short, so that a switch that does not answer is given up soon. */
const LIMITS = { stage_ms: 400, commit_ms: 400, read_ms: 400, observe_ms: 400, converge_ms: 2000 }
export const SOCKET = 'weft.sock'

export const to = (port: number): Action[] => [{ type: 'output', port }]
export const forwards = (address: number, actions: readonly Action[], table = 1): Entry =>
  entry({
    table,
    priority: 100,
    match: [
      { field: 'eth_type', value: 0x800n },
      { field: 'ipv4_dst', value: 0x0a00_0000n + BigInt(address) },
    ],
    instructions: [{ type: 'apply_actions', actions }],
    cookie: 0x5701_0000_0000_0000n + BigInt(address),
  })
export const flood = (number: number, ...ports: number[]): Group =>
  group({ group: number, type: 'all', buckets: ports.map((port) => ({ actions: to(port) })) })

export const adds = (entries: readonly Entry[], groups: readonly Group[] = []): Difference => ({
  ...EMPTY_DIFFERENCE,
  entries: entries.map((after) => ({ after })),
  groups: groups.map((after) => ({ after })),
})
/** Other actions for an entry that is there. */
export const replaces = (before: Entry, after: Entry): Difference => ({
  ...EMPTY_DIFFERENCE,
  entries: [{ before, after }],
})
export const wave = (name: string, ...parts: readonly [Switch, Difference][]): RunWave => ({
  name,
  parts: new Map(parts.map(([{ id }, difference]) => [id, difference])),
})
export const waveDone = (n: number) => (event: ProgressEvent) =>
  event.type === 'wave' && event.wave === n && event.state === 'done'
export const hashes = (programs: readonly Program[]) => programs.map((program) => hashProgram(program).all)

/** How a change went; whoever ran it holds its locks while it is open. */
export type Ran = RunResult & { readonly release: () => void }

/** Two real switches, a database, and for each test an engine of its own. */
export interface TwoSwitches {
  readonly ground: Ground
  readonly first: Switch
  readonly second: Switch
  readonly engine: Engine
  readonly told: readonly ProgressEvent[]
  /** Called with every progress event, before the change goes on. */
  meanwhile: (event: ProgressEvent) => void
  connected(one: Switch, is?: boolean): Promise<unknown>
  /** Groups and receivers on both, then what sends to them, then what lets packets in. */
  additions(base: number): RunWave[]
  /** Runs a change with its locks, as whoever calls for it does; an open one keeps them. */
  run(draft: Draft, waves: readonly RunWave[], forced?: boolean): Promise<Ran>
  /** Takes a change that is left open to its end, as the engine does by itself. */
  end(result: Ran): ReturnType<Engine['recovery']['adopt']>
  programsHeld(): Promise<Program[]>
  wantedHashes(): Promise<string[]>
  committedNow(): ReturnType<Engine['ports']['programs']['committed']>
  /** Everything that the switches hold is as it was, cookies too, and so does the database say. */
  expectUntouched(before: readonly Program[], draft: Draft): Promise<void>
}

/** For the tests of a file. `holding`: what both hold from the start, as `additions` of that base. */
export function twoSwitches({ holding }: { holding?: number } = {}): TwoSwitches {
  stopPeersAfterAll()
  let ground: Ground
  let engine: Engine
  let told: ProgressEvent[]
  const ids = () => ground.switches.map(({ id }) => id)
  const two: TwoSwitches = {
    get ground() {
      return ground
    },
    get first() {
      return ground.switches[0]
    },
    get second() {
      return ground.switches[1]
    },
    get engine() {
      return engine
    },
    get told() {
      return told
    },
    meanwhile: () => {},
    connected: ({ id, name }, is = true) =>
      until(`${name} to be ${is ? '' : 'dis'}connected`, () => engine.ports.datapaths.driver(id)?.connected === is),
    additions: (base) => additions(ground.switches, base),
    async run(draft, waves, forced = false) {
      const release = await engine.locks.acquire(ids())
      const about = { ...draft, revision: 1n, compilerVersion: 'test', forced, within_ms: 20_000 }
      const before = await two.committedNow()
      const result = await runChange({ ...about, waves, before }, engine.ports, new AbortController().signal)
      if (result.outcome !== 'open') release()
      return { ...result, release }
    },
    async end(result) {
      if (result.outcome !== 'open') throw new Error(`the change is ${result.outcome}`)
      return engine.recovery.adopt(result, result.release)
    },
    programsHeld: () => Promise.all(ground.switches.map(({ held }) => held())),
    committedNow: () => engine.ports.programs.committed(ids()),
    async wantedHashes() {
      const wanted = await two.committedNow()
      return ids().map((id) => hashProgram(wanted.get(id)?.program ?? EMPTY_PROGRAM).all)
    },
    expectUntouched: (before, draft) => expectUntouched(two, before, draft),
  }
  const begin = async () => {
    told = []
    two.meanwhile = () => {}
    const addresses = ground.switches.map(({ peer, ...about }) => ({ ...about, socket: `${peer.dir}/${SOCKET}` }))
    const onProgress = (event: ProgressEvent) => {
      told.push(event)
      two.meanwhile(event)
    }
    engine = await startEngine(ground.database, addresses, { limits: LIMITS, onProgress })
    for (const { admit } of ground.switches) await admit(SOCKET)
    for (const one of ground.switches) await two.connected(one)
  }
  const finish = async () => {
    await engine.close()
    for (const { admit } of ground.switches) await admit()
  }
  beforeAll(async () => {
    ground = await startGround()
    if (holding === undefined) return
    await begin()
    expect(await two.run(await ground.draft({}), two.additions(holding))).toMatchObject({ outcome: 'committed' })
    await finish()
  })
  beforeEach(begin)
  afterEach(finish)
  afterAll(() => ground?.close())
  return two
}

const additions = ([first, second]: Ground['switches'], base: number): RunWave[] => [
  wave('receive', [first, adds([forwards(base, to(1))], [flood(base, 1, 2)])], [second, adds([forwards(base, to(3))])]),
  { ...wave('transmit', [first, adds([forwards(base + 1, [{ type: 'group', group: base }])])]), settle_ms: 300 },
  wave('expose', [first, adds([forwards(base + 2, to(1))])], [second, adds([forwards(base + 2, to(3))])]),
]

async function expectUntouched(two: TwoSwitches, before: readonly Program[], { change, makes }: Draft) {
  const after = await two.programsHeld()
  expect(hashes(after)).toEqual(hashes(before))
  expect(after.map((program, i) => diff(before[i] as Program, program).entries)).toEqual([[], []])
  const books = await two.ground.books(change)
  expect(books).toMatchObject({ state: 'undone', unfinished: 0, claims: 0, audit: ['change.undone'] })
  expect(books.networks).not.toContain(makes)
  expect(await two.wantedHashes()).toEqual(hashes(before))
}
