import { formatMac, parseMac } from '#server/kernel/mac.ts'
import { encodeText } from './bytes.ts'
import type { FieldShape, Shape } from './codec.ts'
import { fromHex, hexFault, toHex } from './hex.ts'
import { fault } from './reader.ts'

type Json = Readonly<Record<string, unknown>>

/** The JSON form of a value: 64-bit integers and masks as strings, bytes as hexadecimal digits, addresses as text. */
export function toJson(shape: Shape, value: unknown): unknown {
  switch (shape.kind) {
    case 'bigint':
      return shape.style === 'hex' ? `0x${(value as bigint).toString(16)}` : (value as bigint).toString()
    case 'mac':
      return formatMac(value as bigint)
    case 'bytes':
      return toHex(value as Uint8Array)
    case 'list':
      return (value as readonly unknown[]).map((one) => toJson(shape.of, one))
    case 'struct':
      return structToJson(shape.fields, value as Json)
    case 'union':
      return toJson(shape.variants.get((value as { type: string }).type) as Shape, value)
    case 'refined':
      return toJson(shape.of, value)
    case 'late':
      return toJson(shape.pick(value as Json) as Shape, value)
    default:
      return value
  }
}

function structToJson(fields: readonly FieldShape[], value: Json): Json {
  const out: Record<string, unknown> = {}
  for (const { name, shape, optional } of fields) {
    if (optional && value[name] === undefined) continue
    out[name] = toJson(shape, value[name])
  }
  return out
}

const refuse = (path: string, wanted: string): never => fault('json', 0, `${path || 'message'}: ${wanted}`)

/**
 * Reads what `toJson` wrote, or a person did. Trusts nothing: wrong types, values out of range, unknown or missing keys
 * are refused by a fault that names the path; run it inside `reading`.
 */
export function fromJson(shape: Shape, json: unknown, path: string): unknown {
  switch (shape.kind) {
    case 'literal':
      return json === shape.value ? json : refuse(path, `must be ${JSON.stringify(shape.value)}`)
    case 'boolean':
      return typeof json === 'boolean' ? json : refuse(path, 'must be true or false')
    case 'uint':
      return uintOf(json, shape.bits, path)
    case 'choice':
      return choiceOf(json, shape, path)
    case 'word':
      return shape.words.includes(json as string) ? json : refuse(path, 'is not a known name')
    case 'label':
      return typeof json === 'string' ? json : uintOf(json, shape.bits, path)
    case 'list':
      return listOf(shape, json, path)
    case 'struct':
      return structOf(shape.fields, objectOf(json, path), path)
    case 'union':
      return unionOf(shape.variants, objectOf(json, path), path)
    case 'refined': {
      const value = fromJson(shape.of, json, path)
      const complaint = shape.check(value as never)
      return complaint === undefined ? value : refuse(path, complaint)
    }
    case 'late':
      return lateOf(shape, objectOf(json, path), path)
    case 'nothing':
      return undefined
    default:
      return fromText(shape, textOf(json, shape, path), path)
  }
}

type TextShape = Extract<Shape, { kind: 'bigint' | 'mac' | 'text' | 'bytes' | 'hex' | 'element' }>

function textOf(json: unknown, shape: TextShape, path: string): string {
  if (typeof json === 'string') return json
  if (shape.kind === 'bigint' && Number.isSafeInteger(json)) return String(json)
  return refuse(path, 'must be a string')
}

function fromText(shape: TextShape, text: string, path: string): unknown {
  switch (shape.kind) {
    case 'bigint':
      return bigOf(text, shape.bits, path)
    case 'mac': {
      const mac = parseMac(text)
      return mac.ok ? mac.value : refuse(path, mac.error)
    }
    case 'text':
      return encodeText(text).length <= shape.max ? text : refuse(path, `has at most ${shape.max} bytes`)
    case 'bytes':
      return fromHex(hexOf(text, path))
    case 'hex':
      return hexOf(text, path)
    case 'element':
      return elementOf(text, shape.align, path)
  }
}

function hexOf(text: string, path: string): string {
  if (text.length > 131_070) refuse(path, 'is longer than a message can be')
  return hexFault(text) < 0 ? text.toLowerCase() : refuse(path, 'must be pairs of hexadecimal digits')
}

function elementOf(text: string, align: number, path: string): string {
  const hex = hexOf(text, path)
  const length = Number.parseInt(hex.slice(4, 8), 16)
  if (hex.length < 8 || length !== hex.length / 2) refuse(path, 'must be an element whose length field fits')
  return length % align === 0 ? hex : refuse(path, `has a length that is a multiple of ${align}`)
}

function uintOf(json: unknown, bits: number, path: string): number {
  const fits = typeof json === 'number' && Number.isInteger(json) && json >= 0 && json < 2 ** bits
  return fits ? json : refuse(path, `must be an integer from 0 to ${2 ** bits - 1}`)
}

function bigOf(text: string, bits: number, path: string): bigint {
  if (!/^(\d{1,39}|0x[0-9a-f]{1,32})$/i.test(text)) refuse(path, 'must be a decimal or 0x number in a string')
  const value = BigInt(text)
  return value >> BigInt(bits) === 0n ? value : refuse(path, `has at most ${bits} bits`)
}

function choiceOf(json: unknown, shape: Extract<Shape, { kind: 'choice' }>, path: string): unknown {
  if (typeof json !== 'string') return uintOf(json, shape.bits, path)
  return Object.hasOwn(shape.names, json) ? json : refuse(path, `must be one of ${Object.keys(shape.names).join(', ')}`)
}

function objectOf(json: unknown, path: string): Json {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json
  return refuse(path, 'must be an object')
}

function listOf(shape: Extract<Shape, { kind: 'list' }>, json: unknown, path: string): unknown[] {
  if (!Array.isArray(json)) return refuse(path, 'must be a list')
  if (json.length > 65_535) refuse(path, 'is longer than a message can be')
  if (shape.count !== undefined && json.length !== shape.count) refuse(path, `must have ${shape.count} elements`)
  return json.map((one, i) => fromJson(shape.of, one, `${path}/${i}`))
}

function structOf(fields: readonly FieldShape[], json: Json, path: string): Json {
  const out: Record<string, unknown> = {}
  let seen = 0
  for (const { name, shape, optional } of fields) {
    if (Object.hasOwn(json, name)) seen++
    else if (optional) continue
    else refuse(`${path}/${name}`, 'is missing')
    out[name] = fromJson(shape, json[name], `${path}/${name}`)
  }
  if (seen === Object.keys(json).length) return out
  const extra = Object.keys(json).find((key) => !fields.some((f) => f.name === key))
  return refuse(`${path}/${extra}`, 'is not known')
}

function unionOf(variants: ReadonlyMap<string, Shape>, json: Json, path: string): unknown {
  const type = Object.hasOwn(json, 'type') ? json.type : undefined
  const shape = typeof type === 'string' ? variants.get(type) : undefined
  return shape ? fromJson(shape, json, path) : refuse(`${path}/type`, 'is not a known type')
}

/** How deep values may stand in one another. */
const DEEPEST = 200

function lateOf(late: Extract<Shape, { kind: 'late' }>, json: Json, path: string): unknown {
  if (path.length > DEEPEST) refuse(path, 'stands too deep')
  const shape = late.pick(json)
  return shape ? fromJson(shape, json, path) : refuse(path, `is not a known ${late.name}`)
}
