import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inverse } from '#server/engine/program/difference.ts'
import { actionsOf, type Entry, entry, group, sameEntry } from '#server/engine/program/entry.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { entryNotation } from '#server/engine/program/notation.ts'
import { ACTION_SHAPES } from '#server/engine/program/shape.ts'
import type { Action } from '#server/kernel/action.ts'
import { FIELD_NAMES } from '#server/kernel/field.ts'
import { entries, GROUPS, groups } from './entries.ts'
import { adding, commit, type DrivenBridge, driveConnected } from './openflow.ts'
import { startPeer, stopPeersAfterAll } from './openvswitch.ts'

stopPeersAfterAll()

const fixed = GROUPS.map((number) => group({ group: number, type: 'indirect', buckets: [{ actions: [] }] }))

/** One entry for each place; entries that the switch would not hold beside each other fall away. */
const distinct = (all: readonly Entry[]): Entry[] => [...new Map(all.map((one) => [one.key, one])).values()]

describe.each(['OpenFlow13', 'OpenFlow14', 'OpenFlow15'])('the canonical form, over %s', (protocol) => {
  let driven: DrivenBridge

  beforeAll(async () => {
    const peer = await startPeer({ datapath: 'dummy' })
    await peer.addBridge('br0', { datapathId: '00000000000000aa', protocols: [protocol] })
    driven = await driveConnected(peer, 'br0')
    await commit(driven.datapath, adding([], fixed))
  })
  afterAll(() => driven.close())

  /** 1.3 has no importance. */
  const spoken = (one: Entry): Entry => (protocol === 'OpenFlow13' ? entry({ ...one, importance: 0 }) : one)

  it('is what a real switch gives back for any entry, and gives the same hash', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entries, { minLength: 20, maxLength: 60 }), async (random) => {
        const wanted = distinct(random.map(spoken))
        await commit(driven.datapath, adding(wanted))
        try {
          const { program } = await driven.datapath.read()
          for (const one of wanted) {
            const held = program.entries.get(one.key)
            if (!held) throw new Error(`not held: ${entryNotation(one)}`)
            expect(held).toEqual(one)
            expect(sameEntry(held, one)).toBe(true)
          }
          expect(program.entries.size).toBe(wanted.length)
          const intended = { ...program, entries: new Map(wanted.map((one) => [one.key, one])) }
          expect(hashProgram(program)).toEqual(hashProgram(intended))
        } finally {
          await commit(driven.datapath, inverse(adding(wanted)))
        }
        expect((await driven.datapath.read()).program.entries.size).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  it('is what a real switch gives back for any group', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(groups, { minLength: 5, maxLength: 20 }), async (random) => {
        const wanted = [...new Map(random.map((one) => [one.group, one])).values()]
        await commit(driven.datapath, adding([], wanted))
        try {
          const held = (await driven.datapath.read()).program.groups
          for (const one of wanted) expect(held.get(one.group)).toEqual(one)
          expect(held.size).toBe(wanted.length + fixed.length)
        } finally {
          await commit(driven.datapath, inverse(adding([], wanted)))
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('the entries of this test', () => {
  it('name every field that the switch knows, and every action', () => {
    const sample = fc.sample(entries, 3000)
    const fields = new Set(sample.flatMap(({ match }) => match.map(({ field }) => field)))
    expect(FIELD_NAMES.filter((name) => !fields.has(name))).toEqual(['in_phy_port'])
    const actions = new Set(sample.flatMap((one) => actionsOf(one).map(({ type }) => type)))
    expect(Object.keys(ACTION_SHAPES).filter((type) => !actions.has(type as Action['type']))).toEqual([
      ...['meter', 'unknown'],
    ])
  })
})
