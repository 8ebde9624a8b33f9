import type { z } from 'zod'
import type { RefusalDetail } from '#server/kernel/refusal.ts'

type Issue = z.core.$ZodIssue

const escapeSegment = (segment: PropertyKey) => String(segment).replaceAll('~', '~0').replaceAll('/', '~1')

/** A JSON pointer (RFC 6901). */
export const pointerTo = (path: readonly PropertyKey[]): string => path.map((one) => `/${escapeSegment(one)}`).join('')

const fieldOf = (path: readonly PropertyKey[]) => (path.length === 0 ? 'The request' : String(path.at(-1)))

function lookUp(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    data,
  )
}

const UNITS: Readonly<Record<string, string>> = { string: ' characters', array: ' items', set: ' items', map: ' items' }

/** The rule that an issue breaks, the limit, what is wrong and what to do, in words. */
function words(issue: Issue, data: unknown): Omit<RefusalDetail, 'pointer'> {
  const field = fieldOf(issue.path)
  switch (issue.code) {
    case 'invalid_type': {
      const absent = lookUp(data, issue.path) === undefined
      const message = absent ? `${field} is missing.` : `${field} is not of type ${issue.expected}.`
      return { rule: absent ? 'required' : 'type', limit: issue.expected, message, mend: `Give ${issue.expected}.` }
    }
    case 'too_big': {
      const limit = `${issue.maximum}${UNITS[issue.origin] ?? ''}`
      return { rule: 'maximum', limit, message: `${field} is over ${limit}.`, mend: `Give at most ${limit}.` }
    }
    case 'too_small': {
      const limit = `${issue.minimum}${UNITS[issue.origin] ?? ''}`
      return { rule: 'minimum', limit, message: `${field} is under ${limit}.`, mend: `Give at least ${limit}.` }
    }
    case 'invalid_value': {
      const limit = issue.values.map(String).join(', ')
      return { rule: 'choice', limit, message: `${field} is not one of ${limit}.`, mend: `Choose one of ${limit}.` }
    }
    case 'invalid_format': {
      const said = /^Invalid /.test(issue.message) ? `a well-formed ${issue.format}` : issue.message
      return { rule: 'format', limit: said, message: `${field} is not well formed.`, mend: `Give ${said}.` }
    }
    case 'invalid_union':
      return { rule: 'type', message: `${field} fits none of the forms that it may have.`, mend: 'See openapi.json.' }
    default:
      return {
        rule: issue.code === 'custom' ? 'rule' : issue.code,
        message: `${field}: ${issue.message}.`,
        mend: issue.message,
      }
  }
}

/** Of a request that may have several forms, the one that it comes nearest to says what is wrong. */
const nearest = (forms: readonly (readonly Issue[])[]): readonly Issue[] | undefined =>
  forms.toSorted((a, b) => a.length - b.length)[0]

/** What is wrong with a request, field by field. `data`: what was parsed. */
export function schemaDetails(issues: readonly Issue[], data: unknown): RefusalDetail[] {
  return issues.flatMap((issue) => {
    const form = issue.code === 'invalid_union' && issue.path.length === 0 ? nearest(issue.errors) : undefined
    if (form) return schemaDetails(form, data)
    if (issue.code !== 'unrecognized_keys') return [{ pointer: pointerTo(issue.path), ...words(issue, data) }]
    return issue.keys.map((key) => ({
      ...{ pointer: pointerTo([...issue.path, key]), rule: 'unknown-key' },
      ...{ message: `There is no field ${key} here.`, mend: 'Leave it out, or look for a slip of the pen.' },
    }))
  })
}
