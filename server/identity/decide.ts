import type { Right } from '#server/contract/rights.ts'
import { countsAt, isEverywhere, nameOfPlace, samePlace } from './access.ts'
import { conditionWords, type Idle } from './context/conditions.ts'
import type { Binding } from './ports.ts'
import type { Caller } from './sessions.ts'

/** Whether a call is let in, and why. */
export interface Verdict {
  readonly allowed: boolean
  /** The binding or token that gives the right, or what is missing. */
  readonly because: string
  /** What would give the right in a request from elsewhere, or at another time. */
  readonly idle?: readonly Idle[]
}

/** What a procedure asks of who calls it. */
export interface Asked {
  /** A right, `public` or `self`; anything else is never let in. */
  readonly right: unknown
  readonly writes: boolean
}

/** Which binding, and what it counts under. */
function bindingWords(binding: Binding): string {
  const { role, id, groupName } = binding
  const through = groupName ? ` through the group ${groupName}` : ''
  const under = conditionWords(binding)
  return `the role ${role} ${nameOfPlace(binding)}${through} (binding ${id}${under === '' ? '' : `, ${under}`})`
}

/** What would give a right where somebody works, if their request came from elsewhere or at another time. */
function idleFor({ idle, scope, access }: Caller, right: string): Idle[] {
  // Without any role that counts, somebody works nowhere in particular.
  const nowhere = access.bindings.length === 0
  return idle.filter(
    ({ binding }) =>
      (binding.rights as readonly string[]).includes(right) &&
      (nowhere || isEverywhere(binding) || samePlace(binding, scope)) &&
      countsAt(right as Right, nowhere ? binding : scope),
  )
}

const LACKS = { address: 'does not count from here', hours: 'does not count at this time' } as const
const idleWords = ({ binding, lacks }: Idle) => `${bindingWords(binding)} ${LACKS[lacks]}`

function givenBy({ access, token }: Caller, right: Right): string {
  const binding = access.bindings.find(({ rights }) => rights.includes(right))
  const role = binding ? bindingWords(binding) : 'no role'
  return token ? `the token ${token.name} (${token.id}) and ${role}` : role
}

function missing(caller: Caller, right: string): string {
  const { access, token, account } = caller
  const where = nameOfPlace(access)
  const [idle] = idleFor(caller, right)
  if (idle) return idleWords(idle)
  if (token && access.bindings.some(({ rights }) => (rights as readonly string[]).includes(right)))
    return `the token ${token.name} (${token.id}) was not given ${right}`
  return `${account.name} has no role with ${right} ${where}`
}

/** Judges a call by the right that its procedure names. */
export function decide({ right, writes }: Asked, caller: Caller | undefined): Verdict {
  if (right === 'public') return { allowed: true, because: 'anybody may' }
  if (!caller) return { allowed: false, because: 'nobody is signed in' }
  // What is one's own (password, passkeys, sessions, tokens) only a person changes, not what acts for them.
  if (right === 'self')
    return caller.token && writes
      ? {
          allowed: false,
          because: `the token ${caller.token.name} (${caller.token.id}) does not act for the person itself`,
        }
      : { allowed: true, because: 'anybody who is signed in may' }
  const held = typeof right === 'string' && caller.rights.has(right as Right)
  if (held) return { allowed: true, because: givenBy(caller, right as Right) }
  const asked = String(right ?? 'this procedure')
  return { allowed: false, because: missing(caller, asked), idle: idleFor(caller, asked) }
}
