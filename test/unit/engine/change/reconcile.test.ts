import { afterEach, describe, expect, it } from 'vitest'
import type { Condition } from '#server/engine/change/conditions.ts'
import { createLocks } from '#server/engine/change/locks.ts'
import { createReconciler, RECONCILE, type Reconciler } from '#server/engine/change/reconcile.ts'
import { apply, diff } from '#server/engine/program/difference.ts'
import { EMPTY_PROGRAM } from '#server/engine/program/program.ts'
import {
  changeTo,
  createWorld,
  floods,
  hashOf,
  heldHash,
  install,
  outputs,
  portsOf,
  program,
  replicates,
  run,
  type World,
} from './world.ts'

const WANTED = program([outputs(1, 10), outputs(2, 20), floods(9, 5)], [replicates(5, [1, 2])])
const foreign = program([outputs(66, 6)])

const started: Reconciler[] = []
afterEach(async () => {
  for (const one of started.splice(0)) await one.close()
})

interface Watched {
  readonly world: World
  readonly locks: ReturnType<typeof createLocks>
  readonly reconciler: Reconciler
  /** Waits in virtual time until the condition of `a` is so; fails after 10 s. */
  until(is: (condition: Condition) => boolean): Promise<Condition>
}

async function watched(options = RECONCILE): Promise<Watched> {
  const world = createWorld(['a'])
  install(world, 'a', WANTED)
  const locks = createLocks()
  const reconciler = createReconciler(portsOf(world), locks, options)
  started.push(reconciler)
  reconciler.start()
  const until = async (is: (condition: Condition) => boolean): Promise<Condition> => {
    for (let waited_ms = 0; waited_ms < 10_000; waited_ms += 10) {
      if (is(reconciler.condition('a'))) return reconciler.condition('a')
      await world.timer.sleep(10)
    }
    throw new Error(
      `still ${JSON.stringify(reconciler.condition('a'), (key, value) => (key === 'drift' ? '…' : value))}`,
    )
  }
  await until(({ state }) => state === 'held')
  return { world, locks, reconciler, until }
}

describe('a datapath that holds what is wanted', () => {
  it('is read when the engine starts, and left alone', async () => {
    const { world, reconciler } = await watched()
    expect(reconciler.condition('a')).toMatchObject({ state: 'held', wanted: 3, held: 3, drift: undefined })
    expect(world.device('a').log.filter((line) => !line.startsWith('read'))).toEqual([])
  })

  it('is read again every hour', async () => {
    const { world } = await watched()
    const reads = () => world.device('a').log.filter((line) => line === 'read').length
    const before = reads()
    await world.timer.sleep(RECONCILE.every_ms + 1000)
    expect(reads()).toBe(before + 1)
  })

  it('differs by a cookie only: that is no drift', async () => {
    const { world, until, reconciler } = await watched()
    const entries = [...WANTED.entries.values()].map((entry) => ({ ...entry, cookie: 0x77n }))
    world.device('a').edit(diff(WANTED, program(entries, [...WANTED.groups.values()])))
    const { read_ms } = reconciler.condition('a')
    expect(await until((condition) => condition.read_ms !== read_ms)).toMatchObject({ state: 'held' })
  })
})

describe('a hand', () => {
  it('that adds an entry is seen within 2 s, and the entry stays until it is told to go', async () => {
    const { world, until, reconciler } = await watched()
    const before_ms = world.timer.elapsed_ms
    world.device('a').edit(diff(EMPTY_PROGRAM, foreign))
    const condition = await until(({ state }) => state === 'drifted')
    expect(world.timer.elapsed_ms - before_ms).toBeLessThan(2000)
    expect(condition).toMatchObject({
      wanted: 3,
      held: 3,
      drift: { entries: [{ before: outputs(66, 6) }], groups: [] },
    })
    await world.timer.sleep(60_000)
    expect(reconciler.condition('a').state).toBe('drifted')
    expect(await reconciler.repair('a')).toMatchObject({ state: 'held', drift: undefined, driftSince_ms: null })
    expect(heldHash(world, 'a')).toBe(hashOf(WANTED))
  })

  it('that removes and replaces is counted; it waits as well', async () => {
    const { world, until, reconciler } = await watched()
    world
      .device('a')
      .edit({ entries: [{ before: outputs(1, 10) }, { after: outputs(2, 99) }], groups: [], neighbours: [] })
    expect(await until(({ state }) => state === 'drifted')).toMatchObject({ wanted: 3, held: 1 })
    await reconciler.repair('a')
    expect(heldHash(world, 'a')).toBe(hashOf(WANTED))
  })

  it('that takes a group, and with it an entry, is repaired in one go', async () => {
    const { world, until, reconciler } = await watched()
    world.device('a').edit({ entries: [], groups: [{ before: replicates(5, [1, 2]) }], neighbours: [] })
    expect(await until(({ state }) => state === 'drifted')).toMatchObject({ held: 2 })
    await reconciler.repair('a')
    expect(heldHash(world, 'a')).toBe(hashOf(WANTED))
  })

  it('that never rests does not keep the engine from looking', async () => {
    const { world, until } = await watched()
    const before_ms = world.timer.elapsed_ms
    let tired = false
    const restless = async () => {
      for (let n = 0; !tired; n++) {
        world.device('a').edit(diff(EMPTY_PROGRAM, program([outputs(100 + (n % 50), 1)])))
        await world.timer.sleep(20)
      }
    }
    const done = restless()
    await until(({ state }) => state === 'drifted')
    tired = true
    await done
    expect(world.timer.elapsed_ms - before_ms).toBeLessThan(2000)
  })

  it('is not waited for where the datapath repairs itself', async () => {
    const { world, until, reconciler } = await watched({ ...RECONCILE, repairsItself: () => true })
    const { read_ms } = reconciler.condition('a')
    world.device('a').edit(diff(EMPTY_PROGRAM, foreign))
    await until((condition) => condition.read_ms !== read_ms && condition.state === 'held')
    expect(heldHash(world, 'a')).toBe(hashOf(WANTED))
  })
})

describe('a datapath that comes back', () => {
  it('empty is filled at once; what others put there meanwhile stays, as drift', async () => {
    const { world, until } = await watched()
    world.device('a').restart()
    expect(await until(({ state }) => state === 'away')).toMatchObject({ held: 0 })
    world.device('a').program = foreign
    const before_ms = world.timer.elapsed_ms
    world.device('a').connect()
    expect(await until(({ state }) => state === 'drifted')).toMatchObject({ held: 3 })
    expect(world.timer.elapsed_ms - before_ms).toBeLessThan(1000)
    expect(heldHash(world, 'a')).toBe(hashOf(apply(WANTED, diff(EMPTY_PROGRAM, foreign))))
  })

  it('empty and refuses at first is tried again', async () => {
    const { world, until, reconciler } = await watched()
    let left = 2
    world.device('a').faults = (operation) => (operation === 'converge' && left-- > 0 ? 'refuse' : undefined)
    world.device('a').restart()
    world.device('a').connect()
    expect(await until(({ reason }) => reason !== undefined)).toMatchObject({ reason: { code: 'refused' } })
    await until(({ state, held }) => state === 'held' && held === 3)
    expect(reconciler.condition('a').reason).toBeUndefined()
    expect(heldHash(world, 'a')).toBe(hashOf(WANTED))
  })

  it('with a change pending is given it, and the change is then told as held; hand-made entries stay', async () => {
    const { world, until } = await watched()
    const after = program([outputs(1, 11), outputs(3, 30), floods(9, 5)], [replicates(5, [1, 2])])
    world.device('a').disconnect()
    world.device('a').edit(diff(EMPTY_PROGRAM, foreign))
    await run(world, changeTo(world, 'C-1', new Map([['a', after]]), { forced: true }))
    expect(world.store.committed.get('a')?.pending).toBeDefined()
    world.device('a').connect()
    expect(await until(({ state }) => state === 'drifted')).toMatchObject({ wanted: 3, held: 3 })
    expect(world.store.committed.get('a')?.pending).toBeUndefined()
    expect(heldHash(world, 'a')).toBe(hashOf(apply(after, diff(EMPTY_PROGRAM, foreign))))
  })
})

describe('a change under way', () => {
  it('keeps reconciling away from its datapaths, which are looked at when it ends', async () => {
    const { world, locks, reconciler, until } = await watched()
    const release = await locks.acquire(['a'])
    const ended = reconciler.moving(['a'])
    expect(reconciler.condition('a').state).toBe('moving')
    const reads = world.device('a').log.length
    world.device('a').edit(diff(EMPTY_PROGRAM, foreign))
    await world.timer.sleep(5000)
    expect(world.device('a').log.length).toBe(reads)
    expect(reconciler.condition('a').state).toBe('moving')
    release()
    ended()
    await until(({ state }) => state === 'drifted')
  })
})
