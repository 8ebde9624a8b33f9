import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIp, formatIpv6, parseIp, parseIpv6 } from '#server/kernel/ip.ts'
import { contains, formatPrefix, lastOf, overlap, type Prefix, parsePrefix } from '#server/kernel/prefix.ts'

const prefix = (text: string): Prefix => {
  const read = parsePrefix(text)
  if (!read.ok) throw new Error(read.error)
  return read.value
}
const ip = (text: string) => {
  const read = parseIp(text)
  if (!read.ok) throw new Error(read.error)
  return read.value
}

describe('addresses', () => {
  it('read as they were written', () => {
    fc.assert(fc.property(fc.ipV4(), (text) => formatIp(ip(text)) === text))
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 128n) - 1n), (value) => {
        expect(parseIpv6(formatIpv6(value))).toEqual({ ok: true, value })
      }),
    )
  })

  it('agree with the runtime about what an address is, and how IPv6 is written', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        expect(ip(text).version).toBe(6)
        const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1)
        if (!formatIp(ip(text)).includes('.')) expect(formatIp(ip(text))).toBe(canonical)
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('0', '1', 'f', ':', ':', '.', '25', '::') }), (text) => {
        expect(parseIp(text).ok).toBe(isIPv4(text) || isIPv6(text))
      }),
      { numRuns: 2000 },
    )
  })

  it.each(['', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.1/8', '::1%eth0', '1::2::3', ':::', '12345::'])(
    'refuse %j',
    (text) => {
      expect(parseIp(text).ok).toBe(false)
    },
  )
})

describe('prefixes', () => {
  it.each(['10.0.0.0/24', '0.0.0.0/0', '10.1.2.3/32', '2001:db8::/64', '::/0'])('read as written: %s', (text) => {
    expect(formatPrefix(prefix(text))).toBe(text)
  })

  it('refuse host bits and say which prefix has none', () => {
    expect(parsePrefix('10.40.37.1/22')).toEqual({
      ok: false,
      error: 'host bits zero: 10.40.37.1/22 has some set; 10.40.36.0/22 has none',
    })
  })

  it.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '2001:db8::/129', '10.0.0.0/8/8', 'red'])(
    'refuse %j',
    (text) => {
      expect(parsePrefix(text).ok).toBe(false)
    },
  )

  it('hold their first and last address and none beyond', () => {
    expect(formatIp(lastOf(prefix('10.40.36.0/22')))).toBe('10.40.39.255')
    expect(contains(prefix('10.40.36.0/22'), ip('10.40.39.255'))).toBe(true)
    expect(contains(prefix('10.40.36.0/22'), ip('10.40.40.0'))).toBe(false)
    expect(contains(prefix('::/0'), ip('10.0.0.1'))).toBe(false)
  })

  it('overlap when one holds the other', () => {
    expect(overlap(prefix('10.0.0.0/8'), prefix('10.1.0.0/16'))).toBe(true)
    expect(overlap(prefix('10.1.0.0/16'), prefix('10.0.0.0/8'))).toBe(true)
    expect(overlap(prefix('10.0.0.0/16'), prefix('10.1.0.0/16'))).toBe(false)
    expect(overlap(prefix('::/0'), prefix('0.0.0.0/0'))).toBe(false)
  })
})
