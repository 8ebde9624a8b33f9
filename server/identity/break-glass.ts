import type { AccountRecord, AuditSink } from './ports.ts'

export const BREAK_GLASS_ACTION = 'session.break-glass'
/** An operator was made or let in again on the host. */
export const RECOVERY_ACTION = 'session.recover'

export interface BreakGlassParts {
  readonly audit: AuditSink
  readonly warn: (words: string) => void
  /** Tells operators who look at the console now. */
  readonly alert: (accountId: string) => void
}

/** Makes a sign-in loud that is meant for when every provider is down. Fails where it cannot be written down. */
export const announceBreakGlass =
  ({ audit, warn, alert }: BreakGlassParts) =>
  async ({ id, name, tenantId }: AccountRecord, method: string, address: string): Promise<void> => {
    const detail = `${name} signs in with a break-glass account, by ${method} from ${address}.`
    await audit.record({
      ...{ actor: name, actorId: id, address, action: BREAK_GLASS_ACTION, outcome: 'done' },
      ...{ subject: `user/${id}`, tenantId, changeId: null, detail },
    })
    warn(detail)
    alert(id)
  }
