import { z } from 'zod'

/** One input field of a procedure, as a flag or a positional argument. */
export interface Field {
  readonly name: string
  readonly required: boolean
  readonly nullable: boolean
  readonly form: 'text' | 'number' | 'boolean' | 'list' | 'object'
  readonly words: string
  readonly choices: readonly string[] | undefined
}

interface Bare {
  readonly schema: z.core.$ZodType
  readonly required: boolean
  readonly nullable: boolean
}

/** What is left of a schema without `optional`, `nullable` and `default`. */
function bare(schema: z.core.$ZodType, required = true, nullable = false): Bare {
  if (schema instanceof z.ZodOptional) return bare(schema.unwrap(), false, nullable)
  if (schema instanceof z.ZodDefault) return bare(schema.unwrap(), false, nullable)
  if (schema instanceof z.ZodNullable) return bare(schema.unwrap(), required, true)
  return { schema, required, nullable }
}

function formOf(schema: z.core.$ZodType): Field['form'] {
  if (schema instanceof z.ZodNumber) return 'number'
  if (schema instanceof z.ZodBoolean) return 'boolean'
  if (schema instanceof z.ZodArray) return 'list'
  if (schema instanceof z.ZodObject) return 'object'
  // `filter` may be one or many: many is the wider form.
  if (schema instanceof z.ZodUnion && schema.options.some((one) => one instanceof z.ZodArray)) return 'list'
  return 'text'
}

const descriptionOf = (...schemas: z.core.$ZodType[]): string => {
  for (const schema of schemas) {
    const { description } = schema as z.ZodType
    if (description !== undefined) return description
  }
  return ''
}

/** The fields of a procedure's input; none when it takes nothing. */
export function fieldsOf(input: unknown): Field[] {
  if (!(input instanceof z.ZodObject)) return []
  return Object.entries(input.shape as Record<string, z.core.$ZodType>).map(([name, schema]) => {
    const { schema: core, required, nullable } = bare(schema)
    const choices = core instanceof z.ZodEnum ? core.options.map(String) : undefined
    return { name, required, nullable, form: formOf(core), words: descriptionOf(schema, core), choices }
  })
}

/** What others call something of theirs: no id of ours, which could be looked up by name. */
const FOREIGN: ReadonlySet<string> = new Set(['clientId'])

/** The noun whose objects a field names by id; undefined for a field that is no id. `noun`: of the command itself. */
export function nounOfField(field: string, noun: string): string | undefined {
  if (field === 'id') return noun
  if (field === 'change') return 'change'
  return /^[a-z]+Id$/.test(field) && !FOREIGN.has(field) ? field.slice(0, -2) : undefined
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** `--tenant` for `tenantId`, `--display-name` for `displayName`. */
export const flagOf = (field: string): string =>
  kebab(field === 'id' || FOREIGN.has(field) ? field : field.replace(/Id$/, ''))

/** `tenant=3,port=4` as an object; JSON is taken as it is. */
function objectOf(text: string): unknown {
  if (text.trimStart().startsWith('{')) return JSON.parse(text)
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [key = '', value = ''] = pair.split('=')
      return [key.trim(), value !== '' && Number.isFinite(Number(value)) ? Number(value) : value]
    }),
  )
}

/** Reads what was typed for a field. Throws when it is not of the field's form. */
export function readValue({ name, form, nullable }: Field, typed: unknown): unknown {
  if (nullable && (typed === 'none' || typed === '')) return null
  if (form === 'boolean') return typed === true || typed === 'true'
  if (form === 'number') {
    const number = Number(typed)
    if (typed === '' || Number.isNaN(number)) throw new Error(`--${flagOf(name)}: ${typed} is not a number`)
    return number
  }
  if (form === 'object') return objectOf(String(typed))
  return typed
}
