import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ROLE_RIGHTS } from '#server/contract/rights.ts'
import { conditionsWithin, conditionWords, sortByContext, UNCONDITIONAL } from '#server/identity/context/conditions.ts'
import { addressOf, isIn, isOwnHost, networkOf, prefixesOf } from '#server/identity/context/network.ts'
import type { Binding, Conditions } from '#server/identity/ports.ts'
import { formatIpv6 } from '#server/kernel/ip.ts'
import { contains, formatPrefix, prefixOf } from '#server/kernel/prefix.ts'

const MONDAY_NOON = Date.parse('2026-01-05T12:00:00Z')
const binding = (conditions: Partial<Conditions>): Binding => ({
  ...{ id: 'b', role: 'operator', rights: ROLE_RIGHTS.operator, tenantId: null, tenantName: null, siteId: null },
  ...{ siteName: null, groupName: null, source: 'local', ...UNCONDITIONAL, ...conditions },
})
const lacks = (conditions: Partial<Conditions>, address: string, now_ms = MONDAY_NOON) =>
  sortByContext([binding(conditions)], { address, now_ms }).idle[0]?.lacks

const v6 = fc.bigInt(0n, (1n << 128n) - 1n)
const v4 = fc.bigInt(0n, (1n << 32n) - 1n)
const somePrefix = fc.oneof(
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([value, length]) => prefixOf({ version: 4, value }, length)),
  fc.tuple(v6, fc.integer({ min: 0, max: 128 })).map(([value, length]) => prefixOf({ version: 6, value }, length)),
)

describe('a role counts', () => {
  test('from the networks that it names, of both families', () => {
    const from = ['10.0.0.0/8', '2001:db8::/32']
    for (const address of ['10.1.2.3', '10.255.255.255', '::ffff:10.1.2.3', '2001:db8:1::1'])
      expect(lacks({ from }, address), address).toBeUndefined()
    for (const address of ['11.0.0.0', '9.255.255.255', '2001:db9::1', '::1', '', 'unix:', '10.1.2', '10.1.2.3.4'])
      expect(lacks({ from }, address), address).toBe('address')
  })

  test('at the hours that it names', () => {
    const hours = 'Mon-Fri 07:00-19:00 UTC'
    expect(lacks({ hours }, '192.0.2.1')).toBeUndefined()
    expect(lacks({ hours }, '192.0.2.1', MONDAY_NOON + 8 * 3_600_000)).toBe('hours')
    expect(lacks({ hours, from: ['10.0.0.0/8'] }, '192.0.2.1')).toBe('address')
  })

  test('never where its conditions cannot be read, or nothing is known of the request', () => {
    expect(lacks({ from: ['ten'] }, '10.1.2.3')).toBe('address')
    expect(lacks({ hours: 'Mon-Fri 07:00-19:00 Europe/Atlantis' }, '10.1.2.3')).toBe('hours')
    expect(sortByContext([binding({ hours: 'Mon-Sun 00:00-24:00 UTC' })], undefined).counting).toEqual([])
    expect(sortByContext([binding({})], undefined).idle).toEqual([])
  })

  test('in exactly the prefixes that arithmetic gives', () => {
    fc.assert(
      fc.property(somePrefix, v4, (prefix, value) => {
        const address =
          networkOf(`${value >> 24n}.0.0.1`) && formatPrefix(prefixOf({ version: 4, value }, 32)).slice(0, -3)
        expect(isIn([prefix], address)).toBe(contains(prefix, { version: 4, value }))
        expect(isIn([prefix], `::ffff:${address}`)).toBe(isIn([prefix], address))
      }),
    )
    fc.assert(
      fc.property(somePrefix, v6, (prefix, value) => {
        if (value >> 32n !== 0xffffn)
          expect(isIn([prefix], formatIpv6(value))).toBe(contains(prefix, { version: 6, value }))
      }),
    )
  })
})

describe('conditions as narrow as others', () => {
  test('never let anything count that the others do not', () => {
    const some = fc.record({
      from: fc.array(somePrefix.map(formatPrefix), { maxLength: 3 }),
      hours: fc.constantFrom(null, 'Mon-Fri 07:00-19:00 UTC', 'Mon 08:00-09:00 UTC', 'Sat 22:00-06:00 UTC'),
    })
    const when = fc.integer({ min: 0, max: 7 * 24 * 60 }).map((minute) => MONDAY_NOON + minute * 60_000)
    fc.assert(
      fc.property(some, some, v4, when, (inner, outer, value, now_ms) => {
        const address = formatPrefix(prefixOf({ version: 4, value }, 32)).slice(0, -3)
        const counts = (conditions: Conditions) => lacks(conditions, address, now_ms) === undefined
        if (conditionsWithin(inner, outer) && counts(inner)) expect(counts(outer)).toBe(true)
      }),
    )
  })

  test.each<[Partial<Conditions>, Partial<Conditions>, boolean]>([
    [{}, {}, true],
    [{ from: ['10.0.0.0/8'] }, {}, true],
    [{}, { from: ['10.0.0.0/8'] }, false],
    [{ from: ['10.1.0.0/16', '10.2.0.0/16'] }, { from: ['10.0.0.0/8'] }, true],
    [{ from: ['10.1.0.0/16', '11.0.0.0/16'] }, { from: ['10.0.0.0/8'] }, false],
    [{ from: ['0.0.0.0/0'] }, { from: ['10.0.0.0/8'] }, false],
    [{ hours: 'Mon 08:00-09:00 UTC' }, { hours: 'Mon-Fri 07:00-19:00 UTC' }, true],
    [{}, { hours: 'Mon-Sun 00:00-24:00 UTC' }, false],
    [{ hours: 'Mon 08:00-09:00 UTC' }, { from: ['10.0.0.0/8'], hours: 'Mon-Fri 07:00-19:00 UTC' }, false],
  ])('%o within %o: %o', (inner, outer, within) => {
    expect(conditionsWithin({ ...UNCONDITIONAL, ...inner }, { ...UNCONDITIONAL, ...outer })).toBe(within)
  })

  test('are said as people read them', () => {
    expect(conditionWords(UNCONDITIONAL)).toBe('')
    expect(conditionWords({ from: ['10.0.0.0/8', '2001:db8::/32'], hours: 'Mon 08:00-09:00 UTC' })).toBe(
      'from 10.0.0.0/8 or 2001:db8::/32, Mon 08:00-09:00 UTC',
    )
  })
})

test('a network is a /24 or a /64, and the host itself is one', () => {
  expect(['10.1.2.3', '10.1.2.250', '10.1.3.3'].map(networkOf)).toEqual(['10.1.2.0/24', '10.1.2.0/24', '10.1.3.0/24'])
  expect(networkOf('2001:db8:1:2:3::4%eth0')).toBe('2001:db8:1:2::/64')
  expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].map(networkOf)).toEqual(Array(4).fill('this host'))
  expect(isOwnHost('10.0.0.1')).toBe(false)
  expect(addressOf('nonsense')).toBeUndefined()
  expect(prefixesOf(['10.0.0.0/8', '10.0.0.1/8'])).toHaveLength(1)
})
