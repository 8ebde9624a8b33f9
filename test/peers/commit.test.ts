import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RunResult, type RunWave, runChange } from '#server/engine/change/commit.ts'
import type { ProgressEvent } from '#server/engine/change/progress.ts'
import { diff } from '#server/engine/program/difference.ts'
import { type Entry, entry, type Group, group } from '#server/engine/program/entry.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { type Difference, EMPTY_DIFFERENCE, EMPTY_PROGRAM, type Program } from '#server/engine/program/program.ts'
import { openDatabase } from '#server/inventory/database.ts'
import { programStore } from '#server/inventory/programs.ts'
import type { Action } from '#server/kernel/action.ts'
import { type Draft, type Ground, type Switch, startGround } from './crash/ground.ts'
import { type Engine, startEngine } from './crash/wiring.ts'
import { stopPeersAfterAll, until } from './openvswitch.ts'

stopPeersAfterAll()

/** Short, so that a switch that does not answer is given up soon. */
const LIMITS = { stage_ms: 400, commit_ms: 400, read_ms: 400, observe_ms: 400, converge_ms: 2000 }
const SOCKET = 'weft.sock'

let ground: Ground
let first: Switch
let second: Switch
let engine: Engine
let told: ProgressEvent[]
/** Called with every progress event, before the change goes on. */
let meanwhile: (event: ProgressEvent) => void

beforeAll(async () => {
  ground = await startGround()
  ;[first, second] = ground.switches
})

afterAll(() => ground?.close())

beforeEach(async () => {
  told = []
  meanwhile = () => {}
  const addresses = ground.switches.map(({ peer, ...about }) => ({ ...about, socket: `${peer.dir}/${SOCKET}` }))
  const onProgress = (event: ProgressEvent) => {
    told.push(event)
    meanwhile(event)
  }
  engine = await startEngine(ground.database, addresses, { limits: LIMITS, onProgress })
  for (const { admit } of ground.switches) await admit(SOCKET)
  for (const one of ground.switches) await connected(one)
})

afterEach(async () => {
  await engine.close()
  for (const { admit } of ground.switches) await admit()
})

const connected = ({ id, name }: Switch, is = true) =>
  until(`${name} to be ${is ? '' : 'dis'}connected`, () => engine.ports.datapaths.driver(id)?.connected === is)

const forwards = (address: number, actions: readonly Action[], table = 1): Entry =>
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
const to = (port: number): Action[] => [{ type: 'output', port }]
const flood = (number: number, ...ports: number[]): Group =>
  group({ group: number, type: 'all', buckets: ports.map((port) => ({ actions: to(port) })) })
/** No switch has this group: known at the commit, not when the entry is staged. */
const astray = forwards(250, [{ type: 'group', group: 77 }])

const adds = (entries: readonly Entry[], groups: readonly Group[] = []): Difference => ({
  ...EMPTY_DIFFERENCE,
  entries: entries.map((after) => ({ after })),
  groups: groups.map((after) => ({ after })),
})
const wave = (name: string, ...parts: readonly [Switch, Difference][]): RunWave => ({
  name,
  parts: new Map(parts.map(([{ id }, difference]) => [id, difference])),
})

/** Groups and receivers on both, then what sends to them, then what lets packets in. */
const additions = (base: number): RunWave[] => [
  wave('receive', [first, adds([forwards(base, to(1))], [flood(base, 1, 2)])], [second, adds([forwards(base, to(3))])]),
  { ...wave('transmit', [first, adds([forwards(base + 1, [{ type: 'group', group: base }])])]), settle_ms: 300 },
  wave('expose', [first, adds([forwards(base + 2, to(1))])], [second, adds([forwards(base + 2, to(3))])]),
]

const committedNow = () => engine.ports.programs.committed(ground.switches.map(({ id }) => id))

/** Runs a change with its locks, as whoever calls for it does; an open one keeps them. */
async function run(draft: Draft, waves: readonly RunWave[], forced = false): Promise<RunResult & Held> {
  const release = await engine.locks.acquire(ground.switches.map(({ id }) => id))
  const about = { ...draft, revision: 1n, compilerVersion: 'test', forced, within_ms: 20_000 }
  const before = await committedNow()
  const result = await runChange({ ...about, waves, before }, engine.ports, new AbortController().signal)
  if (result.outcome !== 'open') release()
  return { ...result, release }
}
interface Held {
  readonly release: () => void
}

/** Takes a change that is left open to its end, as the engine does by itself. */
function end(result: RunResult & Held) {
  if (result.outcome !== 'open') throw new Error(`the change is ${result.outcome}`)
  return engine.recovery.adopt(result, result.release)
}

const programsHeld = () => Promise.all(ground.switches.map(({ held }) => held()))
const hashes = (programs: readonly Program[]) => programs.map((program) => hashProgram(program).all)

/** Everything that the switches hold is as it was, cookies too, and so does the database say. */
async function expectUntouched(before: readonly Program[], { change, makes }: Draft): Promise<void> {
  const after = await programsHeld()
  expect(hashes(after)).toEqual(hashes(before))
  expect(after.map((program, i) => diff(before[i] as Program, program).entries)).toEqual([[], []])
  const books = await ground.books(change)
  expect(books).toMatchObject({ state: 'undone', unfinished: 0, claims: 0, audit: ['change.undone'] })
  expect(books.networks).not.toContain(makes)
  expect(await wantedHashes()).toEqual(hashes(before))
}
async function wantedHashes(): Promise<string[]> {
  const wanted = await committedNow()
  return ground.switches.map(({ id }) => hashProgram(wanted.get(id)?.program ?? EMPTY_PROGRAM).all)
}

/** Freezes the switch's process at once: it neither answers nor closes anything. */
const freeze = ({ peer }: Switch) => process.kill(peer.pids()[0] as number, 'SIGSTOP')
const thaw = ({ peer }: Switch) => process.kill(peer.pids()[0] as number, 'SIGCONT')
const waveDone = (n: number) => (event: ProgressEvent) =>
  event.type === 'wave' && event.wave === n && event.state === 'done'

describe('a change of two switches', () => {
  it('is held by both when it is committed, and the database says so', async () => {
    const before = await programsHeld()
    const draft = await ground.draft({ granted: 2 })
    const waves = additions(10)
    expect(await run(draft, waves)).toMatchObject({ outcome: 'committed', pending: [] })
    const after = await programsHeld()
    for (const [i, { id }] of ground.switches.entries()) {
      const added = waves.flatMap(({ parts }) => parts.get(id)?.entries ?? [])
      const { entries } = diff(before[i] as Program, after[i] as Program)
      expect(entries.map((one) => one.after?.key)).toEqual(added.map((one) => one.after?.key).sort())
    }
    expect(await wantedHashes()).toEqual(hashes(after))
    const books = await ground.books(draft.change)
    expect(books).toMatchObject({ state: 'committed', unfinished: 0, claims: 0, audit: ['change.committed'] })
    expect(books.networks).toContain(draft.makes)
    expect(books.grants).toEqual(expect.arrayContaining(draft.granted.map(({ key }) => key)))
  })

  it('is read by another process as it was written, many changes later and after one that takes all away', async () => {
    const ids = ground.switches.map(({ id }) => id)
    const passing = [forwards(200, to(1)), forwards(201, to(2)), forwards(202, to(3))]
    for (let n = 0; n < 36; n++) {
      const [gone, come] = [passing[(n + 2) % 3] as Entry, passing[n % 3] as Entry]
      const difference = { ...EMPTY_DIFFERENCE, entries: [...(n > 0 ? [{ before: gone }] : []), { after: come }] }
      expect(await run(await ground.draft({}), [wave('turn', [first, difference])])).toMatchObject({
        outcome: 'committed',
      })
      if (n % 7 !== 0 && n < 30) continue
      const other = openDatabase({ app: ground.database.url('weft_app'), engine: ground.database.url('weft_engine') })
      const read = await programStore(other).committed(ids)
      await other.close()
      const known = await committedNow()
      expect(ids.map((id) => read.get(id))).toEqual(ids.map((id) => known.get(id)))
    }
  })

  it('goes wave by wave: none begins before all switches acknowledged the one before', async () => {
    expect(await run(await ground.draft({}), additions(20))).toMatchObject({ outcome: 'committed' })
    const steps = told.flatMap((event) =>
      event.type === 'datapath' && (event.step === 'committing' || event.step === 'committed') ? [event] : [],
    )
    const places = (n: number, step: string) =>
      steps.flatMap((event, at) => (event.wave === n && event.step === step ? [at] : []))
    for (const n of [1, 2])
      expect(Math.min(...places(n, 'committing'))).toBeGreaterThan(Math.max(...places(n - 1, 'committed')))
    expect(steps.filter(({ step }) => step === 'committed')).toHaveLength(5)
  })

  it('may take away a group, and with it entries that it does not name', async () => {
    const waves = [wave('clear', [first, { ...EMPTY_DIFFERENCE, groups: [{ before: flood(20, 1, 2) }] }])]
    const before = await first.held()
    expect(await run(await ground.draft({}), waves)).toMatchObject({ outcome: 'committed' })
    const { entries } = diff(before, await first.held())
    expect(entries).toEqual([{ before: forwards(21, [{ type: 'group', group: 20 }]) }])
    expect(await wantedHashes()).toEqual(hashes(await programsHeld()))
  })
})

describe('a switch that refuses', () => {
  it('at its commit has the change undone on both, and is named with entry and error', async () => {
    const before = await programsHeld()
    const draft = await ground.draft({ granted: 1 })
    const result = await run(draft, [...additions(30), wave('late', [second, adds([astray])])])
    expect(result).toMatchObject({
      outcome: 'undone',
      reason: {
        code: 'refused',
        datapathId: second.id,
        message: 'bad_action: bad_out_group',
        entry: 'table=1, priority=100,ip,nw_dst=10.0.0.250 actions=group:77',
      },
    })
    expect(told.filter(({ type }) => type === 'wave')).toHaveLength(7)
    await expectUntouched(before, draft)
  })

  it('when it is staged keeps all switches from being touched', async () => {
    const before = await programsHeld()
    const draft = await ground.draft({})
    const wrong = entry({ table: 2, priority: 9, match: [{ field: 'tcp_dst', value: 80n }], instructions: [] })
    const waves = [...additions(30), wave('late', [second, adds([wrong])])]
    expect(await run(draft, waves)).toMatchObject({
      outcome: 'undone',
      reason: {
        code: 'refused',
        datapathId: second.id,
        message: 'bad_match: bad_prereq',
        entry: 'table=2, priority=9,tp_dst=80 actions=drop',
      },
    })
    expect(told.some((event) => event.type === 'datapath' && event.step === 'committing')).toBe(false)
    await expectUntouched(before, draft)
  })
})

describe('a switch that lies', () => {
  it('by dropping what it acknowledged has the change undone, and the entry is named', async () => {
    const { peer } = second
    const table = ['--id=@t', 'create', 'Flow_Table', 'flow_limit=3', 'overflow_policy=evict']
    await peer.vsctl(...table, '--', 'set', 'bridge', 'br0', 'flow_tables:9=@t')
    const before = await programsHeld()
    const draft = await ground.draft({})
    const mortal = [1, 2, 3, 4, 5].map((n) => ({ ...forwards(n, to(1), 9), idle_timeout: 600 }))
    const result = await run(draft, [...additions(40), wave('crowd', [second, adds(mortal)])])
    expect(result).toMatchObject({ outcome: 'undone', reason: { code: 'not-observed', datapathId: second.id } })
    expect('reason' in result && result.reason.entry).toMatch(/^table=9, .*nw_dst=10\.0\.0\.[1-5] actions=output:1$/)
    await expectUntouched(before, draft)
    await peer.vsctl('clear', 'bridge', 'br0', 'flow_tables')
  })
})

describe('a switch that is lost', () => {
  it('between two waves has the change undone: at once on the other, there when it is back', async () => {
    const before = await programsHeld()
    const draft = await ground.draft({ granted: 1 })
    let gone: Promise<unknown> | undefined
    meanwhile = (event) => {
      if (waveDone(1)(event)) gone = second.admit()
    }
    const result = await run(draft, additions(50))
    await gone
    expect(result).toMatchObject({ outcome: 'open', to: 'back', reason: { code: 'away', datapathId: second.id } })
    expect(hashes([await first.held()])).toEqual(hashes(before).slice(0, 1))
    expect(hashes([await second.held()])).not.toEqual(hashes(before).slice(1))
    const ended = end(result)
    await until('the recovery to say what it waits for', () => engine.recovery.recovering[0]?.missing.has(second.id))
    await second.admit(SOCKET)
    expect(await ended).toMatchObject({ outcome: 'undone', reason: { code: 'away', datapathId: second.id } })
    await expectUntouched(before, draft)
  })

  it('by a restart that empties it holds everything again, but for the change', async () => {
    const before = await programsHeld()
    const draft = await ground.draft({})
    let again: Promise<unknown> | undefined
    meanwhile = (event) => {
      if (waveDone(1)(event)) again = second.peer.restart()
    }
    const replaces = { ...EMPTY_DIFFERENCE, entries: [{ before: forwards(10, to(3)), after: forwards(10, to(4)) }] }
    const result = await run(draft, [wave('replace', [second, replaces]), ...additions(50)])
    await again
    if (result.outcome === 'open') await end(result)
    expect(result).toMatchObject({ reason: { datapathId: second.id } })
    engine.reconciler.start()
    await until('the switch to be filled again', async () => hashes([await second.held()])[0] === hashes(before)[1])
    await expectUntouched(before, draft)
  })
})

describe('a switch that is emptied by a restart', () => {
  it('between two waves has the change undone, though it takes the rest of it, and is filled again', async () => {
    const before = await programsHeld()
    const draft = await ground.draft({})
    meanwhile = (event) => {
      if (event.type === 'wave' && event.wave === 0 && event.state === 'done') void second.peer.restart()
    }
    const replaces = { ...EMPTY_DIFFERENCE, entries: [{ before: forwards(10, to(3)), after: forwards(10, to(4)) }] }
    const waves = [
      { ...wave('first', [first, adds([forwards(90, to(1))])]), settle_ms: 2500 },
      wave('second', [second, replaces]),
    ]
    const result = await run(draft, waves)
    expect(result).toMatchObject({ outcome: 'undone', reason: { code: 'emptied', datapathId: second.id } })
    await expectUntouched(before, draft)
  })

  it('has a change refused until it is filled again', async () => {
    const draft = await ground.draft({})
    await second.peer.restart()
    await connected(second)
    const result = await run(draft, additions(80))
    expect(result).toMatchObject({ outcome: 'refused', reason: { code: 'emptied', datapathId: second.id } })
    await ground.discard(draft.change)
    engine.reconciler.start()
    await until('the switch to be filled again', async () => {
      return hashes([await second.held()])[0] === (await wantedHashes())[1]
    })
  })
})

describe('a switch that stalls', () => {
  it('while it is staged has the change undone at its deadline, untouched', async () => {
    const before = await programsHeld()
    const draft = await ground.draft({})
    meanwhile = (event) => {
      if (event.type === 'change' && event.stand === 'staging') freeze(second)
    }
    const began_ms = performance.now()
    const result = await run(draft, additions(60)).finally(() => thaw(second))
    expect(result).toMatchObject({ outcome: 'undone', reason: { code: 'stalled', datapathId: second.id } })
    expect(performance.now() - began_ms).toBeLessThan(5000)
    await expectUntouched(before, draft)
  })

  it('while it commits has the change undone, there as soon as it answers again', async () => {
    const before = await programsHeld()
    const draft = await ground.draft({ granted: 1 })
    meanwhile = (event) => {
      if (waveDone(1)(event)) freeze(second)
    }
    const result = await run(draft, additions(60)).catch((error: unknown) => {
      thaw(second)
      throw error
    })
    expect(result).toMatchObject({ outcome: 'open', to: 'back', reason: { code: 'unknown', datapathId: second.id } })
    expect(hashes([await first.held()])).toEqual(hashes(before).slice(0, 1))
    const ended = end(result)
    thaw(second)
    expect(await ended).toMatchObject({ outcome: 'undone' })
    await expectUntouched(before, draft)
  })
})

describe('a switch that is away', () => {
  it('has the change refused before anything is written', async () => {
    await second.admit()
    await connected(second, false)
    const draft = await ground.draft({})
    const result = await run(draft, additions(70))
    expect(result).toMatchObject({ outcome: 'refused', reason: { code: 'away', datapathId: second.id } })
    expect(await ground.books(draft.change)).toMatchObject({ state: 'draft', unfinished: 0, audit: [] })
    await ground.discard(draft.change)
  })

  it('leaves a forced change pending, and is brought its part when it connects', async () => {
    engine.reconciler.start()
    await second.admit()
    await connected(second, false)
    const draft = await ground.draft({})
    const result = await run(draft, additions(70), true)
    expect(result).toMatchObject({ outcome: 'committed', pending: [second.id] })
    expect((await ground.books(draft.change)).state).toBe('pending')
    expect((await first.held()).entries.has(forwards(70, to(1)).key)).toBe(true)
    expect((await second.held()).entries.has(forwards(70, to(3)).key)).toBe(false)
    await second.admit(SOCKET)
    await until('the change to be committed', async () => (await ground.books(draft.change)).state === 'committed')
    expect(hashes(await programsHeld())).toEqual(await wantedHashes())
  })
})

describe('a hand on a switch', () => {
  it('that changed what a change touches has it refused, with the entry', async () => {
    const { peer, id } = second
    await peer.ofctl('mod-flows', '--strict', 'br0', 'table=1,priority=100,ip,nw_dst=10.0.0.10,actions=drop')
    const draft = await ground.draft({})
    const replaces = { ...EMPTY_DIFFERENCE, entries: [{ before: forwards(10, to(3)), after: forwards(10, to(4)) }] }
    expect(await run(draft, [wave('transmit', [second, replaces])])).toMatchObject({
      outcome: 'refused',
      reason: { code: 'drifted', datapathId: id, entry: 'table=1, priority=100,ip,nw_dst=10.0.0.10 actions=output:3' },
    })
    await ground.discard(draft.change)
    await engine.reconciler.repair(id)
    expect(hashes([await second.held()])).toEqual((await wantedHashes()).slice(1))
  })
})
