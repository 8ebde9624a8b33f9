/** A JSON value whose integers keep their 64 bits: those that a number cannot hold exactly are bigints. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

/** Sixteen digits in a row: an integer that a number may not hold. */
const LONG = /\d{16}/
const INTEGER = /^-?\d+$/

type Reviver = (key: string, value: Json, context: { readonly source?: string }) => Json

const exact: Reviver = (_key, value, { source }) => {
  if (typeof value !== 'number' || source === undefined || Number.isSafeInteger(value) || !INTEGER.test(source))
    return value
  return BigInt(source)
}

/** Reads JSON (RFC 8259). Throws SyntaxError. */
export function parseJson(text: string): Json {
  return LONG.test(text) ? JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]) : JSON.parse(text)
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

/** Writes JSON without white space; bigints as integers, other numbers as they are. */
export const printJson = (value: Json): string =>
  JSON.stringify(value, (_key, one) => (typeof one === 'bigint' ? rawJSON(`${one}`) : one))
