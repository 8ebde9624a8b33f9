import type { Meta } from '#server/contract/base.ts'
import { isEverywhere } from '#server/identity/access.ts'
import type { Caller } from '#server/identity/sessions.ts'
import { Refusal } from '#server/kernel/refusal.ts'

const isGiven = (value: unknown) => value !== undefined && value !== null && value !== false

/**
 * Refuses what only those may give who work for the whole installation: fields that the contract marks so, where they say
 * something. Throws `Refusal` (`forbidden`). What else it says of fields is checked where it is known what they give.
 */
export function requireFieldRights({ fields = {} }: Pick<Meta, 'fields'>, input: unknown, { scope }: Caller): void {
  if (isEverywhere(scope) || typeof input !== 'object' || input === null) return
  const given = input as Readonly<Record<string, unknown>>
  const beyond = Object.keys(fields).filter((name) => fields[name] === 'everywhere' && isGiven(given[name]))
  if (beyond.length === 0) return
  const message = `Only who works for the whole installation gives ${beyond.join(' and ')}.`
  const mend = 'Leave it out, or let somebody do it who works for the whole installation.'
  const errors = beyond.map((name) => ({ pointer: `/${name}`, rule: 'field.everywhere', message, mend }))
  throw new Refusal('forbidden', message, errors)
}
