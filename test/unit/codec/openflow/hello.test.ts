import { describe, expect, it } from 'vitest'
import { helloOf, negotiate } from '#server/codec/openflow/hello.ts'

const OURS = [4, 5, 6]

describe('version negotiation', () => {
  it('takes the highest version of both bitmaps', () => {
    expect(negotiate(OURS, { version: 6, ...helloOf([1, 4, 5, 6]) })).toBe(6)
    expect(negotiate(OURS, { version: 9, ...helloOf([4, 9]) })).toBe(4)
  })

  it('finds nothing in bitmaps without a common version, whatever the header says', () => {
    expect(negotiate(OURS, { version: 6, ...helloOf([1, 2]) })).toBeUndefined()
    expect(negotiate(OURS, { version: 6, elements: [{ type: 'versions', bitmaps: [] }] })).toBeUndefined()
  })

  it('without a bitmap takes the smaller of both headers', () => {
    expect(negotiate(OURS, { version: 5, elements: [] })).toBe(5)
    expect(negotiate(OURS, { version: 8, elements: [] })).toBe(6)
    expect(negotiate(OURS, { version: 1, elements: [] })).toBeUndefined()
  })
})
