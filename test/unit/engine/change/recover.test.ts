import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runChange } from '#server/engine/change/commit.ts'
import type { End } from '#server/engine/change/recover.ts'
import type { Program } from '#server/engine/program/program.ts'
import type { Fault, Operation } from './fake-driver.ts'
import {
  changeTo,
  createLife,
  createWorld,
  floods,
  hashOf,
  heldHash,
  install,
  type Life,
  outputs,
  portsOf,
  program,
  recoveryOf,
  replicates,
  type World,
} from './world.ts'

const BEFORE = program([outputs(1, 10), outputs(2, 20), floods(9, 5)], [replicates(5, [1, 2])])
const AFTER = program([outputs(1, 10), outputs(2, 21), outputs(3, 30), floods(8, 6)], [replicates(6, [1, 2, 3])])

function switches(ids: readonly string[], before: Program): World {
  const world = createWorld(ids)
  for (const id of ids) install(world, id, before)
  return world
}

const allTo = (world: World, after: Program) => new Map(world.devices.map(({ datapathId }) => [datapathId, after]))

/** Every connection of a process ends with it. */
const dropAll = (world: World) => {
  for (const device of world.devices) device.disconnect('the engine is gone')
}

/** Runs the change in a process that dies at a step; resolves when it is dead, or when the run is over. */
async function runUntilCrash(world: World, after: Program, crashAt: number): Promise<Life> {
  let died = () => {}
  const death = new Promise<void>((resolve) => {
    died = resolve
  })
  const life = createLife(crashAt, () => {
    dropAll(world)
    died()
  })
  const input = changeTo(world, 'C-1', allTo(world, after))
  const ran = runChange(input, portsOf(world, life), new AbortController().signal)
  await Promise.race([ran, death])
  return life
}

/** Starts processes, each dying at a step of its recovery, until one lives to the end. */
async function recoverThrough(world: World, crashes: readonly number[]): Promise<void> {
  for (const crashAt of [...crashes, Number.POSITIVE_INFINITY]) {
    for (const device of world.devices) device.connect()
    let died = () => {}
    const death = new Promise<void>((resolve) => {
      died = resolve
    })
    const life = createLife(crashAt, () => {
      dropAll(world)
      died()
    })
    const recovery = recoveryOf(world, life)
    const toTheEnd = async () => {
      await recovery.start()
      while (recovery.recovering.length > 0) await world.timer.sleep(100)
    }
    await Promise.race([toTheEnd(), death])
  }
}

function expectWhollyThereOrAbsent(world: World, before: Program, after: Program): 'there' | 'absent' {
  const hashes = new Set(world.devices.map(({ datapathId }) => heldHash(world, datapathId)))
  const outcome = world.store.outcomes.get('C-1')?.outcome
  const there = outcome === 'committed'
  expect([...hashes]).toEqual([hashOf(there ? after : before)])
  for (const { datapathId } of world.devices)
    expect(world.store.committed.get(datapathId)?.hash).toBe(hashOf(there ? after : before))
  expect(world.store.open.size).toBe(0)
  return there ? 'there' : 'absent'
}

describe('a crash', () => {
  it('at every step in turn leaves the change wholly there or wholly absent', async () => {
    const whole = await runUntilCrash(switches(['a', 'b'], BEFORE), AFTER, Number.POSITIVE_INFINITY)
    expect(whole.steps).toBeGreaterThan(40)
    const ends: string[] = []
    for (let step = 1; step <= whole.steps; step++) {
      const world = switches(['a', 'b'], BEFORE)
      const life = await runUntilCrash(world, AFTER, step)
      expect(life.crashed).toBe(true)
      const { phase } = world.store.open.get('C-1') ?? {}
      await recoverThrough(world, [])
      const end = expectWhollyThereOrAbsent(world, BEFORE, AFTER)
      if (phase === 'decided') expect(end).toBe('there')
      if (phase === 'prepared') expect(end).toBe('absent')
      ends.push(end)
    }
    // Once decided it stays decided: absent up to some step, there from then on.
    expect(ends.lastIndexOf('absent')).toBeLessThan(ends.indexOf('there'))
  })

  it('at random steps, of recovery too, with random programs and faults, does no worse', async () => {
    const entries = fc.uniqueArray(
      fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 3 })).map(([n, port]) => outputs(n, port)),
      { maxLength: 8, selector: (one) => one.key },
    )
    const flooding = fc.constantFrom([], [5], [6], [5, 6])
    const programs = fc.tuple(entries, flooding).map(([list, groups]) =>
      program(
        [...list, ...groups.map((group) => floods(group, group))],
        groups.map((group) => replicates(group, [1, group])),
      ),
    )
    const fault = fc.record({
      device: fc.constantFrom('a', 'b', 'c'),
      operation: fc.constantFrom<Operation>('read', 'stage', 'commit', 'converge'),
      nth: fc.integer({ min: 1, max: 4 }),
      fault: fc.constantFrom<Fault>('refuse', 'close', 'lost', 'stall'),
    })
    const crash = fc.integer({ min: 1, max: 90 })
    let there = 0
    let absent = 0
    await fc.assert(
      fc.asyncProperty(
        programs,
        programs,
        fc.array(fault, { maxLength: 3 }),
        crash,
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 3 }),
        async (before, after, faults, crashAt, crashes) => {
          const world = switches(['a', 'b', 'c'], before)
          for (const device of world.devices) {
            device.reconnect_ms = 300
            device.faults = (operation, count, id) =>
              faults.find((one) => one.device === id && one.operation === operation && one.nth === count)?.fault
          }
          await runUntilCrash(world, after, crashAt)
          if (!world.store.outcomes.has('C-1') && !world.store.open.has('C-1')) return // refused before it was begun
          await recoverThrough(world, crashes)
          if (expectWhollyThereOrAbsent(world, before, after) === 'there') there++
          else absent++
        },
      ),
      { numRuns: 300, seed: 20261121 },
    )
    expect(there).toBeGreaterThan(20)
    expect(absent).toBeGreaterThan(20)
  })
})

describe('recovery', () => {
  /** A world whose engine died right after the decision. */
  async function decided(): Promise<World> {
    const world = switches(['a', 'b'], BEFORE)
    const whole = switches(['a', 'b'], BEFORE)
    for (let step = 1; ; step++) {
      const one = step === 1 ? world : switches(['a', 'b'], BEFORE)
      await runUntilCrash(one, AFTER, step)
      if (one.store.open.get('C-1')?.phase === 'decided') return one
      if (step > 500) throw new Error(`never decided; ${whole.devices.length} devices`)
    }
  }

  it('of a decided change waits for a datapath that connects late, and finishes it', async () => {
    const world = await decided()
    world.device('a').connect()
    const recovery = recoveryOf(world)
    const done = recovery.start()
    await world.timer.sleep(5000)
    expect(recovery.recovering).toMatchObject([{ change: 'C-1', to: 'forward' }])
    world.device('b').connect()
    await done
    expect(expectWhollyThereOrAbsent(world, BEFORE, AFTER)).toBe('there')
  })

  it('takes a decided change back when a datapath does not come, and keeps the rest for when it does', async () => {
    const world = await decided()
    world.device('a').connect()
    const recovery = recoveryOf(world)
    await recovery.start()
    expect(world.store.open.get('C-1')).toMatchObject({ phase: 'aborting', reason: { code: 'away', datapathId: 'b' } })
    expect(heldHash(world, 'a')).toBe(hashOf(BEFORE))
    expect(recovery.recovering).toMatchObject([{ change: 'C-1', to: 'back' }])
    expect([...(recovery.recovering[0]?.missing.keys() ?? [])]).toEqual(['b'])
    world.device('b').connect()
    await world.timer.sleep(10_000)
    expect(expectWhollyThereOrAbsent(world, BEFORE, AFTER)).toBe('absent')
    expect(recovery.recovering).toEqual([])
  })

  it('takes a decided change back when a datapath now refuses it', async () => {
    const world = await decided()
    for (const device of world.devices) device.connect()
    world.device('b').faults = (operation, count) => (operation === 'converge' && count <= 2 ? 'refuse' : undefined)
    await recoveryOf(world).start()
    await world.timer.sleep(1000)
    expect(expectWhollyThereOrAbsent(world, BEFORE, AFTER)).toBe('absent')
  })

  it('can be stopped, and the next process goes on', async () => {
    const world = await decided()
    const recovery = recoveryOf(world)
    const done = recovery.start()
    await world.timer.sleep(500)
    await recovery.close()
    await done
    expect(world.store.open.get('C-1')?.phase).toBe('decided')
    await recoverThrough(world, [])
    expect(expectWhollyThereOrAbsent(world, BEFORE, AFTER)).toBe('there')
  })

  it('tells whoever handed it a change how that ended', async () => {
    const world = switches(['a', 'b'], BEFORE)
    world.device('b').faults = (operation, count) => (operation === 'commit' && count === 1 ? 'close' : undefined)
    const input = changeTo(world, 'C-1', allTo(world, AFTER))
    const result = await runChange(input, portsOf(world), new AbortController().signal)
    if (result.outcome !== 'open') throw new Error(`expected an open change, not ${result.outcome}`)
    let released = 0
    const end: Promise<End> = recoveryOf(world).adopt(result, () => {
      released++
    })
    await world.timer.sleep(3000)
    expect(released).toBe(0)
    world.device('b').connect()
    expect(await end).toMatchObject({ outcome: 'undone', reason: { datapathId: 'b' } })
    expect(released).toBe(1)
  })
})
