import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFramer, type OvsdbFault } from '#server/codec/ovsdb/index.ts'
import { type JsonObject, parseJson } from '#server/codec/ovsdb/json.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const framer = () => createFramer({ maxBytes: 1 << 20 })

function pushAll(chunks: readonly Uint8Array[], one = framer()): { messages: JsonObject[]; error?: OvsdbFault } {
  const messages: JsonObject[] = []
  for (const chunk of chunks) {
    const result = one.push(chunk)
    if (!result.ok) return { messages, error: result.error }
    messages.push(...result.value)
  }
  return { messages }
}

const objects = fc.array(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue(), { maxKeys: 4 }), {
  maxLength: 5,
})
const read = (values: readonly unknown[]) => values.map((one) => parseJson(JSON.stringify(one)))

describe('messages in a byte stream', () => {
  it('are the same however the bytes were cut', () => {
    fc.assert(
      fc.property(
        objects,
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        fc.constantFrom('', ' ', '\n\t'),
        (all, cuts, gap) => {
          const stream = bytes(all.map((one) => JSON.stringify(one)).join(gap))
          const chunks: Uint8Array[] = []
          for (let at = 0; at < stream.length; ) {
            const size = cuts.next().value as number
            chunks.push(stream.slice(at, at + size))
            at += size
          }
          expect(pushAll(chunks).messages).toEqual(read(all))
          expect(pushAll([stream]).messages).toEqual(read(all))
        },
      ),
    )
  })

  it('may hold brackets, quotes and backslashes in their texts', () => {
    const tricky = { a: '}]{["\\', '"{': ['\\"', '{{{{'] }
    expect(pushAll([bytes(JSON.stringify(tricky))]).messages).toEqual([tricky])
  })

  it('are not shared with the reader of the stream, which uses its buffer again', () => {
    const one = framer()
    const chunk = bytes('{"a":"bb')
    one.push(chunk)
    chunk.fill(0x78)
    expect(pushAll([bytes('c"}')], one).messages).toEqual([{ a: 'bbc' }])
  })

  it('keep integers of 64 bits', () => {
    const { messages } = pushAll([
      bytes('{"big":9223372036854775807,"small":7,"text":"12345678901234567890","real":1e400}'),
    ])
    expect(messages[0]).toMatchObject({ big: 9223372036854775807n, small: 7, text: '12345678901234567890' })
  })
})

describe('bytes that are no messages', () => {
  it.each([
    ['x', 'not_json'],
    ['[1]', 'not_json'],
    ['{]}', 'not_json'],
    ['{"a":}', 'not_json'],
    [`{"a":${'['.repeat(100)}`, 'too_deep'],
    [`{"a":"${'x'.repeat(1 << 20)}`, 'too_large'],
  ])('%.20s are refused as %s', (text, code) => {
    expect(pushAll([bytes(text)]).error?.code).toBe(code)
  })

  it('are refused when they are not UTF-8', () => {
    const broken = Uint8Array.of(...bytes('{"a":"'), 0xff, 0xfe, ...bytes('"}'))
    expect(pushAll([broken]).error?.code).toBe('not_text')
  })

  it('end the stream: nothing is held, and nothing is read after them', () => {
    const one = framer()
    expect(one.push(bytes('{"a":1} x')).ok).toBe(false)
    expect(one.push(bytes('{"a":1}')).ok).toBe(false)
    expect(one.held).toBe(0)
  })

  it('never throw, and never hold more than the bound', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', '1', 'a') }).map(bytes),
    )
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 20 }), (chunks) => {
        const one = createFramer({ maxBytes: 50 })
        for (const chunk of chunks) {
          one.push(chunk)
          expect(one.held).toBeLessThanOrEqual(50)
        }
      }),
    )
  })

  it('may be larger once the peer is known', () => {
    const one = createFramer({ maxBytes: 10 })
    one.allow(100)
    expect(pushAll([bytes(`{"a":"${'x'.repeat(50)}"}`)], one).messages).toHaveLength(1)
  })
})
