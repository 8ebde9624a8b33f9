import SCIMMY from 'scimmy'
import type { ScimQuery, ScimTest } from './ports.ts'

type Expression = SCIMMY.Types.Filter[number]

const OPERATORS: readonly string[] = ['eq', 'ne', 'co', 'sw', 'ew', 'pr']
const TESTS_MAX = 20
/** Attributes may be named in full (RFC 7644, 3.10). */
const URN = /^urn:ietf:params:scim:schemas:core:2\.0:(?:user|group):/

const refuse = (words: string): never => {
  throw new SCIMMY.Types.Error(400, 'invalidFilter', words)
}

const isComparison = (value: unknown): value is unknown[] => Array.isArray(value) && typeof value[0] === 'string'

function testOf(attribute: string, [operator, value]: readonly unknown[]): ScimTest {
  const name = String(operator).toLowerCase()
  if (!OPERATORS.includes(name)) return refuse(`The operator ${name} cannot be used for ${attribute}.`)
  if (name !== 'pr' && typeof value !== 'string' && typeof value !== 'boolean')
    return refuse(`${attribute} can be compared with text, true and false.`)
  // Entra ID says `active eq "True"`.
  const said = attribute === 'active' && typeof value === 'string' ? value.toLowerCase() === 'true' : value
  return { attribute, operator: name as ScimTest['operator'], value: said as ScimTest['value'] }
}

/** One attribute's part of an expression: a comparison, several, or those of its sub-attributes. */
function testsOf(attribute: string, part: unknown): ScimTest[] {
  if (isComparison(part)) return [testOf(attribute, part)]
  if (Array.isArray(part)) return part.flatMap((one) => testsOf(attribute, one))
  if (typeof part !== 'object' || part === null) return refuse(`${attribute} cannot be asked for like that.`)
  return Object.entries(part).flatMap(([name, inner]) => testsOf(`${attribute}.${name.toLowerCase()}`, inner))
}

/** A filter as the store takes it. Throws SCIM's error (`invalidFilter`) for what is not supported. */
export function queryOf(filter: Iterable<Expression> | undefined, offset: number, limit: number): ScimQuery {
  if (filter === undefined) return { any: [], offset, limit }
  const any = [...filter].map((expression) =>
    Object.entries(expression).flatMap(([name, part]) => testsOf(name.toLowerCase().replace(URN, ''), part)),
  )
  // What compares nothing would be everybody.
  if (any.length === 0 || any.some((tests) => tests.length === 0)) refuse('The filter compares nothing.')
  if (any.flat().length > TESTS_MAX) refuse(`A filter has at most ${TESTS_MAX} comparisons.`)
  return { any, offset, limit }
}
