import fc from 'fast-check'
import { encodeText } from '#server/codec/wire/bytes.ts'
import type { FieldShape, Shape } from '#server/codec/wire/codec.ts'
import { toHex } from '#server/codec/wire/hex.ts'

/** Generators for shapes whose values obey more than their form: by the name of the rule or late shape. */
export type Rules = Readonly<Record<string, (shape: Shape, rules: Rules) => fc.Arbitrary<unknown>>>

/** Arbitrary values of a shape, in the form in which a decoder gives them. */
export function arbitraryOf(shape: Shape, rules: Rules): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'nothing':
      return fc.constant(undefined)
    case 'literal':
      return fc.constant(shape.value)
    case 'boolean':
      return fc.boolean()
    case 'uint':
      return fc.integer({ min: 0, max: 2 ** shape.bits - 1 })
    case 'bigint':
      return fc.bigInt({ min: 0n, max: (1n << BigInt(shape.bits)) - 1n })
    case 'mac':
      return fc.bigInt({ min: 0n, max: (1n << 48n) - 1n })
    case 'choice':
      return choice(shape)
    case 'word':
      return fc.constantFrom(...shape.words)
    case 'label':
      return fc.integer({ min: 0x4000, max: 2 ** shape.bits - 2 })
    case 'text':
      return fc
        .string({ maxLength: shape.max, unit: 'binary' })
        .filter((text) => !text.endsWith('\0') && encodeText(text).length <= shape.max)
    case 'bytes':
      return fc.uint8Array({ maxLength: 40 })
    case 'hex':
      return fc.uint8Array({ maxLength: 40 }).map((bytes) => toHex(bytes))
    case 'element':
      return element(shape.known, shape.align)
    case 'list': {
      const size = shape.count === undefined ? { maxLength: 4 } : { minLength: shape.count, maxLength: shape.count }
      return fc.array(arbitraryOf(shape.of, rules), size)
    }
    case 'struct':
      return structOf(shape.fields, rules)
    case 'union':
      return fc.oneof(...[...shape.variants.values()].map((variant) => arbitraryOf(variant, rules)))
    case 'refined':
    case 'late': {
      const rule = rules[shape.name]
      if (!rule) throw new Error(`no generator for ${shape.name}`)
      return rule(shape, rules)
    }
  }
}

function choice(shape: Extract<Shape, { kind: 'choice' }>): fc.Arbitrary<unknown> {
  const codes = new Set(Object.values(shape.names))
  const nameless = fc.integer({ min: 0, max: 2 ** shape.bits - 1 }).filter((n) => !codes.has(n))
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...Object.keys(shape.names)) },
    { weight: 1, arbitrary: nameless },
  )
}

/** Type, length and content of an element that no declaration knows. */
const element = (known: readonly number[], align: number): fc.Arbitrary<string> =>
  fc.tuple(fc.integer({ min: 0x4000, max: 0x7fff }), fc.uint8Array({ maxLength: 24 })).map(([code, content]) => {
    if (known.includes(code)) throw new Error('a known code')
    const length = Math.ceil((4 + content.length) / align) * align
    const bytes = new Uint8Array(length)
    bytes.set([code >> 8, code & 0xff, length >> 8, length & 0xff])
    bytes.set(content, 4)
    return toHex(bytes)
  })

/** Bytes without a name stand at places that depend on their neighbours; tests of their own have them. */
const isExtra = ({ shape }: FieldShape): boolean =>
  shape.kind === 'list' && shape.of.kind === 'struct' && shape.of.fields[0]?.name === 'at'

function structOf(fields: readonly FieldShape[], rules: Rules): fc.Arbitrary<Record<string, unknown>> {
  const kept = fields.filter((f) => !isExtra(f) && f.name !== 'trailing')
  const model = Object.fromEntries(kept.map((f) => [f.name, arbitraryOf(f.shape, rules)]))
  const requiredKeys = kept.filter((f) => !f.optional).map((f) => f.name)
  return fc.record(model, { requiredKeys, noNullPrototype: true })
}
