import type { Right } from '#server/contract/rights.ts'
import { nameOfPlace } from './access.ts'
import type { Caller } from './sessions.ts'

/** Whether a call is let in, and why. */
export interface Verdict {
  readonly allowed: boolean
  /** The binding or token that gives the right, or what is missing. */
  readonly because: string
}

/** What a procedure asks of who calls it. */
export interface Asked {
  /** A right, `public` or `self`; anything else is never let in. */
  readonly right: unknown
  readonly writes: boolean
}

function givenBy({ access, token }: Caller, right: Right): string {
  const binding = access.bindings.find(({ rights }) => rights.includes(right))
  const through = binding?.groupName ? ` through the group ${binding.groupName}` : ''
  const role = binding
    ? `the role ${binding.role} ${nameOfPlace(binding)}${through} (binding ${binding.id})`
    : 'no role'
  return token ? `the token ${token.name} (${token.id}) and ${role}` : role
}

function missing({ access, token, account }: Caller, right: string): string {
  const where = nameOfPlace(access)
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
  return held
    ? { allowed: true, because: givenBy(caller, right as Right) }
    : { allowed: false, because: missing(caller, String(right ?? 'this procedure')) }
}
