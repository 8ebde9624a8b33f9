import { describe, expect, it } from 'vitest'
import type { RunResult } from '#server/engine/change/commit.ts'
import type { ProgressEvent } from '#server/engine/change/progress.ts'
import { apply, diff } from '#server/engine/program/difference.ts'
import { EMPTY_PROGRAM, type Program } from '#server/engine/program/program.ts'
import type { Fault, Operation } from './fake-driver.ts'
import {
  changeTo,
  createWorld,
  floods,
  hashOf,
  heldHash,
  install,
  outputs,
  program,
  recoveryOf,
  replicates,
  run,
  type World,
} from './world.ts'

const BEFORE = program([outputs(1, 10), outputs(2, 20), floods(9, 5)], [replicates(5, [1, 2])])
const AFTER = program([outputs(1, 10), outputs(2, 21), outputs(3, 30), floods(8, 6)], [replicates(6, [1, 2, 3])])

function twoSwitches(): World {
  const world = createWorld(['a', 'b'])
  install(world, 'a', BEFORE)
  install(world, 'b', BEFORE)
  return world
}

const bothTo = (after: Program) =>
  new Map([
    ['a', after],
    ['b', after],
  ])

/** Waits for recovery where the run left the change open. */
async function toEnd(world: World, result: RunResult) {
  if (result.outcome !== 'open') return result
  for (const device of world.devices) device.connect()
  return recoveryOf(world).adopt(result, () => {})
}

function expectAll(world: World, wanted: Program): void {
  for (const { datapathId } of world.devices) expect(heldHash(world, datapathId)).toBe(hashOf(wanted))
}

describe('a change without faults', () => {
  it('is held everywhere, written down, and tells how long old and new lived side by side', async () => {
    const world = twoSwitches()
    const events: ProgressEvent[] = []
    const result = await run(world, changeTo(world, 'C-1', bothTo(AFTER)), events)
    expect(result).toMatchObject({ outcome: 'committed', pending: [] })
    expectAll(world, AFTER)
    expect(world.store.outcomes.get('C-1')).toMatchObject({ outcome: 'committed' })
    expect(hashOf(world.store.committed.get('a')?.program ?? EMPTY_PROGRAM)).toBe(hashOf(AFTER))
    expect(world.store.committed.get('a')?.hash).toBe(hashOf(AFTER))
    const measured = result.outcome === 'committed' ? result.measured : undefined
    expect(measured?.mixed_ms).toBe(3)
    expect(measured?.settled_ms).toBeGreaterThan(3)
    expect(events.filter((event) => event.type === 'change').map((event) => event.stand)).toEqual([
      'preparing',
      'staging',
      'decided',
      'finishing',
      'committed',
    ])
  })

  it('commits nothing before every wave is staged everywhere and the decision is durable', async () => {
    const world = twoSwitches()
    await run(world, changeTo(world, 'C-1', bothTo(AFTER)))
    const decided = world.log.indexOf('journal decide C-1')
    const at = (operation: Operation) =>
      world.log.flatMap((line, place) => (line.split(' ')[1] === operation ? [place] : []))
    expect(at('stage')).toHaveLength(6)
    expect(Math.max(...at('stage'))).toBeLessThan(decided)
    expect(at('commit')).toHaveLength(6)
    expect(Math.min(...at('commit'))).toBeGreaterThan(decided)
    expect(world.log.indexOf('journal prepare C-1')).toBeLessThan(decided)
    expect(world.log).toContain('journal prepare C-1')
  })

  it('ends a wave on all datapaths before the next begins on any', async () => {
    const world = twoSwitches()
    world.device('b').faults = () => undefined
    await run(world, changeTo(world, 'C-1', bothTo(AFTER)))
    const order = world.log.filter((line) => line.includes(' commit ') || line.startsWith('journal wave'))
    expect(order.map((line) => line.replace(/^[ab] /, ''))).toEqual([
      'commit C-1-1',
      'commit C-1-1',
      'journal wave 1 C-1',
      'commit C-1-2',
      'commit C-1-2',
      'journal wave 2 C-1',
      'commit C-1-3',
      'commit C-1-3',
      'journal wave 3 C-1',
    ])
  })

  it('stages again what idled too long while another datapath was slow', async () => {
    const world = twoSwitches()
    const settle_ms = 8000
    const input = changeTo(world, 'C-1', bothTo(AFTER))
    const waves = input.waves.map((wave) => ({ ...wave, settle_ms }))
    expect(await run(world, { ...input, waves })).toMatchObject({ outcome: 'committed' })
    expect(world.device('a').log.filter((line) => line.startsWith('stage'))).toHaveLength(5)
    expectAll(world, AFTER)
  })

  it('that concerns no datapath is written down all the same', async () => {
    const world = twoSwitches()
    expect(await run(world, changeTo(world, 'C-1', new Map()))).toMatchObject({ outcome: 'committed' })
    expect(world.store.outcomes.get('C-1')).toMatchObject({ outcome: 'committed', programs: [] })
  })
})

describe('a device that fails', () => {
  const steps: readonly [Operation, number][] = [
    ['stage', 1],
    ['stage', 2],
    ['stage', 3],
    ['commit', 1],
    ['commit', 2],
    ['commit', 3],
  ]
  const faults: readonly Fault[] = ['refuse', 'close', 'stall']

  for (const [operation, nth] of steps)
    for (const fault of faults)
      it(`by ${fault} at ${operation} ${nth} leaves nothing of the change anywhere, and is named`, async () => {
        const world = twoSwitches()
        world.device('b').reconnect_ms = 200
        world.device('b').faults = (asked, count) => (asked === operation && count === nth ? fault : undefined)
        const result = await run(world, changeTo(world, 'C-1', bothTo(AFTER)))
        const end = await toEnd(world, result)
        expect(end).toMatchObject({ outcome: 'undone', reason: { datapathId: 'b' } })
        if (fault === 'refuse') expect(end).toMatchObject({ reason: { code: 'refused', entry: 'table=0, priority=1' } })
        expectAll(world, BEFORE)
        expect(world.store.outcomes.get('C-1')).toMatchObject({ outcome: 'undone', reason: { datapathId: 'b' } })
        expect(hashOf(world.store.committed.get('a')?.program ?? EMPTY_PROGRAM)).toBe(hashOf(BEFORE))
      })

  it('that acknowledges and does not hold is found out by reading back, with the entry', async () => {
    const world = twoSwitches()
    world.device('b').faults = (asked, count) => (asked === 'commit' && count === 2 ? 'lie' : undefined)
    const end = await toEnd(world, await run(world, changeTo(world, 'C-1', bothTo(AFTER))))
    expect(end).toMatchObject({
      outcome: 'undone',
      reason: { code: 'not-observed', datapathId: 'b', entry: outputs(2, 21).key },
    })
    expectAll(world, BEFORE)
  })

  it('whose commit took effect and whose answer was lost is read, and the change goes on', async () => {
    const world = twoSwitches()
    world.device('b').reconnect_ms = 200
    world.device('b').faults = (asked, count) => (asked === 'commit' && count === 1 ? 'lost' : undefined)
    expect(await run(world, changeTo(world, 'C-1', bothTo(AFTER)))).toMatchObject({ outcome: 'committed' })
    expectAll(world, AFTER)
    const log = world.device('b').log
    expect(log.filter((line) => line === 'commit C-1-1')).toHaveLength(1)
    expect(log.filter((line) => line.startsWith('commit'))).toHaveLength(3)
  })

  it('whose commit did not take effect before its answer was lost ends the change before the next wave', async () => {
    const world = twoSwitches()
    world.device('b').reconnect_ms = 200
    world.device('b').faults = (asked, count) => (asked === 'commit' && count === 1 ? 'close' : undefined)
    await toEnd(world, await run(world, changeTo(world, 'C-1', bothTo(AFTER))))
    expect(world.log.filter((line) => line.includes(' commit '))).toEqual(['a commit C-1-1', 'b commit C-1-1'])
  })

  it('and stays away keeps the change open until it is back', async () => {
    const world = twoSwitches()
    world.device('b').faults = (asked, count) => (asked === 'commit' && count === 2 ? 'close' : undefined)
    const result = await run(world, changeTo(world, 'C-1', bothTo(AFTER)))
    expect(result).toMatchObject({ outcome: 'open', to: 'back', reason: { datapathId: 'b' } })
    expect(heldHash(world, 'a')).toBe(hashOf(BEFORE))
    expect(heldHash(world, 'b')).not.toBe(hashOf(BEFORE))
    expect(world.store.open.get('C-1')?.phase).toBe('aborting')
    expect(await toEnd(world, result)).toMatchObject({ outcome: 'undone' })
    expectAll(world, BEFORE)
  })

  it('and refuses to be taken back at first is tried again', async () => {
    const world = twoSwitches()
    world.device('b').faults = (asked, count) => {
      if (asked === 'commit' && count === 3) return 'refuse'
      return asked === 'converge' && count <= 4 ? 'refuse' : undefined
    }
    const end = await toEnd(world, await run(world, changeTo(world, 'C-1', bothTo(AFTER))))
    expect(end).toMatchObject({ outcome: 'undone', reason: { code: 'refused' } })
    expectAll(world, BEFORE)
  })

  it('and restarts empty in the middle is given back all that the way back leans on', async () => {
    const world = twoSwitches()
    const after = program([outputs(1, 10), outputs(2, 20), floods(9, 7)], [replicates(5, [1, 2]), replicates(7, [1])])
    world.device('b').reconnect_ms = 100
    world.device('b').faults = (asked, count) => {
      if (asked === 'commit' && count === 2) queueMicrotask(() => world.device('b').restart())
      return undefined
    }
    const end = await toEnd(world, await run(world, changeTo(world, 'C-1', bothTo(after))))
    expect(end).toMatchObject({ outcome: 'undone', reason: { datapathId: 'b' } })
    expectAll(world, BEFORE)
  })
})

describe('undoing', () => {
  it('goes newest wave first', async () => {
    const world = twoSwitches()
    const seen: string[] = []
    world.device('a').faults = (asked) => {
      if (asked === 'converge') seen.push(hashOf(world.device('a').program))
      return undefined
    }
    world.device('b').faults = (asked, count) => (asked === 'commit' && count === 3 ? 'refuse' : undefined)
    await run(world, changeTo(world, 'C-1', bothTo(AFTER)))
    const input = changeTo(world, 'C-2', bothTo(AFTER))
    const states = [BEFORE]
    for (const wave of input.waves) {
      const part = wave.parts.get('a')
      const last = states.at(-1) ?? BEFORE
      states.push(part ? apply(last, part) : last)
    }
    expect(seen).toEqual(states.slice(1).reverse().map(hashOf))
  })

  it('gives back entries of others that a removed group took along', async () => {
    const world = twoSwitches()
    const foreign = floods(77, 5)
    world.device('a').edit(diff(EMPTY_PROGRAM, program([foreign])))
    const before = hashOf(world.device('a').program)
    world.device('b').faults = (asked, count) => (asked === 'commit' && count === 3 ? 'stall' : undefined)
    const end = await toEnd(world, await run(world, changeTo(world, 'C-1', bothTo(AFTER))))
    expect(end).toMatchObject({ outcome: 'undone' })
    expect(heldHash(world, 'a')).toBe(before)
  })
})

describe('the journal that fails', () => {
  for (const operation of ['prepare', 'decide'])
    for (const when of ['before', 'after'] as const)
      it(`${when} ${operation} is written leaves nothing of the change anywhere`, async () => {
        const world = twoSwitches()
        world.store.hook = (at, what) => {
          if (at === when && what === operation) throw new Error('the database is gone')
        }
        const end = await toEnd(world, await run(world, changeTo(world, 'C-1', bothTo(AFTER))))
        expect(end).toMatchObject({ outcome: 'undone', reason: { code: 'fault' } })
        expectAll(world, BEFORE)
        expect(world.store.open.size).toBe(0)
      })

  for (const when of ['before', 'after'] as const)
    it(`${when} the end is written leaves the change open, and recovery writes it once`, async () => {
      const world = twoSwitches()
      let left = 3
      world.store.hook = (at, what) => {
        if (at === when && what === 'finish committed' && left-- > 0) throw new Error('the database is gone')
      }
      const result = await run(world, changeTo(world, 'C-1', bothTo(AFTER)))
      expect(result).toMatchObject({ outcome: 'open', to: 'forward' })
      expect(await toEnd(world, result)).toMatchObject({ outcome: 'committed' })
      expectAll(world, AFTER)
      expect(world.store.outcomes.get('C-1')).toMatchObject({ outcome: 'committed' })
    })

  it('since intent was edited meanwhile undoes the change', async () => {
    const world = twoSwitches()
    world.store.intentMoved = true
    expect(await run(world, changeTo(world, 'C-1', bothTo(AFTER)))).toMatchObject({
      outcome: 'undone',
      reason: { code: 'intent-moved' },
    })
    expectAll(world, BEFORE)
  })
})

describe('before anything is begun', () => {
  it('a datapath that is away refuses the change', async () => {
    const world = twoSwitches()
    world.device('b').disconnect()
    expect(await run(world, changeTo(world, 'C-1', bothTo(AFTER)))).toMatchObject({
      outcome: 'refused',
      reason: { code: 'away', datapathId: 'b' },
    })
    expect(world.log.filter((line) => line.startsWith('journal'))).toEqual([])
  })

  it('forced, its part stays pending and the rest is held', async () => {
    const world = twoSwitches()
    world.device('b').disconnect()
    const result = await run(world, changeTo(world, 'C-1', bothTo(AFTER), { forced: true }))
    expect(result).toMatchObject({ outcome: 'committed', pending: ['b'] })
    expect(heldHash(world, 'a')).toBe(hashOf(AFTER))
    expect(heldHash(world, 'b')).toBe(hashOf(BEFORE))
    const pending = world.store.committed.get('b')?.pending
    expect(pending && hashOf(apply(BEFORE, pending))).toBe(hashOf(AFTER))
  })

  it('drift on an entry that it touches blocks it, and names the entry', async () => {
    const world = twoSwitches()
    world.device('b').edit(diff(program([outputs(2, 20)]), program([outputs(2, 99)])))
    expect(await run(world, changeTo(world, 'C-1', bothTo(AFTER)))).toMatchObject({
      outcome: 'refused',
      reason: { code: 'drifted', datapathId: 'b', entry: outputs(2, 20).key },
    })
  })

  it('drift elsewhere does not, and is left alone', async () => {
    const world = twoSwitches()
    const foreign = outputs(55, 1)
    world.device('b').edit(diff(EMPTY_PROGRAM, program([foreign])))
    expect(await run(world, changeTo(world, 'C-1', bothTo(AFTER)))).toMatchObject({ outcome: 'committed' })
    expect(heldHash(world, 'b')).toBe(hashOf(apply(AFTER, diff(EMPTY_PROGRAM, program([foreign])))))
  })
})

describe('cancelling', () => {
  it('before the decision leaves nothing, also while a device stalls', async () => {
    const world = twoSwitches()
    const cancel = new AbortController()
    world.device('b').faults = (asked, count) => {
      if (asked !== 'stage' || count !== 2) return undefined
      queueMicrotask(() => cancel.abort())
      return 'stall'
    }
    const result = await run(world, changeTo(world, 'C-1', bothTo(AFTER)), [], cancel.signal)
    expect(result).toMatchObject({ outcome: 'undone', reason: { code: 'cancelled' } })
    expectAll(world, BEFORE)
    expect(world.timer.elapsed_ms).toBeLessThan(2000)
  })

  it('after the decision comes too late', async () => {
    const world = twoSwitches()
    const late = new AbortController()
    world.store.hook = (when, what) => {
      if (when === 'after' && what === 'decide') late.abort()
    }
    expect(await run(world, changeTo(world, 'C-1', bothTo(AFTER)), [], late.signal)).toMatchObject({
      outcome: 'committed',
    })
    expectAll(world, AFTER)
  })
})
