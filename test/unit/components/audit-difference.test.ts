import { describe, expect, test } from 'vitest'
import { differenceOf, isCut } from '#components/settings/audit/difference.ts'

describe('what a line of the audit log says has changed', () => {
  test('is the fields that differ, by their paths', () => {
    const before = { name: 'red', quotas: { networks: 5, ports: 20 }, addresses: ['10.0.0.1'], gone: true, note: null }
    const after = {
      name: 'red',
      quotas: { networks: 6, ports: 20 },
      addresses: ['10.0.0.1', '10.0.0.2'],
      note: '',
      more: 1,
    }
    expect(differenceOf(before, after)).toEqual([
      { field: 'quotas.networks', before: '5', after: '6' },
      { field: 'addresses', before: '10.0.0.1', after: '10.0.0.1, 10.0.0.2' },
      { field: 'gone', before: 'true', after: undefined },
      { field: 'more', before: undefined, after: '1' },
    ])
  })

  test('is all of it where the object was made or removed', () => {
    const value = { name: 'web', subnets: [{ prefix: '10.0.0.0/24' }], ports: [], options: {} }
    expect(differenceOf(null, value).map(({ field, after }) => [field, after])).toEqual([
      ['name', 'web'],
      ['subnets.0.prefix', '10.0.0.0/24'],
      ['ports', '—'],
      ['options', '{}'],
    ])
    expect(differenceOf(value, null).map(({ before }) => before)).toEqual(['web', '10.0.0.0/24', '—', '{}'])
  })

  test('is nothing where nothing differs, or nothing was written down', () => {
    expect(differenceOf({ a: [1] }, { a: [1] })).toEqual([])
    expect(differenceOf(null, null)).toEqual([])
    expect(differenceOf('a', 'b')).toEqual([{ field: 'value', before: 'a', after: 'b' }])
  })

  test('may be the beginning of something too large', () => {
    expect(isCut({ cut: true, octets: 20_000, sha256: 'ab', start: '{' })).toBe(true)
    expect(isCut({ cut: true })).toBe(false)
    expect(isCut(null)).toBe(false)
  })
})
