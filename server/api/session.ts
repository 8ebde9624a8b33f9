import type { Session } from '#server/contract/session.ts'
import { type Logout, toldWords } from '#server/identity/federation/logout.ts'
import type { Caller, Sessions } from '#server/identity/sessions.ts'
import type { LocalSignIn } from '#server/identity/sign-in.ts'
import { api, door, publicAccount } from './door.ts'

export interface SessionParts {
  readonly signIn: LocalSignIn
  readonly sessions: Sessions
  readonly product: Session['product']
  readonly logout: Pick<Logout, 'signOut'>
  /** Told when somebody has changed their password. */
  readonly onPasswordChanged?: (name: string) => Promise<void>
}

/** Sign-in, sign-out, and who is signed in. */
export function sessionHandlers({ signIn, sessions, product, logout, onPasswordChanged }: SessionParts) {
  const view = ({ account, access, rights, expiresAt_ms }: Caller): Session => ({
    account: publicAccount(account, access),
    rights: [...rights],
    ...{ expiresAt: new Date(expiresAt_ms).toISOString(), product },
  })
  return {
    get: api.session.get.handler(({ context }) => view(context.caller)),
    create: door.session.create.handler(async ({ input, context }) => {
      context.note.actor = input.name
      const { id, caller } = await signIn.signIn(input, context)
      // Whoever signs in again leaves the old session behind.
      if (context.caller) await sessions.end(context.caller.session)
      context.keepSession(id, caller.expiresAt_ms)
      context.note.tenantId ??= caller.scope.tenantId ?? undefined
      context.note.actorId = caller.account.id
      return view(caller)
    }),
    remove: api.session.remove.handler(async ({ context }) => {
      await sessions.end(context.caller.session)
      context.keepSession(null)
    }),
    logout: api.session.logout.handler(async ({ input, context }) => {
      context.keepSession(null)
      const { next, participants } = await logout.signOut(context.caller, input)
      context.note.detail = input.everywhere ? toldWords(participants) : 'Here alone.'
      const told = participants.map(({ side, displayName, outcome }) => ({ kind: side, name: displayName, outcome }))
      return { next, participants: told }
    }),
    password: api.session.password.handler(async ({ input, context }) => {
      await signIn.changePassword(context.caller, input.current, input.next, context)
      await onPasswordChanged?.(context.account.name)
    }),
  }
}
