import { signalsOf } from './context/signals.ts'
import type { AuditSink } from './ports.ts'
import type { TakenSink } from './sessions.ts'

export const TAKEN_ACTION = 'session.taken'

/** Writes down that a session was ended since somebody else seems to have come by it. */
export const announceTaken =
  ({ audit, warn }: { readonly audit: AuditSink; readonly warn: (words: string) => void }): TakenSink =>
  async (found, from) => {
    const { id, name, tenantId, providerName } = found.account
    const why = signalsOf(found, from).map(({ words }) => words)
    const detail = `A session of ${name} was ended: ${why.join('; ')}.`
    await audit.record({
      ...{ actor: name, actorId: id, provider: providerName, address: from.address, action: TAKEN_ACTION },
      ...{ outcome: 'refused', reason: 'session.taken', subject: `user/${id}`, tenantId, changeId: null, detail },
    })
    warn(detail)
  }
