import { describe, expect, it } from 'vitest'
import { ratesBetween } from '#components/datapaths/rates.ts'

const at = (at_ms: number, counters: Record<string, string>) => ({ at_ms, counters: new Map(Object.entries(counters)) })

describe('rates', () => {
  it('are what a counter gained, per second', () => {
    expect(ratesBetween(at(1000, { a: '100' }), at(3000, { a: '700' })).get('a')).toBe(300)
  })

  it('hold beyond what a double counts exactly', () => {
    const before = at(0, { a: '18446744073709551000' })
    expect(ratesBetween(before, at(1000, { a: '18446744073709551600' })).get('a')).toBe(600)
  })

  it('are not told of a counter that fell, is new, or was read at the same moment', () => {
    expect(ratesBetween(at(0, { a: '9' }), at(1000, { a: '3', b: '1' })).size).toBe(0)
    expect(ratesBetween(at(5, { a: '1' }), at(5, { a: '2' })).size).toBe(0)
  })
})
