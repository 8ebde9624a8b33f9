import { describe, expect, it } from 'vitest'
import { diff } from '#server/engine/program/difference.ts'
import { type Entry, entry } from '#server/engine/program/entry.ts'
import { EMPTY_DIFFERENCE, type Program } from '#server/engine/program/program.ts'
import { openDatabase } from '#server/inventory/database.ts'
import { programStore } from '#server/inventory/programs.ts'
import { adds, flood, forwards, hashes, replaces, to, twoSwitches, wave } from './two-switches.ts'

const two = twoSwitches()
const { additions, run, programsHeld, wantedHashes, committedNow, expectUntouched } = two

/** No switch has this group: known at the commit, not when the entry is staged. */
const astray = forwards(250, [{ type: 'group', group: 77 }])

describe('a change of two switches', () => {
  it('is held by both when it is committed, and the database says so', async () => {
    const before = await programsHeld()
    const draft = await two.ground.draft({ granted: 2 })
    const waves = additions(10)
    expect(await run(draft, waves)).toMatchObject({ outcome: 'committed', pending: [] })
    const after = await programsHeld()
    for (const [i, { id }] of two.ground.switches.entries()) {
      const added = waves.flatMap(({ parts }) => parts.get(id)?.entries ?? [])
      const { entries } = diff(before[i] as Program, after[i] as Program)
      expect(entries.map((one) => one.after?.key)).toEqual(added.map((one) => one.after?.key).sort())
    }
    expect(await wantedHashes()).toEqual(hashes(after))
    const books = await two.ground.books(draft.change)
    expect(books).toMatchObject({ state: 'committed', unfinished: 0, claims: 0, audit: ['change.committed'] })
    expect(books.networks).toContain(draft.makes)
    expect(books.grants).toEqual(expect.arrayContaining(draft.granted.map(({ key }) => key)))
  })

  it('is read by another process as it was written, many changes later and after one that takes all away', async () => {
    const ids = two.ground.switches.map(({ id }) => id)
    const passing = [forwards(200, to(1)), forwards(201, to(2)), forwards(202, to(3))]
    for (let n = 0; n < 36; n++) {
      const [gone, come] = [passing[(n + 2) % 3] as Entry, passing[n % 3] as Entry]
      const difference = { ...EMPTY_DIFFERENCE, entries: [...(n > 0 ? [{ before: gone }] : []), { after: come }] }
      expect(await run(await two.ground.draft({}), [wave('turn', [two.first, difference])])).toMatchObject({
        outcome: 'committed',
      })
      if (n % 7 !== 0 && n < 30) continue
      const other = openDatabase({
        app: two.ground.database.url('weft_app'),
        engine: two.ground.database.url('weft_engine'),
      })
      const read = await programStore(other).committed(ids)
      await other.close()
      const known = await committedNow()
      expect(ids.map((id) => read.get(id))).toEqual(ids.map((id) => known.get(id)))
    }
  })

  it('goes wave by wave: none begins before all switches acknowledged the one before', async () => {
    expect(await run(await two.ground.draft({}), additions(20))).toMatchObject({ outcome: 'committed' })
    const steps = two.told.flatMap((event) =>
      event.type === 'datapath' && (event.step === 'committing' || event.step === 'committed') ? [event] : [],
    )
    const places = (n: number, step: string) =>
      steps.flatMap((event, at) => (event.wave === n && event.step === step ? [at] : []))
    for (const n of [1, 2])
      expect(Math.min(...places(n, 'committing'))).toBeGreaterThan(Math.max(...places(n - 1, 'committed')))
    expect(steps.filter(({ step }) => step === 'committed')).toHaveLength(5)
  })

  it('may take away a group, and with it entries that it does not name', async () => {
    const waves = [wave('clear', [two.first, { ...EMPTY_DIFFERENCE, groups: [{ before: flood(20, 1, 2) }] }])]
    const before = await two.first.held()
    expect(await run(await two.ground.draft({}), waves)).toMatchObject({ outcome: 'committed' })
    const { entries } = diff(before, await two.first.held())
    expect(entries).toEqual([{ before: forwards(21, [{ type: 'group', group: 20 }]) }])
    expect(await wantedHashes()).toEqual(hashes(await programsHeld()))
  })
})

describe('a switch that refuses', () => {
  it('at its commit has the change undone on both, and is named with entry and error', async () => {
    const before = await programsHeld()
    const draft = await two.ground.draft({ granted: 1 })
    const result = await run(draft, [...additions(30), wave('late', [two.second, adds([astray])])])
    expect(result).toMatchObject({
      outcome: 'undone',
      reason: {
        code: 'refused',
        datapathId: two.second.id,
        message: 'bad_action: bad_out_group',
        entry: 'table=1, priority=100,ip,nw_dst=10.0.0.250 actions=group:77',
      },
    })
    expect(two.told.filter(({ type }) => type === 'wave')).toHaveLength(7)
    await expectUntouched(before, draft)
  })

  it('when it is staged keeps all switches from being touched', async () => {
    const before = await programsHeld()
    const draft = await two.ground.draft({})
    const wrong = entry({ table: 2, priority: 9, match: [{ field: 'tcp_dst', value: 80n }], instructions: [] })
    const waves = [...additions(30), wave('late', [two.second, adds([wrong])])]
    expect(await run(draft, waves)).toMatchObject({
      outcome: 'undone',
      reason: {
        code: 'refused',
        datapathId: two.second.id,
        message: 'bad_match: bad_prereq',
        entry: 'table=2, priority=9,tp_dst=80 actions=drop',
      },
    })
    expect(two.told.some((event) => event.type === 'datapath' && event.step === 'committing')).toBe(false)
    await expectUntouched(before, draft)
  })
})

describe('a switch that lies', () => {
  it('by dropping what it acknowledged has the change undone, and the entry is named', async () => {
    const { peer } = two.second
    const table = ['--id=@t', 'create', 'Flow_Table', 'flow_limit=3', 'overflow_policy=evict']
    await peer.vsctl(...table, '--', 'set', 'bridge', 'br0', 'flow_tables:9=@t')
    const before = await programsHeld()
    const draft = await two.ground.draft({})
    const mortal = [1, 2, 3, 4, 5].map((n) => ({ ...forwards(n, to(1), 9), idle_timeout: 600 }))
    const result = await run(draft, [...additions(40), wave('crowd', [two.second, adds(mortal)])])
    expect(result).toMatchObject({ outcome: 'undone', reason: { code: 'not-observed', datapathId: two.second.id } })
    expect('reason' in result && result.reason.entry).toMatch(/^table=9, .*nw_dst=10\.0\.0\.[1-5] actions=output:1$/)
    await expectUntouched(before, draft)
    await peer.vsctl('clear', 'bridge', 'br0', 'flow_tables')
  })
})

describe('a hand on a switch', () => {
  it('that changed what a change touches has it refused, with the entry', async () => {
    const { peer, id } = two.second
    await peer.ofctl('mod-flows', '--strict', 'br0', 'table=1,priority=100,ip,nw_dst=10.0.0.10,actions=drop')
    const draft = await two.ground.draft({})
    expect(
      await run(draft, [wave('transmit', [two.second, replaces(forwards(10, to(3)), forwards(10, to(4)))])]),
    ).toMatchObject({
      outcome: 'refused',
      reason: { code: 'drifted', datapathId: id, entry: 'table=1, priority=100,ip,nw_dst=10.0.0.10 actions=output:3' },
    })
    await two.ground.discard(draft.change)
    await two.engine.reconciler.repair(id)
    expect(hashes([await two.second.held()])).toEqual((await wantedHashes()).slice(1))
  })
})
