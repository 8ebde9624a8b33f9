import type { Prefix } from '#server/kernel/prefix.ts'
import { contains } from '#server/kernel/prefix.ts'
import type { Binding, Conditions } from '../ports.ts'
import { type Hours, hoursWithin, inHours, parseHours } from './hours.ts'
import { isIn, prefixesOf } from './network.ts'

/** Of a role that counts from everywhere and at all times. */
export const UNCONDITIONAL: Conditions = { from: [], hours: null }

/** What a request is judged by. */
export interface Moment {
  readonly address: string
  readonly now_ms: number
}

/** A role that somebody holds and that does not count in a request, and why. */
export interface Idle {
  readonly binding: Binding
  readonly lacks: 'address' | 'hours'
}

interface Compiled {
  readonly from: readonly Prefix[] | undefined
  /** Null: at all times; undefined: hours that nobody can read, in which it never counts. */
  readonly hours: Hours | null | undefined
}

function compile({ from, hours }: Conditions): Compiled {
  const read = hours === null ? null : parseHours(hours)
  return { from: from.length > 0 ? prefixesOf(from) : undefined, hours: read && (read.ok ? read.value : undefined) }
}

const compiled = new WeakMap<Conditions, Compiled>()

/** Read once for each binding, which is the same object for as long as nothing is written. */
function compiledOf(conditions: Conditions): Compiled {
  const held = compiled.get(conditions) ?? compile(conditions)
  compiled.set(conditions, held)
  return held
}

export const isConditional = ({ from, hours }: Conditions): boolean => from.length > 0 || hours !== null

function lackOf(binding: Binding, { address, now_ms }: Moment): Idle['lacks'] | undefined {
  const { from, hours } = compiledOf(binding)
  if (from && !isIn(from, address)) return 'address'
  return hours === undefined || (hours && !inHours(hours, now_ms)) ? 'hours' : undefined
}

/** The roles that count in a request, and those that do not. Undefined: nothing is known of it, and no condition holds. */
export function sortByContext(
  bindings: readonly Binding[],
  moment: Moment | undefined,
): { readonly counting: readonly Binding[]; readonly idle: readonly Idle[] } {
  if (!bindings.some(isConditional)) return { counting: bindings, idle: [] }
  const idle: Idle[] = []
  const counting = bindings.filter((binding) => {
    const lacks = isConditional(binding) ? (moment ? lackOf(binding, moment) : 'address') : undefined
    if (lacks) idle.push({ binding, lacks })
    return lacks === undefined
  })
  return { counting, idle }
}

/** Whether what counts under `inner` counts under `outer` too, wherever and whenever that is. */
export function conditionsWithin(inner: Conditions, outer: Conditions): boolean {
  const [narrow, wide] = [compiledOf(inner), compiledOf(outer)]
  const { from } = wide
  const addresses = !from || narrow.from?.every((one) => from.some((prefix) => holds(prefix, one))) === true
  if (!addresses || wide.hours === null) return addresses
  return Boolean(narrow.hours && wide.hours && hoursWithin(narrow.hours, wide.hours))
}

const holds = (outer: Prefix, inner: Prefix) => inner.length >= outer.length && contains(outer, inner)

/** `from 10.0.0.0/8, Mon-Fri 07:00-19:00 Europe/Berlin`; empty for what counts always. */
export const conditionWords = ({ from, hours }: Conditions): string =>
  [...(from.length > 0 ? [`from ${from.join(' or ')}`] : []), ...(hours === null ? [] : [hours])].join(', ')
