import { describe, expect, it } from 'vitest'
import type { CommitOptions } from '#server/engine/change/engine.ts'
import type { ProgressEvent } from '#server/engine/change/progress.ts'
import { diff } from '#server/engine/program/difference.ts'
import { EMPTY_PROGRAM, type Program } from '#server/engine/program/program.ts'
import { idleEngine, joins, toyEngine } from './toy.ts'
import { hashOf, heldHash, outputs, program } from './world.ts'

const options = (over: Partial<CommitOptions> = {}): CommitOptions => ({
  forced: false,
  signal: new AbortController().signal,
  onProgress: () => {},
  ...over,
})

/** Ports that a datapath floods a circle to. */
const floodsTo = (held: Program): number[] =>
  [...held.groups.values()].flatMap(({ buckets }) =>
    buckets.flatMap(({ actions }) => actions.flatMap((one) => (one.type === 'output' ? [one.port] : []))),
  )

const ANN = { circle: 1, datapathId: 'a', port: 11 }
const BEN = { circle: 1, datapathId: 'b', port: 22 }

describe('a proposal', () => {
  it('shows what every datapath will hold, and moves nothing', async () => {
    const { engine, intent, world } = await toyEngine(['a', 'b'])
    intent.draft('C-1', [joins('ann', ANN)])
    const proposal = await engine.propose('C-1')
    expect(proposal.findings).toEqual([])
    expect([...proposal.plan.programs.keys()]).toEqual(['a'])
    expect(world.log).toEqual([])
  })

  it('with intent that breaks a rule has findings and is not committed', async () => {
    const { engine, intent, world } = await toyEngine(['a', 'b'])
    intent.draft('C-1', [joins('ann', { ...ANN, port: 2000 })])
    expect((await engine.propose('C-1')).findings).toMatchObject([{ rule: 'circle.port', subject: 'member/ann' }])
    expect(await engine.commit('C-1', options())).toMatchObject({ outcome: 'refused', reason: { code: 'findings' } })
    expect(world.log).toEqual([])
  })
})

describe('a commit', () => {
  it('makes intent, programs and numbers true together, and every entry says why it is there', async () => {
    const { engine, intent, world, grants, provenance } = await toyEngine(['a', 'b'])
    intent.draft('C-1', [joins('ann', ANN), joins('ben', BEN)])
    await engine.propose('C-1')
    expect(await engine.commit('C-1', options())).toMatchObject({ outcome: 'committed', pending: [] })
    expect(floodsTo(world.device('a').program)).toEqual([11, 22])
    expect(heldHash(world, 'a')).toBe(world.store.committed.get('a')?.hash)
    expect([...intent.rows.keys()]).toEqual(['member/ann', 'member/ben'])
    const [entry] = world.device('a').program.entries.values()
    const cookie = entry?.cookie ?? 0n
    expect(cookie >> 48n).toBe(0x5707n)
    expect(provenance.rows.get(cookie & 0xffff_ffff_ffffn)).toEqual({
      change: 'C-1',
      because: ['member/ann', 'member/ben'],
    })
    expect([...grants.all.values()].map(({ key, committed }) => [key, committed])).toEqual([
      ['circle/a/1', true],
      ['circle/b/1', true],
    ])
  })

  it('keeps numbers that a preview reserved, so that the next change gets others', async () => {
    const { engine, intent, world } = await toyEngine(['a', 'b'])
    intent.draft('C-1', [joins('ann', ANN)])
    intent.draft('C-2', [joins('cal', { circle: 2, datapathId: 'a', port: 33 })])
    await engine.propose('C-1')
    await engine.commit('C-1', options())
    expect(await engine.commit('C-2', options())).toMatchObject({ outcome: 'committed' })
    expect([...world.device('a').program.groups.keys()].sort()).toEqual([1, 2])
  })

  it('beside another on other datapaths takes into account what that one made true', async () => {
    const { engine, intent, world } = await toyEngine(['a', 'b'])
    intent.draft('C-1', [joins('ann', ANN)])
    intent.draft('C-2', [joins('ben', BEN)])
    // Compiled alone, neither touches the other's datapath.
    expect([...(await engine.propose('C-1')).plan.programs.keys()]).toEqual(['a'])
    expect([...(await engine.propose('C-2')).plan.programs.keys()]).toEqual(['b'])
    const ends = await Promise.all([engine.commit('C-1', options()), engine.commit('C-2', options())])
    expect(ends.map(({ outcome }) => outcome)).toEqual(['committed', 'committed'])
    expect(floodsTo(world.device('a').program)).toEqual([11, 22])
    expect(floodsTo(world.device('b').program)).toEqual([11, 22])
  })

  it('that cannot be taken back everywhere yet does not keep others from theirs, but for those datapaths', async () => {
    const { engine, intent, world } = await toyEngine(['a', 'b', 'c'])
    intent.draft('C-1', [joins('ann', ANN), joins('ben', BEN)])
    intent.draft('C-2', [joins('cal', { circle: 2, datapathId: 'c', port: 33 })])
    intent.draft('C-3', [joins('dan', { circle: 3, datapathId: 'b', port: 44 })])
    world.device('b').faults = (operation, count) => (operation === 'commit' && count === 1 ? 'close' : undefined)
    const events: ProgressEvent[] = []
    const first = engine.commit('C-1', options({ onProgress: (event) => events.push(event) }))
    expect(await engine.commit('C-2', options())).toMatchObject({ outcome: 'committed' })
    expect(engine.recovering).toMatchObject([{ change: 'C-1', to: 'back' }])
    expect(await engine.commit('C-3', options())).toMatchObject({
      outcome: 'refused',
      reason: { code: 'busy', datapathId: 'b' },
    })
    world.device('b').connect()
    expect(await first).toMatchObject({ outcome: 'undone', reason: { datapathId: 'b' } })
    expect(events.at(-1)).toMatchObject({ type: 'change', stand: 'undone' })
    expect(heldHash(world, 'a')).toBe(hashOf(EMPTY_PROGRAM))
    expect(await engine.commit('C-3', options())).toMatchObject({ outcome: 'committed' })
  })

  it('that was forced is built upon, and brought first when its datapath is back', async () => {
    const { engine, intent, world } = await toyEngine(['a', 'b'])
    intent.draft('C-1', [joins('ann', ANN), joins('ben', BEN)])
    world.device('b').disconnect()
    expect(await engine.commit('C-1', options())).toMatchObject({ outcome: 'refused', reason: { code: 'away' } })
    expect(await engine.commit('C-1', options({ forced: true }))).toMatchObject({
      outcome: 'committed',
      pending: ['b'],
    })
    intent.draft('C-2', [joins('cal', { circle: 1, datapathId: 'a', port: 33 })])
    expect(await engine.commit('C-2', options())).toMatchObject({ outcome: 'refused', reason: { datapathId: 'b' } })
    world.device('b').connect()
    expect(await engine.commit('C-2', options())).toMatchObject({ outcome: 'committed', pending: [] })
    expect(floodsTo(world.device('b').program)).toEqual([11, 22, 33])
    expect(world.store.committed.get('b')?.pending).toBeUndefined()
  })

  it('can be cancelled while it waits for its turn', async () => {
    const { engine, intent, world } = await toyEngine(['a', 'b'])
    intent.draft('C-1', [joins('ann', ANN)])
    intent.draft('C-2', [joins('ben', BEN)])
    const cancel = new AbortController()
    world.device('a').faults = (operation) => (operation === 'read' ? 'stall' : undefined)
    const first = engine.commit('C-1', options())
    const second = engine.commit('C-2', options({ signal: cancel.signal }))
    cancel.abort()
    expect(await second).toMatchObject({ outcome: 'refused', reason: { code: 'cancelled' } })
    expect(await first).toMatchObject({ outcome: 'refused', reason: { code: 'stalled', datapathId: 'a' } })
  })

  it('does not begin before recovery knows what is in doubt', async () => {
    const { engine, intent, world, recovery } = idleEngine(['a'])
    intent.draft('C-1', [joins('ann', ANN)])
    const end = engine.commit('C-1', options())
    await world.timer.sleep(60_000)
    expect(world.log).toEqual([])
    await recovery.start()
    expect(await end).toMatchObject({ outcome: 'committed' })
  })

  it('shows its datapaths as moving, and they are looked at afterwards', async () => {
    const { engine, intent, world, reconciler } = await toyEngine(['a', 'b'])
    intent.draft('C-1', [joins('ann', ANN)])
    await reconciler.check('a')
    const states: string[] = []
    reconciler.subscribe(({ datapathId, state }) => {
      if (datapathId === 'a') states.push(state)
    })
    world.device('a').edit(diff(EMPTY_PROGRAM, program([outputs(66, 6)])))
    await engine.commit('C-1', options())
    await world.timer.sleep(1000)
    expect(states).toEqual(['moving', 'drifted'])
  })
})

describe('rolling back', () => {
  it('brings the hashes back', async () => {
    const { engine, intent, world } = await toyEngine(['a', 'b'])
    intent.draft('C-1', [joins('ann', ANN)])
    await engine.commit('C-1', options())
    const before = [heldHash(world, 'a'), heldHash(world, 'b')]
    intent.draft('C-2', [joins('ben', BEN), { kind: 'member', id: 'ann', before: ANN, after: { ...ANN, port: 12 } }])
    await engine.commit('C-2', options())
    expect([heldHash(world, 'a'), heldHash(world, 'b')]).not.toEqual(before)
    const back = await engine.rollback('C-2', 'eve')
    expect((await engine.propose(back)).findings).toEqual([])
    expect(await engine.commit(back, options())).toMatchObject({ outcome: 'committed' })
    expect([heldHash(world, 'a'), heldHash(world, 'b')]).toEqual(before)
  })

  it('warns where a later change is taken back too, and leaves alone what is gone', async () => {
    const { engine, intent } = await toyEngine(['a', 'b'])
    intent.draft('C-1', [joins('ann', ANN), joins('ben', BEN)])
    await engine.commit('C-1', options())
    intent.draft('C-2', [
      { kind: 'member', id: 'ann', before: ANN, after: { ...ANN, port: 12 } },
      { kind: 'member', id: 'ben', before: BEN, after: { ...BEN, port: 23 } },
    ])
    await engine.commit('C-2', options())
    intent.draft('C-3', [
      { kind: 'member', id: 'ann', before: { ...ANN, port: 12 }, after: { ...ANN, port: 13 } },
      { kind: 'member', id: 'ben', before: { ...BEN, port: 23 } },
    ])
    await engine.commit('C-3', options())
    const back = await engine.rollback('C-2', 'eve')
    expect(intent.drafts.get(back)).toEqual([{ kind: 'member', id: 'ann', before: { ...ANN, port: 12 }, after: ANN }])
    expect((await engine.propose(back)).findings).toMatchObject([
      { severity: 'warning', rule: 'change.overwrites', subject: 'member/ann' },
    ])
  })
})
