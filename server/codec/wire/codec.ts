import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/**
 * What values a codec takes, as data: JSON, validation and generators derive from it.
 * `nothing` is on the wire only (padding, lengths); `refined` adds a rule, named so that a generator can meet it.
 */
export type Shape =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'uint'; readonly bits: number }
  | { readonly kind: 'bigint'; readonly bits: number; readonly style: 'decimal' | 'hex' }
  | { readonly kind: 'mac' }
  | { readonly kind: 'choice'; readonly bits: number; readonly names: Readonly<Record<string, number>> }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | { readonly kind: 'label'; readonly bits: number }
  | { readonly kind: 'text'; readonly max: number }
  | { readonly kind: 'bytes'; readonly size?: number }
  | { readonly kind: 'hex' }
  | { readonly kind: 'element'; readonly known: readonly number[]; readonly align: number }
  | { readonly kind: 'list'; readonly of: Shape; readonly count?: number }
  | { readonly kind: 'struct'; readonly fields: readonly FieldShape[] }
  | { readonly kind: 'union'; readonly variants: ReadonlyMap<string, Shape> }
  | {
      readonly kind: 'refined'
      readonly name: string
      readonly of: Shape
      readonly check: (value: never) => string | undefined
    }
  /** Known only with the value, or its JSON form, in hand: a message. */
  | {
      readonly kind: 'late'
      readonly name: string
      readonly pick: (value: Readonly<Record<string, unknown>>) => Shape | undefined
    }

export interface FieldShape {
  readonly name: string
  readonly shape: Shape
  readonly optional?: boolean
}

/** Source text for a field of fixed size; `self` names the codec, `view` and `at` are in scope. */
export interface Inline {
  readonly size: number
  read(at: string, self: string): string
  write(at: string, value: string, self: string): string
}

export interface Described {
  readonly shape: Shape
}

/** One wire structure: bytes to value, value to bytes, and the shape of its values. */
export interface Codec<T> extends Described {
  read(r: Reader): T
  write(w: Writer, value: T): void
  readonly inline?: Inline
}

/** On the wire but not in the value. `role` says what a struct does with it. */
export interface Hidden extends Codec<undefined> {
  readonly role: 'padding' | 'extent' | 'length_of'
  readonly of?: string
}

/** Reads and writes several fields of the struct around it. */
export interface Spread<T> extends Codec<T> {
  readonly spread: readonly FieldShape[]
}

export type Infer<C> = C extends Codec<infer T> ? T : never

type UnionToIntersection<U> = (U extends unknown ? (x: U) => void : never) extends (x: infer I) => void ? I : never
export type Flat<T> = T extends unknown ? { [K in keyof T]: T[K] } : never

type PlainKeys<F> = {
  [K in keyof F]: F[K] extends Hidden ? never : F[K] extends { spread: readonly FieldShape[] } ? never : K
}[keyof F]
type Plain<F> = { readonly [K in PlainKeys<F>]: Infer<F[K]> }
type SpreadKeys<F> = { [K in keyof F]: F[K] extends { spread: readonly FieldShape[] } ? K : never }[keyof F]
type Spreads<F> = [SpreadKeys<F>] extends [never] ? unknown : UnionToIntersection<Infer<F[SpreadKeys<F>]>>

/** The value of a struct with these fields. */
export type ValueOf<F> = Flat<Plain<F> & Spreads<F>>
