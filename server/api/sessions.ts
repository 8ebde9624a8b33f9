import type { SessionRecord } from '#server/contract/sessions.ts'
import { signalsOf } from '#server/identity/context/signals.ts'
import type { Tell } from '#server/identity/notices/ports.ts'
import type { ListedSession, SessionRegister } from '#server/identity/ports.ts'
import type { Sessions } from '#server/identity/sessions.ts'
import { notFound } from '#server/kernel/refusal.ts'
import { type AuditNote, api, nameOf } from './door.ts'

export interface SessionListParts {
  readonly register: SessionRegister
  readonly sessions: Pick<Sessions, 'alive' | 'expiresAt_ms' | 'endOthers'>
  /** Ends a session, and tells the consoles that it opened. */
  readonly endSession: (hash: string) => Promise<void>
  readonly tell: Tell
}

const time = (at_ms: number): string => new Date(at_ms).toISOString()

/** Says in the audit log whose session was ended. */
function noteEnd(note: AuditNote, ended: ListedSession): void {
  note.subject = `user/${ended.accountId}`
  note.detail = `${ended.accountName}, ${ended.method}, from ${ended.address}`
}

/** Sessions: one's own, and those of the accounts that one sees. */
export function sessionListHandlers({ register, sessions, endSession, tell }: SessionListParts) {
  const view = (session: ListedSession, current: string): SessionRecord => {
    const { id, accountId, accountName, tenantName, method, providerName, address, agent, hash, failedAt_ms } = session
    const signals = signalsOf({ session, account: { failedAt_ms } }, session)
    return {
      ...{ id, accountId, accountName, tenantName, method, provider: providerName, address, agent },
      signals,
      ...{ createdAt: time(session.createdAt_ms), seenAt: time(session.seenAt_ms) },
      ...{ expiresAt: time(sessions.expiresAt_ms(session)), current: hash === current },
    }
  }
  return {
    own: api.sessions.own.handler(async ({ context }) => {
      const own = await register.own(context.account.id, sessions.alive())
      return { items: own.map((one) => view(one, context.caller.session)) }
    }),
    endOwn: api.sessions.endOwn.handler(async ({ input, context }) => {
      const found = await register.findOwn(context.account.id, input.id)
      if (!found) throw notFound('session')
      noteEnd(context.note, found)
      await endSession(found.hash)
      if (found.hash === context.caller.session) context.keepSession(null)
    }),
    endOthers: api.sessions.endOthers.handler(async ({ context }) => {
      context.note.subject = `user/${context.account.id}`
      await sessions.endOthers(context.account.id, context.caller.session)
    }),
    all: api.sessions.all.handler(async ({ input, context }) => {
      const { items, next } = await register.list(context.scope, input, sessions.alive())
      return { items: items.map((one) => view(one, context.caller.session)), next }
    }),
    endAny: api.sessions.endAny.handler(async ({ input, context }) => {
      const found = await register.findAny(context.scope, input.id)
      if (!found) throw notFound('session')
      noteEnd(context.note, found)
      await endSession(found.hash)
      const { accountId, address: what } = found
      if (accountId !== context.account.id)
        await tell(accountId, { kind: 'session.ended', what, by: nameOf(context.caller) })
    }),
  }
}
