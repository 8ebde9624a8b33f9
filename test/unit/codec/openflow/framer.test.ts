import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { framer } from '#server/codec/openflow/framer.ts'
import { helloOf } from '#server/codec/openflow/hello.ts'
import { encode } from '#server/codec/openflow/message.ts'
import { toHex } from '#server/codec/wire/hex.ts'

const hello = encode({ version: 6, xid: 0, type: 'hello', ...helloOf([6]) })
const echo = (size: number) => encode({ version: 6, xid: 1, type: 'echo_request', data: new Uint8Array(size).fill(7) })

describe('a framer', () => {
  it('gives the same messages however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 40 }),
        (sizes, cuts) => {
          const messages = [hello, ...sizes.map(echo)]
          const stream = new Uint8Array(messages.flatMap((m) => [...m]))
          const frames = framer()
          const arrived: string[] = []
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length] as number
            const cut = frames.push(stream.subarray(at, at + size))
            if (!cut.ok) throw new Error(cut.error.message)
            arrived.push(...cut.value.map((m) => toHex(m)))
            at += size
          }
          expect(arrived).toEqual(messages.map((m) => toHex(m)))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('takes the longest message', () => {
    const frames = framer()
    frames.push(hello)
    const longest = echo(65_527)
    expect(frames.push(longest.subarray(0, 40_000))).toEqual({ ok: true, value: [] })
    expect(frames.held()).toBe(40_000)
    expect(frames.push(longest.subarray(40_000))).toEqual({ ok: true, value: [longest] })
  })

  it('refuses a length below the header, where it stands, and stays refused', () => {
    const frames = framer()
    frames.push(hello)
    const broken = { ok: false, error: { code: 'length', offset: hello.length + 2 } }
    expect(frames.push(new Uint8Array([6, 2, 0, 7, 0, 0, 0, 0]))).toMatchObject(broken)
    expect(frames.push(echo(1))).toMatchObject(broken)
  })

  it('refuses a stream that does not begin with a hello', () => {
    expect(framer().push(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'))).toMatchObject({
      ok: false,
      error: { code: 'version' },
    })
    expect(framer().push(echo(4))).toMatchObject({ ok: false, error: { code: 'version', offset: 0 } })
  })

  it('refuses another version once one is agreed on', () => {
    const frames = framer()
    frames.push(hello)
    frames.agree(6)
    expect(frames.push(echo(0)).ok).toBe(true)
    const other = encode({ version: 4, xid: 1, type: 'barrier_reply' })
    expect(frames.push(other)).toMatchObject({ ok: false, error: { code: 'version', offset: hello.length + 8 } })
  })

  it('holds no more than one message of random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 2000 }), { maxLength: 60 }), (chunks) => {
        const frames = framer()
        for (const chunk of chunks) frames.push(chunk)
        expect(frames.held()).toBeLessThanOrEqual(65_535)
      }),
      { numRuns: 100 },
    )
  })
})
