import type { Action, Instruction } from '#server/kernel/action.ts'
import { FIELD_NAMES, type FieldName, isFieldName } from '#server/kernel/field.ts'
import { type FieldMatch, fullMask, type Match } from '#server/kernel/match.ts'
import { err, ok, type Result } from '#server/kernel/result.ts'
import { canonicalInstructions } from './canonical.ts'
import { type Bucket, type Entry, type Group, type GroupType, group } from './entry.ts'
import type { Change, Difference, Program, TunnelNeighbour } from './program.ts'
import { FORMAT } from './serialise.ts'
import { ACTION_SHAPES, INSTRUCTION_SHAPES, type Shape } from './shape.ts'

const FIELD_PLACES = new Map(FIELD_NAMES.map((name, place) => [name, place]))

/** Thrown inside this file only; the two public functions turn it into a result. */
class Malformed extends Error {}

function refuse(what: string, value: unknown): never {
  throw new Malformed(`${what}: ${JSON.stringify(value)?.slice(0, 80)}`)
}

function list(value: unknown, what: string, least: number, most = least): readonly unknown[] {
  if (!Array.isArray(value) || value.length < least || value.length > most) refuse(`${what} expected`, value)
  return value as readonly unknown[]
}

function whole(value: unknown, most = 0xffffffff): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
    refuse(`whole number up to ${most} expected`, value)
  return value as number
}

const HEX = /^(0|[1-9a-f][0-9a-f]*)$/

function bits(value: unknown): bigint {
  if (typeof value !== 'string' || value.length > 32 || !HEX.test(value)) refuse('hexadecimal number expected', value)
  return BigInt(`0x${value}`)
}

function field(value: unknown): string {
  if (typeof value !== 'string' || !isFieldName(value)) refuse('field name expected', value)
  return value as string
}

function octets(value: unknown): string {
  if (typeof value !== 'string' || !/^([0-9a-f]{2})*$/.test(value)) refuse('octets in hexadecimal expected', value)
  return value as string
}

function property(holds: Shape[number][1], value: unknown): unknown {
  if (holds === 'number') return whole(value)
  if (holds === 'bits') return bits(value)
  if (holds === 'field') return field(value)
  if (holds === 'hex') return octets(value)
  if (holds === 'actions') return list(value, 'list of actions', 0, Infinity).map(readAction)
  if (value === undefined || value === null) return undefined
  return holds === 'number?' ? whole(value) : bits(value)
}

function readShaped(value: unknown, shapes: Readonly<Record<string, Shape>>): Record<string, unknown> {
  const [type, ...values] = list(value, 'action or instruction', 1, 6)
  const shape = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type] : undefined
  if (shape === undefined || values.length > shape.length) refuse('known action or instruction expected', value)
  const read: Record<string, unknown> = { type }
  for (const [i, [name, holds]] of (shape as Shape).entries()) {
    const one = property(holds, values[i])
    if (one !== undefined) read[name] = one
  }
  return Object.freeze(read)
}

// The shapes are complete over the types: what they let pass is an action, an instruction.
const readAction = (value: unknown): Action => readShaped(value, ACTION_SHAPES) as Action
const readInstruction = (value: unknown): Instruction => readShaped(value, INSTRUCTION_SHAPES) as Instruction

/** One field of a key's match, `name=value` or `name=value/mask`, as `matchKey` writes it. */
function readField(text: string): FieldMatch {
  const equals = text.indexOf('=')
  const slash = text.indexOf('/', equals)
  const name = field(text.slice(0, equals)) as FieldName
  const value = bits(text.slice(equals + 1, slash < 0 ? undefined : slash))
  const full = fullMask(name)
  if (slash < 0) return value <= full ? Object.freeze({ field: name, value }) : refuse('canonical match expected', text)
  const mask = bits(text.slice(slash + 1))
  if (mask === 0n || mask >= full || (value & ~mask) !== 0n) refuse('canonical match expected', text)
  return Object.freeze({ field: name, value, mask })
}

/** Entries of one text share the fields of their matches and their lists of instructions. */
interface Shared {
  readonly instructions: readonly (readonly Instruction[])[]
  readonly fields: Map<string, FieldMatch>
}

function readMatch(key: string, from: number, { fields }: Shared): Match {
  const match: FieldMatch[] = []
  let place = -1
  for (let at = from; at < key.length; ) {
    if (key[at] === '?' && NAMELESS.test(key.slice(at))) break
    const end = key.indexOf(',', at)
    if (end < 0) refuse('key of an entry expected', key)
    const text = key.slice(at, end)
    const one = fields.get(text) ?? readField(text)
    fields.set(text, one)
    const next = FIELD_PLACES.get(one.field) as number
    if (next <= place) refuse('canonical match expected', key)
    place = next
    match.push(one)
    at = end + 1
  }
  return Object.freeze(match)
}

/** Fields without a name here: see `namelessFields`. */
const NAMELESS = /^(\?[0-9a-f]+,)+$/
const KEY_START = /^\d{3}\/\d{5}\//
const KEY_START_LENGTH = 10

/** A key is canonical when its text is: the entry is made as it stands, without bringing it into that form again. */
function readEntry(value: unknown, shared: Shared): Entry {
  const written = list(value, 'entry', 3, 7)
  const key = written[0]
  if (typeof key !== 'string' || !KEY_START.test(key)) return refuse('key of an entry expected', key)
  if (written.length !== 3 && written.length !== 7) refuse('entry expected', value)
  const cookie = bits(written[2])
  if (cookie >= 1n << 64n) refuse('cookie of 64 bits expected', written[2])
  return Object.freeze({
    table: whole(Number(key.slice(0, 3)), 255),
    priority: 65535 - whole(Number(key.slice(4, 9)), 65535),
    match: readMatch(key, KEY_START_LENGTH, shared),
    instructions: shared.instructions[whole(written[1])] ?? refuse('number of instructions expected', written[1]),
    cookie,
    idle_timeout: whole(written[3] ?? 0, 0xffff),
    hard_timeout: whole(written[4] ?? 0, 0xffff),
    flags: whole(written[5] ?? 0, 0xffff),
    importance: whole(written[6] ?? 0, 0xffff),
    key,
  })
}

const GROUP_TYPES: readonly string[] = ['all', 'select', 'indirect', 'fast_failover'] satisfies GroupType[]

function readBucket(value: unknown): Bucket {
  const [weight, port, watched, actions] = list(value, 'bucket', 4)
  return {
    weight: whole(weight, 0xffff),
    ...(port === null ? {} : { watch_port: whole(port) }),
    ...(watched === null ? {} : { watch_group: whole(watched) }),
    actions: list(actions, 'list of actions', 0, Infinity).map(readAction),
  }
}

function readGroup(value: unknown): Group {
  const [number, type, buckets] = list(value, 'group', 3)
  if (typeof type !== 'string' || !GROUP_TYPES.includes(type)) refuse('group type expected', type)
  const read = list(buckets, 'buckets', 0, Infinity).map(readBucket)
  return group({ group: whole(number), type: type as GroupType, buckets: read })
}

const NEIGHBOUR = /^[0-9a-f:.]{2,45}$/

function readNeighbour(value: unknown): TunnelNeighbour {
  if (typeof value !== 'string' || !NEIGHBOUR.test(value)) refuse('address of a neighbour expected', value)
  return { address: value as string }
}

function readChange<T>(value: unknown, read: (value: unknown) => T): Change<T> {
  const [before, after] = list(value, 'change', 2)
  if (before === null && after === null) refuse('change expected', value)
  return { ...(before === null ? {} : { before: read(before) }), ...(after === null ? {} : { after: read(after) }) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return refuse('JSON expected', text)
  }
}

function parts(text: string, kind: string) {
  const value = parsed(text)
  const [format, of, book, ...rest] = list(value, kind, 6)
  if (format !== FORMAT || of !== kind) refuse(`${kind} of format ${FORMAT} expected`, [format, of])
  const instructions = list(book, 'lists of instructions', 0, Infinity).map((one) =>
    canonicalInstructions(list(one, 'instructions', 0, 64).map(readInstruction)),
  )
  const [entries, groups, neighbours] = rest.map((one) => list(one, 'list', 0, Infinity))
  const shared: Shared = { instructions, fields: new Map() }
  return { shared, entries: entries ?? [], groups: groups ?? [], neighbours: neighbours ?? [] }
}

function keyed<K, V>(values: readonly V[], key: (value: V) => K): ReadonlyMap<K, V> {
  const map = new Map<K, V>()
  for (const value of values) map.set(key(value), value)
  if (map.size !== values.length) refuse('no key twice expected', values.length - map.size)
  return map
}

function attempt<T>(read: () => T): Result<T, string> {
  try {
    return ok(read())
  } catch (error) {
    if (error instanceof Malformed) return err(error.message)
    throw error
  }
}

/** Reads what `writeProgram` wrote. Refuses everything else with a sentence that says what was expected. */
export function readProgram(text: string): Result<Program, string> {
  return attempt(() => {
    const { shared, entries, groups, neighbours } = parts(text, 'program')
    return Object.freeze({
      entries: keyed(
        entries.map((one) => readEntry(one, shared)),
        (one) => one.key,
      ),
      groups: keyed(groups.map(readGroup), (one) => one.group),
      neighbours: keyed(neighbours.map(readNeighbour), (one) => one.address),
    })
  })
}

/** Reads what `writeDifference` wrote. Refuses everything else with a sentence that says what was expected. */
export function readDifference(text: string): Result<Difference, string> {
  return attempt(() => {
    const { shared, entries, groups, neighbours } = parts(text, 'difference')
    return Object.freeze({
      entries: entries.map((one) => readChange(one, (entry) => readEntry(entry, shared))),
      groups: groups.map((one) => readChange(one, readGroup)),
      neighbours: neighbours.map((one) => readChange(one, readNeighbour)),
    })
  })
}
