import type { Passkey } from '#server/contract/sessions.ts'
import type { FactorRules } from '#server/identity/credentials/held.ts'
import type { Passkeys } from '#server/identity/credentials/passkeys.ts'
import type { StoredPasskey } from '#server/identity/credentials/ports.ts'
import type { Totp } from '#server/identity/credentials/totp.ts'
import type { Attempts } from '#server/identity/federation/attempts.ts'
import { requirePerson } from '#server/identity/freshness.ts'
import type { Tell } from '#server/identity/notices/ports.ts'
import type { AccountRecord } from '#server/identity/ports.ts'
import type { Caller, Sessions } from '#server/identity/sessions.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import { api, door, type SignedInContext } from './door.ts'

export interface CredentialParts {
  readonly totp: Totp
  readonly passkeys: Passkeys
  readonly factors: FactorRules
  readonly sessions: Pick<Sessions, 'renew'>
  /** Challenges for strangers. */
  readonly challenges: Attempts
  readonly tell: Tell
}

const view = ({ id, name, backedUp, createdAt_ms, usedAt_ms }: StoredPasskey): Passkey => ({
  ...{ id, name, backedUp, createdAt: new Date(createdAt_ms).toISOString() },
  usedAt: usedAt_ms === null ? null : new Date(usedAt_ms).toISOString(),
})

/** What is kept here belongs to accounts that are kept here, and only their person changes it. */
function ownAccount(caller: Caller): AccountRecord {
  requirePerson(caller)
  const { account } = caller
  if (account.providerId === null) return account
  const message = `${account.providerName} vouches for this account.`
  throw new Refusal('rule', message, [
    { pointer: '', rule: 'credentials.elsewhere', message, mend: 'Change passkeys and second factors there.' },
  ])
}

/** Passkeys and second factors of whoever is signed in. */
export function credentialHandlers({ totp, passkeys, factors, sessions, challenges, tell }: CredentialParts) {
  /** One's own account, to which a factor may be added now. */
  const toBeAdded = async ({ caller }: SignedInContext): Promise<AccountRecord> => {
    const account = ownAccount(caller)
    await factors.beforeAdding(caller)
    return account
  }
  return {
    get: api.credentials.get.handler(async ({ context }) => {
      const { id, passwordHash } = context.caller.account
      const [own, asked] = await Promise.all([passkeys.of(id), totp.isAsked(id)])
      return { passkeys: own.map(view), totp: asked, password: passwordHash !== null }
    }),
    beginPasskey: api.credentials.beginPasskey.handler(async ({ context }) =>
      passkeys.beginRegistration(await toBeAdded(context), context.origin),
    ),
    addPasskey: api.credentials.addPasskey.handler(async ({ input, context }) => {
      const account = await toBeAdded(context)
      const passkey = await passkeys.register(account, input.name, input.response, context.origin)
      context.note.subject = `user/${account.id}`
      context.note.detail = `Passkey ${passkey.name}.`
      const { id: subject, name: what } = passkey
      await tell(account.id, { kind: 'passkey.added', subject, what, addresses: [context.address] })
      return view(passkey)
    }),
    removePasskey: api.credentials.removePasskey.handler(async ({ input, context }) => {
      const account = ownAccount(context.caller)
      context.note.subject = `user/${account.id}`
      await factors.beforeRemoving(account.id, input.id)
      const removed = (await passkeys.of(account.id)).find(({ id }) => id === input.id)
      await passkeys.remove(account.id, input.id)
      const what = removed?.name ?? ''
      await tell(account.id, { kind: 'passkey.removed', subject: input.id, what, addresses: [context.address] })
    }),
    beginTotp: api.credentials.beginTotp.handler(async ({ context }) => totp.begin(await toBeAdded(context))),
    confirmTotp: api.credentials.confirmTotp.handler(async ({ input, context }) => {
      const { caller } = context
      const account = await toBeAdded(context)
      context.note.subject = `user/${account.id}`
      await totp.confirm(account.id, input.code)
      await tell(account.id, { kind: 'codes.set-up', addresses: [context.address] })
      // The code has proved what the session owes; a new passkey proves nothing before it is used (`/session/step-up`).
      const renewed = caller.owes.includes('second-factor') && (await sessions.renew(caller, 'password+totp', context))
      if (renewed) context.keepSession(renewed.id, renewed.caller.expiresAt_ms)
    }),
    removeTotp: api.credentials.removeTotp.handler(async ({ context }) => {
      const account = ownAccount(context.caller)
      context.note.subject = `user/${account.id}`
      await factors.beforeRemoving(account.id, 'totp')
      await totp.remove(account.id)
      await tell(account.id, { kind: 'codes.removed', addresses: [context.address] })
    }),
    beginSignIn: door.credentials.beginSignIn.handler(async ({ context }) => {
      await challenges.count(context.address)
      return passkeys.begin(context.origin)
    }),
    beginStepUp: api.credentials.beginStepUp.handler(({ context }) =>
      passkeys.begin(context.origin, ownAccount(context.caller)),
    ),
  }
}
