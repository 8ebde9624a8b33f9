import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { framer } from '#server/codec/openflow/framer.ts'
import { helloOf } from '#server/codec/openflow/hello.ts'
import { messageFromJson, messageToJson } from '#server/codec/openflow/json.ts'
import { decode, encode } from '#server/codec/openflow/message.ts'
import { fromHex, toHex } from '#server/codec/wire/hex.ts'

/**
 * Messages as they went over the wire between ovs-ofctl, ovs-vswitchd 3.1 and this codec (`from`), with what they mean and
 * with the first lines of what `ovs-ofctl ofp-print` says of the same bytes (`print`, for people).
 */
interface Row {
  readonly name: string
  readonly from: 'ovs-ofctl' | 'ovs-vswitchd' | 'weft'
  readonly hex: string
  readonly message: unknown
  readonly print: string
}

const rowsOf = (version: string): Row[] =>
  readFileSync(new URL(`${version}.jsonl`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)

/** The same bytes with a length that fits the first `size` of them. */
function shortened(bytes: Uint8Array, size: number): Uint8Array {
  const out = bytes.slice(0, size)
  out.set([size >> 8, size & 0xff], 2)
  return out
}

describe.each(['1.3', '1.4', '1.5'])('OpenFlow %s', (version) => {
  describe.each(rowsOf(version))('$name ($from)', ({ hex, message }) => {
    const bytes = fromHex(hex)

    it('parses', () => {
      const decoded = decode(bytes, { exact: true })
      expect(decoded.ok && messageToJson(decoded.value)).toEqual(message)
    })

    it('builds', () => {
      const value = messageFromJson(message)
      expect(value.ok && toHex(encode(value.value))).toBe(hex)
    })

    it('mirrors in canonical form', () => {
      const first = decode(bytes)
      const second = first.ok ? decode(encode(first.value)) : first
      expect(first.ok).toBe(true)
      expect(second).toEqual(first)
    })

    it('cut at any byte is an error or a shorter message, never an exception', () => {
      const step = Math.max(1, Math.floor(bytes.length / 400))
      for (let size = 0; size < bytes.length; size += step) {
        expect(decode(bytes.subarray(0, size)).ok).toBe(false)
        if (size < 8) continue
        const cut = decode(shortened(bytes, size))
        if (!cut.ok) expect(cut.error.offset).toBeLessThanOrEqual(size)
      }
    })

    it('arrives byte by byte as it does whole', () => {
      const hello = encode({ version: 6, xid: 0, type: 'hello', ...helloOf([4, 5, 6]) })
      const stream = new Uint8Array([...hello, ...bytes, ...bytes])
      const frames = framer()
      const arrived: string[] = []
      for (let at = 0; at < stream.length; at++) {
        const cut = frames.push(stream.subarray(at, at + 1))
        if (cut.ok) arrived.push(...cut.value.map((one) => toHex(one)))
      }
      expect(arrived).toEqual([toHex(hello), hex, hex])
      expect(frames.held()).toBe(0)
    })
  })
})

describe('mutated messages', () => {
  it('give an answer for every single byte changed', () => {
    for (const { hex } of rowsOf('1.5')) {
      const bytes = fromHex(hex)
      if (bytes.length > 400) continue
      for (let at = 0; at < bytes.length; at++)
        for (const flip of [0x01, 0x80, 0xff]) {
          const mutant = bytes.slice()
          mutant[at] = (mutant[at] as number) ^ flip
          for (const exact of [false, true]) {
            const decoded = decode(mutant, { exact })
            if (decoded.ok) expect(decode(encode(decoded.value), { exact })).toEqual(decoded)
          }
        }
    }
  })
})
