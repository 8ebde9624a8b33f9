import type { Driver } from '#server/datapath/driver.ts'
import { type ChangeRun, type RunWave, runChange } from '#server/engine/change/commit.ts'
import type { Journal } from '#server/engine/change/journal.ts'
import { createLocks } from '#server/engine/change/locks.ts'
import type { Datapaths, ProgramStore } from '#server/engine/change/ports.ts'
import type { ProgressEvent } from '#server/engine/change/progress.ts'
import { createRecovery } from '#server/engine/change/recover.ts'
import { LIMITS, type RunPorts } from '#server/engine/change/run.ts'
import { diff } from '#server/engine/program/difference.ts'
import { type Entry, entry, type Group, group } from '#server/engine/program/entry.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { EMPTY_PROGRAM, type Program } from '#server/engine/program/program.ts'
import { createDevice, type Device, datapathsOf } from './fake-driver.ts'
import { createMemoryStore, type MemoryStore } from './memory-store.ts'
import { createVirtualTimer } from './virtual-timer.ts'

/** Devices and a store that outlive engines, in virtual time. */
export interface World {
  readonly devices: readonly Device[]
  readonly store: MemoryStore
  readonly timer: ReturnType<typeof createVirtualTimer>
  /** Everything that reached a device or the journal, in order. */
  readonly log: string[]
  device(datapathId: string): Device
}

export function createWorld(datapathIds: readonly string[]): World {
  const log: string[] = []
  const timer = createVirtualTimer()
  const devices = datapathIds.map((id) => createDevice(id, { sleep: (ms) => timer.sleep(ms), log }))
  const device = (id: string): Device => {
    const found = devices.find((one) => one.datapathId === id)
    if (!found) throw new Error(`no device ${id}`)
    return found
  }
  return { devices, store: createMemoryStore(log), timer, log, device }
}

/** An engine's process: after its `crashAt`th step towards the outside it is gone, and nothing it waits for returns. */
export interface Life {
  readonly steps: number
  readonly crashed: boolean
  guard<T>(work: () => Promise<T>): Promise<T>
}

export function createLife(crashAt = Number.POSITIVE_INFINITY, onCrash = () => {}): Life {
  let steps = 0
  let crashed = false
  const point = async (): Promise<void> => {
    if (!crashed && ++steps === crashAt) {
      crashed = true
      onCrash()
    }
    if (crashed) await new Promise<never>(() => {})
  }
  return {
    get steps() {
      return steps
    },
    get crashed() {
      return crashed
    },
    async guard(work) {
      await point()
      try {
        return await work()
      } finally {
        await point()
      }
    },
  }
}

function livingDriver(driver: Driver, life: Life): Driver {
  return {
    get connected() {
      return driver.connected
    },
    describe: () => driver.describe(),
    read: () => life.guard(() => driver.read()),
    portCounters: () => driver.portCounters(),
    stage: (request, ms) => life.guard(() => driver.stage(request, ms)),
    commit: (staged, ms) => life.guard(() => driver.commit(staged, ms)),
    discard: (staged) => life.guard(() => driver.discard(staged)),
    converge: (difference, ms) => life.guard(() => driver.converge(difference, ms)),
    subscribe: (listener) => driver.subscribe(listener),
    close: () => driver.close(),
  }
}

const livingDatapaths = (datapaths: Datapaths, life: Life): Datapaths => ({
  ids: datapaths.ids,
  driver: (id) => {
    const driver = datapaths.driver(id)
    return driver && livingDriver(driver, life)
  },
  subscribe: (listener) => datapaths.subscribe(listener),
})

const livingJournal = (journal: Journal, life: Life): Journal => ({
  prepare: (record) => life.guard(() => journal.prepare(record)),
  decide: (change) => life.guard(() => journal.decide(change)),
  wave: (change, done) => life.guard(() => journal.wave(change, done)),
  abort: (change, reason) => life.guard(() => journal.abort(change, reason)),
  finish: (change, outcome) => life.guard(() => journal.finish(change, outcome)),
  unfinished: () => life.guard(() => journal.unfinished()),
})

const livingPrograms = (programs: ProgramStore, life: Life): ProgramStore => ({
  committed: (ids) => life.guard(() => programs.committed(ids)),
  settled: (id) => life.guard(() => programs.settled(id)),
})

export const portsOf = (world: World, life = createLife(), events: ProgressEvent[] = []): RunPorts => ({
  datapaths: livingDatapaths(datapathsOf(world.devices), life),
  journal: livingJournal(world.store.journal, life),
  programs: livingPrograms(world.store.programs, life),
  timer: world.timer,
  limits: LIMITS,
  notation: (mismatch) => String(mismatch.key),
  onProgress: (event) => void events.push(event),
})

export const recoveryOf = (world: World, life = createLife()) => createRecovery(portsOf(world, life), createLocks())

/** An entry of a table, by a number that tells it from others, that sends packets out of a port. */
export const outputs = (number: number, port: number, table = 0): Entry =>
  entry({
    table,
    priority: 100,
    match: [{ field: 'in_port', value: BigInt(number) }],
    instructions: [{ type: 'apply_actions', actions: [{ type: 'output', port }] }],
    cookie: 0xabn,
  })

/** An entry that sends packets to a group. */
export const floods = (number: number, to: number): Entry =>
  entry({
    table: 1,
    priority: 50,
    match: [{ field: 'in_port', value: BigInt(number) }],
    instructions: [{ type: 'apply_actions', actions: [{ type: 'group', group: to }] }],
    cookie: 0xabn,
  })

export const replicates = (number: number, ports: readonly number[]): Group =>
  group({ group: number, type: 'all', buckets: ports.map((port) => ({ actions: [{ type: 'output', port }] })) })

export function program(entries: readonly Entry[], groups: readonly Group[] = []): Program {
  return {
    entries: new Map(entries.map((one) => [one.key, one])),
    groups: new Map(groups.map((one) => [one.group, one])),
    neighbours: new Map(),
  }
}

export const hashOf = (what: Program): string => hashProgram(what).all
export const heldHash = (world: World, datapathId: string): string => hashOf(world.device(datapathId).program)

/** Makes a program committed and held. */
export function install(world: World, datapathId: string, what: Program): void {
  world.store.committed.set(datapathId, { datapathId, program: what, hash: hashOf(what) })
  world.device(datapathId).program = what
}

/**
 * A change from the committed programs to others in three waves: groups and additions, replacements, removals.
 */
export function changeTo(
  world: World,
  change: string,
  after: ReadonlyMap<string, Program>,
  more: Partial<ChangeRun> = {},
): ChangeRun {
  const differences = [...after].map(([id, to]): [string, ReturnType<typeof diff>] => [
    id,
    diff(world.store.committed.get(id)?.program ?? EMPTY_PROGRAM, to),
  ])
  const wave = (name: string, pick: (change: { before?: unknown; after?: unknown }) => boolean): RunWave => ({
    name,
    parts: new Map(
      differences.map(([id, d]) => [
        id,
        { entries: d.entries.filter(pick), groups: d.groups.filter(pick), neighbours: d.neighbours.filter(pick) },
      ]),
    ),
  })
  return {
    change,
    revision: 1n,
    compilerVersion: '1',
    granted: [],
    released: [],
    before: new Map(world.store.committed),
    forced: false,
    within_ms: 60_000,
    waves: [
      wave('add', (one) => one.before === undefined),
      wave('replace', (one) => one.before !== undefined && one.after !== undefined),
      wave('remove', (one) => one.after === undefined),
    ],
    ...more,
  }
}

export const run = (world: World, input: ChangeRun, events: ProgressEvent[] = [], signal?: AbortSignal) =>
  runChange(input, portsOf(world, createLife(), events), signal ?? new AbortController().signal)
