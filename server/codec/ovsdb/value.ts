import { err, ok, type Result } from '#server/kernel/result.ts'
import { isArray, isObject, type Json, type JsonObject } from './json.ts'

/** A reference to a row that exists. */
export interface Uuid {
  readonly uuid: string
}

/** A reference to a row that the same transaction inserts. */
export interface NamedUuid {
  readonly namedUuid: string
}

/** RFC 7047, section 5.1: an integer is a bigint when a number cannot hold it. */
export type Atom = string | number | bigint | boolean | Uuid | NamedUuid
export type AtomMap = ReadonlyMap<Atom, Atom>
/** A column's value: one atom, a set (a list without order), or a map. A set of one may come as its atom. */
export type Value = Atom | readonly Atom[] | AtomMap
export type Row = Readonly<Record<string, Value>>

/** The version 4 form, or any other, that OVSDB gives a row (RFC 4122). */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** `<id>` of RFC 7047, section 3.1: what may name a row inside a transaction. */
const ID = /^[A-Za-z_][A-Za-z0-9_]*$/

export const isUuid = (value: Value | undefined): value is Uuid =>
  typeof value === 'object' && value !== null && 'uuid' in value
const isNamedUuid = (value: Value): value is NamedUuid => typeof value === 'object' && 'namedUuid' in value

function encodeAtom(atom: Atom): Json {
  if (isUuid(atom)) return ['uuid', atom.uuid]
  if (isNamedUuid(atom)) return ['named-uuid', atom.namedUuid]
  return atom
}

/** Writes a value as RFC 7047, section 5.1, says. */
export function encodeValue(value: Value): Json {
  if (Array.isArray(value)) return ['set', (value as readonly Atom[]).map(encodeAtom)]
  if (value instanceof Map)
    return ['map', [...(value as AtomMap)].map(([key, one]) => [encodeAtom(key), encodeAtom(one)])]
  return encodeAtom(value as Atom)
}

export const encodeRow = (row: Row): JsonObject =>
  Object.fromEntries(Object.entries(row).map(([column, value]) => [column, encodeValue(value)]))

function decodeAtom(json: Json | undefined): Atom | undefined {
  if (typeof json === 'string' || typeof json === 'number' || typeof json === 'bigint' || typeof json === 'boolean')
    return json
  if (!isArray(json) || json.length !== 2 || typeof json[1] !== 'string') return undefined
  if (json[0] === 'uuid' && UUID.test(json[1])) return { uuid: json[1] }
  if (json[0] === 'named-uuid' && ID.test(json[1])) return { namedUuid: json[1] }
  return undefined
}

function decodeSet(members: readonly Json[]): Atom[] | undefined {
  const atoms: Atom[] = []
  for (const member of members) {
    const atom = decodeAtom(member)
    if (atom === undefined) return undefined
    atoms.push(atom)
  }
  return atoms
}

function decodeMap(pairs: readonly Json[]): AtomMap | undefined {
  const map = new Map<Atom, Atom>()
  for (const pair of pairs) {
    if (!isArray(pair) || pair.length !== 2) return undefined
    const key = decodeAtom(pair[0])
    const value = decodeAtom(pair[1])
    if (key === undefined || value === undefined) return undefined
    map.set(key, value)
  }
  return map
}

/** Reads a value; the error is a sentence. */
export function decodeValue(json: Json): Result<Value, string> {
  let value: Value | undefined
  if (isArray(json) && json[0] === 'set' && json.length === 2 && isArray(json[1])) value = decodeSet(json[1])
  else if (isArray(json) && json[0] === 'map' && json.length === 2 && isArray(json[1])) value = decodeMap(json[1])
  else value = decodeAtom(json)
  return value === undefined ? err('neither an atom nor a set or map of atoms') : ok(value)
}

/** Reads a row; the error names the column. */
export function decodeRow(json: Json | undefined): Result<Row, string> {
  if (!isObject(json)) return err('a row is not an object')
  const columns: [string, Value][] = []
  for (const [column, one] of Object.entries(json)) {
    const value = decodeValue(one)
    if (!value.ok) return err(`column ${column}: ${value.error}`)
    columns.push([column, value.value])
  }
  return ok(Object.fromEntries(columns))
}

/** The members of a set column, however it was written; an absent column is the empty set. */
export function members(value: Value | undefined): readonly Atom[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  return value instanceof Map ? [] : [value as Atom]
}

/** The text of a column of at most one text; undefined when it is empty or something else. */
export function textOf(value: Value | undefined): string | undefined {
  const [first] = members(value)
  return typeof first === 'string' ? first : undefined
}

/** The integer of a column of at most one integer; undefined when it is empty, something else, or past 2^53. */
export function integerOf(value: Value | undefined): number | undefined {
  const [first] = members(value)
  return typeof first === 'number' ? first : undefined
}

/** The row ids in a column of references. */
export const uuidsOf = (value: Value | undefined): string[] =>
  members(value).flatMap((one) => (isUuid(one) ? [one.uuid] : []))

/** A map column of text to text, such as `options` or `external_ids`; other pairs are left out. */
export function textMapOf(value: Value | undefined): Record<string, string> {
  if (!(value instanceof Map)) return {}
  const pairs = [...(value as AtomMap)].filter(([key, one]) => typeof key === 'string' && typeof one === 'string')
  return Object.fromEntries(pairs) as Record<string, string>
}

/** A map column of text to integer, such as `statistics`. */
export function counterMapOf(value: Value | undefined): Record<string, bigint> {
  if (!(value instanceof Map)) return {}
  const pairs = [...(value as AtomMap)].filter(([, one]) => typeof one === 'bigint' || Number.isInteger(one))
  return Object.fromEntries(pairs.map(([key, one]) => [String(key), BigInt(one as number | bigint)]))
}

/** A map column's value from an object. */
export const textMap = (pairs: Readonly<Record<string, string>>): AtomMap => new Map(Object.entries(pairs))

const atomKey = (atom: Atom): string => {
  if (isUuid(atom)) return `u${atom.uuid}`
  if (typeof atom === 'object') return `n${atom.namedUuid}`
  return `${typeof atom === 'string' ? 's' : 'v'}${atom}`
}

/** Equal values have equal texts: sets and maps have no order, and a set of one is its atom. */
export function valueKey(value: Value): string {
  if (value instanceof Map)
    return `{${[...(value as AtomMap)]
      .map(([key, one]) => `${JSON.stringify(atomKey(key))}:${JSON.stringify(atomKey(one))}`)
      .sort()
      .join()}}`
  return members(value)
    .map((atom) => JSON.stringify(atomKey(atom)))
    .sort()
    .join()
}

/** Whether two values are the same value. */
export const sameValue = (one: Value | undefined, two: Value | undefined): boolean =>
  one === two || (one !== undefined && two !== undefined && valueKey(one) === valueKey(two))

const findKey = (map: AtomMap, wanted: Atom): Atom | undefined => {
  if (map.has(wanted)) return wanted
  const key = atomKey(wanted)
  return [...map.keys()].find((one) => atomKey(one) === key)
}

/**
 * Applies a difference as `update2` sends it for a set or a map (ovsdb-server(7), section 4.1.14): members that are in
 * one of old and new; pairs that are gone (with their old value), new, or changed (with their new value).
 */
export function applyDifference(before: Value | undefined, difference: Value): Value {
  if (difference instanceof Map) {
    const map = new Map<Atom, Atom>(before instanceof Map ? before : [])
    for (const [key, value] of difference as AtomMap) {
      const held = findKey(map, key)
      if (held !== undefined && atomKey(map.get(held) as Atom) === atomKey(value)) map.delete(held)
      else map.set(held ?? key, value)
    }
    return map
  }
  const set = new Map(members(before).map((atom) => [atomKey(atom), atom]))
  for (const atom of members(difference)) if (!set.delete(atomKey(atom))) set.set(atomKey(atom), atom)
  return [...set.values()]
}
