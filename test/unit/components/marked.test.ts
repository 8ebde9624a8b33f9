import { describe, expect, it } from 'vitest'
import { marked } from '#components/changes/marked.ts'

const held = 'priority=100,tun_id=0x4e2a actions=set_field:10.0.0.1->tun_dst,output:3'
const wanted = 'priority=100,tun_id=0x4e2a actions=set_field:10.0.0.1->tun_dst,resubmit(,60)'

describe('a modified line', () => {
  it('marks the words that differ, on both sides', () => {
    expect(
      marked(held, wanted)
        .filter(({ changed }) => changed)
        .map(({ text }) => text),
    ).toEqual(['output:3'])
    expect(
      marked(wanted, held)
        .filter(({ changed }) => changed)
        .map(({ text }) => text),
    ).toEqual(['resubmit(,60)'])
  })

  it('loses nothing of the line', () => {
    expect(
      marked(held, wanted)
        .map(({ text }) => text)
        .join(''),
    ).toBe(held)
  })

  it('marks nothing when both sides are the same', () => {
    expect(marked(held, held).some(({ changed }) => changed)).toBe(false)
  })
})
