import { describe, expect, it } from 'vitest'
import type { Capability, Place, Witness } from '#server/engine/capability.ts'
import { checkCapacity } from '#server/engine/change/check/capacity.ts'
import { checkPrograms } from '#server/engine/change/check/index.ts'
import { checkOverlap } from '#server/engine/change/check/overlap.ts'
import { checkReach } from '#server/engine/change/check/reach.ts'
import { checkReferences } from '#server/engine/change/check/references.ts'
import type { Composed } from '#server/engine/change/compose.ts'
import type { DatapathFact } from '#server/engine/infrastructure.ts'
import { network } from '#server/engine/network/index.ts'
import { type Entry, entry, group } from '#server/engine/program/entry.ts'
import type { Program } from '#server/engine/program/program.ts'
import type { Action } from '#server/kernel/action.ts'
import type { FieldMatch } from '#server/kernel/match.ts'
import { build, intentOf, programsOf, site } from '../network/site.ts'
import { programOf } from '../program/arbitrary.ts'

const infrastructure = site()
const out = (port: number): Action => ({ type: 'output', port })
const rule = (priority: number, match: readonly FieldMatch[], ...actions: Action[]): Entry =>
  entry({ table: 0, priority, match, instructions: [{ type: 'apply_actions', actions }] })
const composedOf = (entries: readonly Entry[], because = 'port/p'): Composed => ({
  ...{ datapathId: 'nic1', tables: [], program: programOf(entries) },
  origins: new Map(entries.map(({ key }) => [key, { phase: 'expose', because: [because] }])),
})

describe('entries of one priority', () => {
  const inPort: FieldMatch = { field: 'in_port', value: 1n }
  const dst: FieldMatch = { field: 'eth_dst', value: 5n }
  const group: FieldMatch = { field: 'eth_dst', value: 4n, mask: 4n }
  const overlaps = (...entries: Entry[]) => checkOverlap(composedOf(entries), 'nic1').length

  it('are refused where they take the same packet and do different things', () => {
    expect(checkOverlap(composedOf([rule(9, [inPort], out(1)), rule(9, [dst], out(2))]), 'nic1')).toMatchObject([
      {
        ...{ rule: 'check.overlap', severity: 'error', subject: 'port/p' },
        message: expect.stringContaining(
          'table=0, priority=9,in_port=1 actions=output:1 and table=0, priority=9,dl_dst',
        ),
      },
    ])
    expect(overlaps(rule(9, [group], out(1)), rule(9, [dst], out(2)))).toBe(1)
    expect(overlaps(rule(9, [], out(1)), rule(9, [dst], out(2)))).toBe(1)
    expect(overlaps(rule(9, [inPort, dst], out(1)), rule(9, [dst], out(2)))).toBe(1)
    expect(overlaps(rule(9, [dst, inPort], out(1)), rule(9, [dst, { field: 'metadata', value: 1n }], out(2)))).toBe(1)
  })

  it('are fine where they agree, where no packet fits both, or where a priority decides', () => {
    expect(overlaps(rule(9, [inPort], out(1)), rule(9, [dst], out(1)))).toBe(0)
    expect(overlaps(rule(9, [{ ...group, value: 0n }], out(1)), rule(9, [dst], out(2)))).toBe(0)
    expect(overlaps(rule(9, [inPort, dst], out(1)), rule(9, [{ ...inPort, value: 2n }], out(2)))).toBe(0)
    expect(overlaps(rule(8, [inPort], out(1)), rule(9, [dst], out(2)))).toBe(0)
  })
})

describe('what a datapath can hold', () => {
  const built = build(intentOf({ red: 1 }, [{ at: 'h11', in: 'red' }]), infrastructure).datapaths.get(
    'nic1',
  ) as Composed
  const whole = infrastructure.datapaths.get('nic1') as DatapathFact
  const rules = (limits: Partial<NonNullable<DatapathFact['limits']>>) => {
    const limited = { ...whole, limits: { ...(whole.limits as NonNullable<DatapathFact['limits']>), ...limits } }
    return checkCapacity(limited, built.program, built.tables).map(({ rule: code, message }) => `${code}: ${message}`)
  }

  it('is what it said of itself', () => {
    expect(rules({})).toEqual([])
    expect(rules({ tables: 152 })).toEqual(['capacity.tables: nic1 has 152 tables; reply.ports would be table 200.'])
    expect(rules({ tableDefault: 16 })).toEqual([
      'capacity.table: Table 1 (admit.guard) of nic1 would hold 17 entries; it has room for 16.',
    ])
    expect(rules({ groupTypes: ['select'] })).toEqual([expect.stringContaining('feature.group-type')])
    expect(rules({ maxGroups: 0 })).toEqual([expect.stringContaining('capacity.groups')])
    expect(rules({ features: [] })).toEqual([expect.stringContaining('feature.bundles')])
  })

  it('is not guessed before it was ever connected', () => {
    const { limits: _, ...unknown } = whole
    expect(checkCapacity(unknown, built.program, built.tables)).toEqual([])
  })
})

describe('ports and groups that entries name', () => {
  it('are there', () => {
    const nic1 = infrastructure.datapaths.get('nic1') as DatapathFact
    const wrong = [rule(1, [], out(1), out(7), { type: 'group', group: 5 }), rule(2, [], out(7), out(0xfffffff8))]
    const told = checkReferences(composedOf(wrong), nic1, infrastructure)
    expect(told.map((one) => [one.rule, one.message, one.subject])).toEqual([
      ['check.unknown-port', 'nic1 has no port 7, to which packets would go.', 'port/p'],
      ['check.unknown-group', 'nic1 has no group 5, which an entry uses.', 'port/p'],
    ])
    const bucket = composedOf([])
    const groups = new Map([[5, group({ group: 5, type: 'all', buckets: [{ actions: [out(77)] }] })]])
    expect(checkReferences({ ...bucket, program: { ...bucket.program, groups } }, nic1, infrastructure)).toHaveLength(1)
  })
})

describe('following witness packets', () => {
  const from: Place = { datapathId: 'nic1', port: 1, vlan: null }
  const to: Place = { datapathId: 'nic1', port: 2, vlan: null }
  const witness: Witness = { subject: 'port/p', words: 'a to b', from, fields: {}, reaches: [to], never: 'elsewhere' }
  const follow = (programs: Record<string, Program>, over: Partial<Witness> = {}) =>
    checkReach(new Map(Object.entries(programs)), infrastructure, { chosen: [{ ...witness, ...over }], possible: 9 })
  const told = (programs: Record<string, Program>, over?: Partial<Witness>) =>
    follow(programs, over).map((one) => one.message)
  const does = (...actions: Action[]) => programOf([rule(1, [], ...actions)])

  it('is content where the packet goes where it should', () => {
    expect(told({ nic1: does(out(2)) })).toEqual([
      '1 packets of 9 were followed through all datapaths, all as promised.',
    ])
  })

  it('tells what does not arrive, with the hops of the packet', () => {
    const [finding] = follow({ nic1: programOf([]) })
    expect(finding).toMatchObject({
      ...{ severity: 'error', rule: 'reach.undelivered', subject: 'port/p' },
      message: 'A packet from a to b does not come out at h12.',
      witness: ['nic1: from port 1 through tables 0 (miss): dropped'],
    })
    expect(follow({}, {})[0]?.rule).toBe('reach.undelivered')
  })

  it('tells what arrives elsewhere, or where it never may', () => {
    expect(told({ nic1: does(out(2), out(3)) })[0]).toBe('A packet from a to b comes out at h13, where it must not.')
    const never = [{ ...to, port: 3 }]
    expect(told({ nic1: does(out(2), out(3)) }, { never })[0]).toContain('h13, where it must not')
    expect(told({ nic1: does(out(2), out(9)), srv1: does(out(5)) }, { never })).toHaveLength(1)
  })

  it('tells loops, and copies that come twice', () => {
    const around = {
      nic1: does(out(9), { type: 'output', port: 0xfffffff8 }),
      srv1: does({ type: 'output', port: 0xfffffff8 }),
    }
    expect(follow(around)[0]?.rule).toBe('reach.loop')
    expect(told({ nic1: does(out(2), out(2)) })[0]).toBe('A packet from a to b comes out more than once.')
  })

  it('follows tunnels by their end and id', () => {
    const tunnel: Action[] = [
      { type: 'set_field', field: 'tunnel_id', value: 7n },
      { type: 'set_field', field: 'tun_dst', value: 0xc0000202n },
      out(8),
    ]
    const programs = {
      nic1: does(out(9)),
      srv1: does(...tunnel),
      srv2: programOf([
        rule(
          1,
          [
            { field: 'tunnel_id', value: 7n },
            { field: 'tun_src', value: 0xc0000201n },
          ],
          out(5),
        ),
      ]),
    }
    expect(told(programs, { reaches: [{ datapathId: 'srv2', port: 5, vlan: null }] })).toHaveLength(1)
  })
})

describe('all checks together', () => {
  const intent = intentOf({ red: 1 }, [
    { at: 'h11', in: 'red' },
    { at: 'h21', in: 'red' },
  ])
  const rows = [
    ...[...intent.networks.values()].map((value) => ({ kind: 'network', id: value.id, value })),
    ...intent.subnets.map((value) => ({ kind: 'subnet', id: value.id, value })),
    ...intent.ports.map((value) => ({ kind: 'port', id: value.id, value })),
  ]
  const { datapaths } = build(intent, infrastructure)
  const check = (composed: ReadonlyMap<string, Composed>) =>
    checkPrograms([network as Capability], { rows, facts: { infrastructure } }, composed)

  it('have nothing against a network', () => {
    expect(check(datapaths).map(({ severity, rule: code }) => [severity, code])).toEqual([['info', 'reach.checked']])
    expect(programsOf(datapaths).size).toBe(4)
  })

  it('find a datapath that was left out', () => {
    const cut = new Map([...datapaths].filter(([id]) => id !== 'srv2'))
    const rules = check(cut).map((one) => one.rule)
    expect(rules).toContain('reach.undelivered')
    expect(check(cut).find((one) => one.rule === 'reach.undelivered')?.witness).toHaveLength(2)
  })
})
