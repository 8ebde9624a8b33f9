import { ROLE_RIGHTS } from '#server/contract/rights.ts'
import { isConditional } from '#server/identity/context/conditions.ts'
import { makePassword } from '#server/identity/first-password.ts'
import { mustHold, mustOutrank } from '#server/identity/grants.ts'
import type { Tell } from '#server/identity/notices/ports.ts'
import { hashPassword } from '#server/identity/password.ts'
import type { AccountPatch, AccountRecord, AccountStore } from '#server/identity/ports.ts'
import type { Sessions } from '#server/identity/sessions.ts'
import { brokenRules, notFound } from '#server/kernel/refusal.ts'
import { api, nameOf, publicAccount, type SignedInContext } from './door.ts'
import { revisionOf } from './intent.ts'

const refuse = (pointer: string, rule: string, message: string, mend: string) =>
  brokenRules([{ pointer, rule, message, mend }])

/** Refuses a tenant role without a tenant, and a tenant with a role that sees all of them. */
function checkTenant(role: string, tenantId: string | null): void {
  const confined = role.startsWith('tenant-')
  if (confined === (tenantId !== null)) return
  throw confined
    ? refuse('/tenantId', 'user.tenant', `The role ${role} is held inside a tenant.`, 'Say which tenant.')
    : refuse(
        ...(['/tenantId', 'user.tenant', `The role ${role} sees all tenants.`] as const),
        'Leave the tenant out, or choose a tenant role.',
      )
}

/** What is known of an account by its provider is the provider’s, and break-glass is for what is kept here alone. */
function checkPatch(account: AccountRecord, patch: AccountPatch): void {
  const { providerName, tenantId } = account
  if (providerName !== null && (patch.displayName !== undefined || patch.email !== undefined))
    throw refuse(
      ...(['', 'user.provider', `${providerName} says what its people are called, at each sign-in.`] as const),
      'Change it at the identity provider.',
    )
  if (patch.breakGlass && (providerName !== null || tenantId !== null))
    throw refuse(
      ...(['/breakGlass', 'user.break-glass', 'Break-glass accounts are the installation’s, and kept here.'] as const),
      'Make a local account without a tenant for it.',
    )
  if (patch.breakGlass && account.bindings.some((one) => one.groupName === null && isConditional(one)))
    throw refuse(
      ...([
        '/breakGlass',
        'binding.break-glass',
        'What a break-glass account holds counts from everywhere, always.',
      ] as const),
      'Take away its roles that have conditions first.',
    )
}

export interface UserParts {
  readonly accounts: AccountStore
  readonly sessions: Pick<Sessions, 'endOthers'>
  readonly tell: Tell
  /** How long a password counts that is made here. */
  readonly firstPassword_ms: number
}

/** A password that nobody chose: told once, and over soon. */
async function firstPassword(life_ms: number) {
  const password = makePassword()
  return { password, passwordHash: await hashPassword(password), passwordEndsAt_ms: Date.now() + life_ms }
}

/** What its person is told of. */
const changedOf = (before: AccountRecord, after: AccountRecord): string =>
  [
    ...(before.displayName === after.displayName ? [] : ['name']),
    ...(before.email === after.email ? [] : ['e-mail address']),
  ].join(' and ')

/** Accounts: those that are kept here, and those that providers vouch for. */
export function userHandlers({ accounts, sessions, tell, firstPassword_ms }: UserParts) {
  /** Somebody who is to be changed or removed: not oneself, and nobody who holds more. */
  const governed = async (context: SignedInContext, id: string, what: string) => {
    context.note.subject = `user/${id}`
    if (id === context.account.id)
      throw refuse('/id', 'user.self', `One’s own account ${what}.`, 'Let another operator do it.')
    const account = await accounts.get(context.scope, id)
    const { tenantId } = account
    Object.assign(context.note, { detail: account.name, before: publicAccount(account), ...(tenantId && { tenantId }) })
    mustOutrank(context.caller, account.bindings)
    return account
  }
  return {
    list: api.users.list.handler(async ({ input, context }) => {
      const { items, next } = await accounts.list(context.scope, input)
      return { items: items.map((account) => publicAccount(account)), next }
    }),
    get: api.users.get.handler(async ({ input, context }) =>
      publicAccount(await accounts.get(context.scope, input.id)),
    ),
    create: api.users.create.handler(async ({ input, context }) => {
      const { name, role, tenantId, displayName = name } = input
      context.note.detail = `${name}, ${role}`
      checkTenant(role, tenantId)
      mustHold(context.caller, ROLE_RIGHTS[role], { tenantId }, '/role')
      const { password, ...first } = await firstPassword(firstPassword_ms)
      const account = await accounts.create(context.scope, { name, role, tenantId, displayName, ...first })
      context.note.subject = `user/${account.id}`
      context.note.after = publicAccount(account)
      return { ...publicAccount(account), password }
    }),
    newPassword: api.users.newPassword.handler(async ({ input, context }) => {
      const { id, name, providerName } = await governed(context, input.id, 'gets no first password')
      if (providerName !== null)
        throw refuse(
          ...(['/id', 'user.provider', `${providerName} vouches for ${name}, who has no password here.`] as const),
          'Let them sign in there.',
        )
      const { password, passwordHash, passwordEndsAt_ms } = await firstPassword(firstPassword_ms)
      await accounts.setPassword(id, passwordHash, passwordEndsAt_ms)
      await sessions.endOthers(id, '')
      await tell(id, { kind: 'password.made', by: nameOf(context.caller) })
      context.note.after = publicAccount(await accounts.get(context.scope, id))
      return { name, password, passwordEndsAt: new Date(passwordEndsAt_ms).toISOString() }
    }),
    update: api.users.update.handler(async ({ input, context }) => {
      const { id, ...patch } = input
      const account = await governed(context, id, 'is changed by somebody else')
      checkPatch(account, patch)
      // Before the database ends them with the account, since nobody would know then whom to tell.
      if (patch.state === 'disabled' && account.revision === revisionOf(context)) await sessions.endOthers(id, '')
      const updated = await accounts.update(context.scope, id, revisionOf(context), patch)
      context.note.after = publicAccount(updated)
      const what = changedOf(account, updated)
      if (what !== '') await tell(id, { kind: 'account.details', what, by: nameOf(context.caller) })
      return publicAccount(updated)
    }),
    remove: api.users.remove.handler(async ({ input, context }) => {
      await governed(context, input.id, 'stays')
      await sessions.endOthers(input.id, '')
      if (!(await accounts.remove(context.scope, input.id))) throw notFound('user')
    }),
  }
}
