import type { Session } from '#server/contract/session.ts'
import { nameOfPlace, type Place, placesOf } from '#server/identity/access.ts'
import type { Logout } from '#server/identity/federation/logout.ts'
import { toldWords } from '#server/identity/federation/logout-words.ts'
import { stepUpPath } from '#server/identity/freshness.ts'
import type { Caller, Sessions } from '#server/identity/sessions.ts'
import type { LocalSignIn } from '#server/identity/sign-in.ts'
import { bindingView } from '#server/inventory/binding-rows.ts'
import { api, door, publicAccount } from './door.ts'

export interface SessionParts {
  readonly signIn: LocalSignIn
  readonly sessions: Sessions
  readonly product: Session['product']
  /** What sign-in has to prove at least. */
  readonly secondFactor: Session['secondFactor']
  readonly logout: Pick<Logout, 'signOut'>
  /** Told when a session is about to take the place of another. */
  readonly onFollowed?: (session: string, by: string) => Promise<void>
  /** Told when somebody has changed their password. */
  readonly onPasswordChanged?: (name: string) => Promise<void>
}

const placeOf = ({ tenantId, tenantName, siteId, siteName }: Place): Place => ({
  ...{ tenantId, tenantName, siteId, siteName },
})

const time = (at_ms: number): string => new Date(at_ms).toISOString()

/** A token works where it was made for; a person wherever they have a role. */
const placesFor = ({ account, access, token }: Caller): Place[] =>
  token ? [placeOf(access)] : placesOf(account.bindings).map(placeOf)

/** Sign-in, sign-out, and who is signed in. */
export function sessionHandlers(parts: SessionParts) {
  const { signIn, sessions, product, secondFactor, logout, onFollowed, onPasswordChanged } = parts
  const view = (caller: Caller): Session => {
    const { account, access, rights, expiresAt_ms, method, authenticatedAt_ms, freshUntil_ms, owes, signals } = caller
    return {
      ...{ account: publicAccount(account, access), rights: [...rights], product },
      ...{ expiresAt: time(expiresAt_ms), place: placeOf(access), places: placesFor(caller) },
      ...{ method, authenticatedAt: time(authenticatedAt_ms), freshUntil: time(freshUntil_ms) },
      ...{ owes: [...owes], secondFactor, stepUpUrl: stepUpPath(caller) },
      ...{ signals: [...signals], idle: caller.idle.map(({ binding }) => bindingView(binding)) },
    }
  }
  return {
    get: api.session.get.handler(({ context }) => view(context.caller)),
    create: door.session.create.handler(async ({ input, context }) => {
      // Of a passkey nobody knows whose it is until it is proved.
      context.note.actor = 'name' in input ? input.name : '(passkey)'
      const { id, caller } = await signIn.signIn(input, context)
      context.note.actor = caller.account.name
      // Whoever signs in again leaves the old session behind.
      if (context.caller) {
        await onFollowed?.(context.caller.session, caller.session)
        await sessions.end(context.caller.session)
      }
      context.keepSession(id, caller.expiresAt_ms)
      context.note.tenantId ??= caller.scope.tenantId ?? undefined
      context.note.actorId = caller.account.id
      return view(caller)
    }),
    stepUp: api.session.stepUp.handler(async ({ input, context }) => {
      const { id, caller } = await signIn.stepUp(context.caller, input, context)
      context.keepSession(id, caller.expiresAt_ms)
      context.note.detail = caller.method
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
    place: api.session.place.handler(async ({ input, context }) => {
      const moved = await sessions.move(context.caller, input)
      context.note.detail = nameOfPlace(moved.access)
      return view(moved)
    }),
    password: api.session.password.handler(async ({ input, context }) => {
      await signIn.changePassword(context.caller, input.current, input.next, context)
      await onPasswordChanged?.(context.account.name)
    }),
  }
}
