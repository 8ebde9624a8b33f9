import type { Action, Instruction } from '#server/kernel/action.ts'
import { toEnd } from '#server/kernel/hash.ts'
import type { Entry, Group } from './entry.ts'
import { chunked, decimal, growing, hexadecimal, type Ink, text, written } from './ink.ts'
import type { Change, Difference, Program } from './program.ts'
import { ACTION_SHAPES, INSTRUCTION_SHAPES, type Shape } from './shape.ts'

/*
 * Programs and differences as JSON in ASCII. Entries stand under their key, which says table, priority and match; equal
 * lists of instructions are written once. Integers that may pass 53 bits are hexadecimal text. The bytes are put down one
 * by one, not by JSON.stringify: no value in them needs escaping, and 100,000 entries take a fifth of the time.
 */

/** The first element of everything serialised; reading refuses others. */
export const FORMAT = 1

const PAUSE_EVERY = 512

function list<T>(to: Ink, values: Iterable<T>, write: (to: Ink, value: T) => void): void {
  let between = '['
  for (const value of values) {
    text(to, between)
    between = ','
    write(to, value)
  }
  text(to, between === '[' ? '[]' : ']')
}

function quoted(to: Ink, value: string): void {
  text(to, '"')
  text(to, value)
  text(to, '"')
}

function property(to: Ink, value: unknown): void {
  if (typeof value === 'number') decimal(to, value)
  else if (typeof value === 'bigint') {
    text(to, '"')
    hexadecimal(to, value)
    text(to, '"')
  } else if (typeof value === 'string') quoted(to, value)
  else if (value === undefined) text(to, 'null')
  else list(to, value as readonly Action[], action)
}

function shaped(to: Ink, of: Action | Instruction, shape: Shape): void {
  text(to, '["')
  text(to, of.type)
  text(to, '"')
  for (const [name] of shape) {
    text(to, ',')
    property(to, (of as unknown as Readonly<Record<string, unknown>>)[name])
  }
  text(to, ']')
}

function action(to: Ink, one: Action): void {
  if (one.type === 'output' && one.max_len === undefined) {
    text(to, '["output",')
    decimal(to, one.port)
    text(to, ']')
  } else if (one.type === 'set_field' && one.mask === undefined) {
    text(to, '["set_field","')
    text(to, one.field)
    text(to, '","')
    hexadecimal(to, one.value)
    text(to, '"]')
  } else shaped(to, one, ACTION_SHAPES[one.type])
}

const instruction = (to: Ink, one: Instruction): void => shaped(to, one, INSTRUCTION_SHAPES[one.type])

/** Lists of instructions, each written once. */
interface Book {
  readonly ink: Ink
  /** Where each list begins; behind the last one stands the next. */
  readonly starts: number[]
  /** The last list with a digest, by the digest of its bytes; and for every list the one before it with the same, or -1. */
  readonly last: Map<number, number>
  readonly before: number[]
}

/** FNV-1a over four bytes at a time; up to three at the end are left out: they are punctuation. */
function digest({ view, at }: Ink, from: number): number {
  let hash = 0x811c9dc5
  for (let i = from; i + 4 <= at; i += 4) hash = Math.imul(hash ^ view.getInt32(i), 0x01000193)
  return hash ^ (at - from)
}

function isSame({ bytes }: Ink, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false
  return true
}

/** The number of a list, which is written if it is new. */
function numberOf({ ink: to, starts, last, before }: Book, instructions: readonly Instruction[]): number {
  const start = to.at
  list(to, instructions, instruction)
  text(to, ',')
  const length = to.at - start
  const hash = digest(to, start)
  const latest = last.get(hash) ?? -1
  for (let number = latest; number >= 0; number = before[number] as number) {
    const other = starts[number] as number
    if ((starts[number + 1] ?? start) - other !== length || !isSame(to, other, start, length)) continue
    to.at = start
    return number
  }
  last.set(hash, starts.length)
  before.push(latest)
  return starts.push(start) - 1
}

/** `[key, instructions, cookie]`, and `idle, hard, flags, importance` where one of them is not zero. */
function entry(to: Ink, one: Entry, book: Book): void {
  const { idle_timeout, hard_timeout, flags, importance } = one
  text(to, '["')
  text(to, one.key)
  text(to, '",')
  decimal(to, numberOf(book, one.instructions))
  text(to, ',"')
  hexadecimal(to, one.cookie)
  text(to, '"')
  if (idle_timeout || hard_timeout || flags || importance)
    text(to, `,${idle_timeout},${hard_timeout},${flags},${importance}`)
  text(to, ']')
}

function group(to: Ink, { group, type, buckets }: Group): void {
  text(to, `[${group},"${type}",`)
  list(to, buckets, (_, { weight, watch_port, watch_group, actions }) => {
    text(to, `[${weight},${watch_port ?? null},${watch_group ?? null},`)
    list(to, actions, action)
    text(to, ']')
  })
  text(to, ']')
}

const changing =
  <T>(write: (to: Ink, value: T) => void) =>
  (to: Ink, { before, after }: Change<T>): void => {
    text(to, '[')
    if (before === undefined) text(to, 'null')
    else write(to, before)
    text(to, ',')
    if (after === undefined) text(to, 'null')
    else write(to, after)
    text(to, ']')
  }

/** A list that may be long: pauses every millisecond or so. */
function* longList<T>(to: Ink, values: Iterable<T>, write: (to: Ink, value: T) => void): Generator<void> {
  let between = '['
  let count = 0
  for (const value of values) {
    text(to, between)
    between = ','
    write(to, value)
    if (++count % PAUSE_EVERY === 0) yield
  }
  text(to, between === '[' ? '[]' : ']')
}

/** `[format, kind, instructions, …]`; `body` writes what follows, and fills the book of instructions. */
function* document(kind: string, body: (to: Ink, book: Book) => Generator<void>): Generator<void, Uint8Array[]> {
  const book: Book = { ink: growing(), starts: [], last: new Map(), before: [] }
  const to = chunked()
  yield* body(to, book)
  const head = chunked()
  text(head, `[${FORMAT},"${kind}",[`)
  // Every list is followed by a comma, the last one too.
  if (book.starts.length > 0) book.ink.at--
  text(book.ink, '],')
  text(to, ']')
  return [head, book.ink, to].flatMap(written)
}

/** JSON in ASCII, in pieces: `[format, "program", instructions, entries, groups, neighbours]`. Pauses now and then. */
export const writingProgram = (program: Program): Generator<void, Uint8Array[]> =>
  document('program', function* (to, book) {
    yield* longList(to, program.entries.values(), (_, one) => entry(to, one, book))
    text(to, ',')
    list(to, program.groups.values(), group)
    text(to, ',')
    list(to, program.neighbours.keys(), quoted)
  })

/** The same at once. */
export const writeProgram = (program: Program): Uint8Array[] => toEnd(writingProgram(program))

/**
 * JSON in ASCII, in pieces: `[format, "difference", instructions, entries, groups, neighbours]`, each change as
 * `[before, after]`. Pauses now and then.
 */
export const writingDifference = (difference: Difference): Generator<void, Uint8Array[]> =>
  document('difference', function* (to, book) {
    const { entries, groups, neighbours } = difference
    yield* longList(
      to,
      entries,
      changing((_, one: Entry) => entry(to, one, book)),
    )
    text(to, ',')
    list(to, groups, changing(group))
    text(to, ',')
    list(
      to,
      neighbours,
      changing((_, { address }) => quoted(to, address)),
    )
  })

/** The same at once. */
export const writeDifference = (difference: Difference): Uint8Array[] => toEnd(writingDifference(difference))
