import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  firstHost,
  hostsOf,
  isInside,
  lastAddress,
  parseAddress,
  parsePrefix,
  printAddress,
  widened,
} from '#components/networks/prefix.ts'

const prefix = (text: string) => {
  const parsed = parsePrefix(text)
  if (!parsed) throw new Error(`${text} is no prefix`)
  return parsed
}

describe('a prefix', () => {
  it('knows its hosts, its first host and its end', () => {
    const found = prefix('10.40.36.0/22')
    expect(hostsOf(found)).toBe(1022n)
    expect(firstHost(found)).toBe('10.40.36.1')
    expect(lastAddress(found)).toBe('10.40.39.255')
    expect(found.hostBits).toBe(false)
  })

  it('says when its address has bits beyond its length', () => {
    expect(prefix('10.0.0.7/24')).toMatchObject({ text: '10.0.0.0/24', hostBits: true })
  })

  it.each([
    '10.0.0.0',
    '10.0.0/24',
    '10.0.0.0/33',
    '10.0.0.0/',
    '2001:db8::/129',
    'red',
    '10.0.0.0/24/1',
    '0x0a.0.0.0/8',
  ])('refuses %s', (text) => expect(parsePrefix(text)).toBeUndefined())

  it('widens to the smallest prefix that holds an address', () => {
    const outside = parseAddress('10.40.40.1')
    expect(widened(prefix('10.40.36.0/22'), outside?.value ?? 0n)?.text).toBe('10.40.32.0/20')
  })

  it('has all of its hosts inside, and nothing one step beyond', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 32n - 1n), fc.integer({ min: 8, max: 30 }), (address, length) => {
        const found = prefix(`${printAddress(address, 4)}/${length}`)
        expect(isInside({ family: 4, value: address }, found)).toBe(true)
        expect(isInside({ family: 4, value: found.last + 1n }, found)).toBe(false)
        expect(isInside({ family: 6, value: address }, found)).toBe(false)
      }),
    )
  })

  it('prints what it parsed', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 128n - 1n), (value) => {
        expect(parseAddress(printAddress(value, 6))).toEqual({ family: 6, value })
      }),
    )
  })
})
