import { breakGlassAttention } from './api/break-glass-attention.ts'
import { credentialHandlers } from './api/credentials.ts'
import { noticeHandlers } from './api/notices.ts'
import { sessionListHandlers } from './api/sessions.ts'
import type { Config } from './config.ts'
import type { Event } from './http/events.ts'
import { cachedSessions } from './identity/access-cache.ts'
import { announceBreakGlass } from './identity/break-glass.ts'
import { factorRules } from './identity/credentials/held.ts'
import { passkeys as openPasskeys } from './identity/credentials/passkeys.ts'
import { relyingParties } from './identity/credentials/relying-party.ts'
import { totp as openTotp } from './identity/credentials/totp.ts'
import { endedEach } from './identity/ending.ts'
import { attemptsByAddress } from './identity/federation/attempts.ts'
import type { LimitWatch } from './identity/limits.ts'
import { noticeDesk } from './identity/notices/notices.ts'
import type { PasswordCheck } from './identity/password-check.ts'
import type { AccountStore, AuditSink } from './identity/ports.ts'
import { sessionKeeper } from './identity/sessions.ts'
import { localSignIn } from './identity/sign-in.ts'
import { announceTaken } from './identity/taken-session.ts'
import { recentAlerts } from './inventory/alerts.ts'
import { passkeyStore, totpStore } from './inventory/credentials.ts'
import type { Database } from './inventory/database.ts'
import { noticeStore } from './inventory/notices.ts'
import { sessionRegister, sessionStore } from './inventory/sessions.ts'
import { systemClock } from './kernel/clock.ts'
import type { KeyService } from './keys/ports.ts'

export interface SignInParts {
  readonly config: Pick<Config, 'http' | 'instance' | 'product' | 'session' | 'signIn'>
  readonly database: Database
  readonly accounts: AccountStore
  readonly audit: AuditSink
  readonly limits: LimitWatch
  readonly keys: Pick<KeyService, 'seal' | 'open'>
  readonly checkPassword: PasswordCheck
  readonly publish: (event: Event) => void
  readonly warn: (words: string) => void
  /** Ends a session, and tells the consoles that it opened. */
  readonly endSession: (hash: string) => Promise<void>
}

/** Every connection hears of a write: so many words of it are one event. */
const GATHER_MS = 25

/** Tells consoles that their person was told something, whoever wrote it. */
function publishNotices({ moves }: Database, publish: SignInParts['publish']): void {
  const waiting = new Set<string>()
  const flush = () => {
    const accounts = [...waiting]
    waiting.clear()
    for (const accountId of accounts)
      publish({ topic: 'notice', kind: 'updated', ref: accountId, tenantId: null, accountId })
  }
  moves.subscribe((moved) => {
    if (moved.kind !== 'notice') return
    if (waiting.size === 0) setTimeout(flush, GATHER_MS).unref()
    for (const accountId of moved.keys) waiting.add(accountId)
  })
}

/** Joins sessions, and what signs people in whose accounts are kept here. */
export function openSignIn(parts: SignInParts) {
  const { config, database, accounts, audit, limits, keys, checkPassword, publish, warn, endSession } = parts
  const { moves } = database
  const clock = systemClock
  const store = cachedSessions(sessionStore(database), { moves, clock })
  const kept = noticeStore(database)
  const onFault = (error: Error) => warn(`Somebody could not be told of their account: ${error.message}`)
  const notices = noticeDesk({ store: kept, clock, onFault })
  publishNotices(database, publish)
  const register = sessionRegister(database)
  const keeper = notices.watching(sessionKeeper(store, config.session, clock, moves, announceTaken({ audit, warn })))
  const sessions = endedEach(keeper, register, endSession)
  const name = `${config.product.name} ${config.instance}`
  const { totpStepsApart: stepsApart } = config.signIn
  const { secondFactor } = config.session
  const totp = openTotp({ store: totpStore(database), keys, issuer: name, stepsApart, clock })
  const passkeys = openPasskeys({
    ...{ store: passkeyStore(database), relyingParties: relyingParties(config.http), name, clock, secondFactor },
  })
  const factors = factorRules(totp, passkeys, secondFactor)
  const announce = announceBreakGlass({
    ...{ audit, warn },
    alert: (ref) => publish({ topic: 'alert', kind: 'break-glass', ref, tenantId: null }),
  })
  const { local, perAddressFederated: perAddress, window_ms } = config.signIn
  const challenges = attemptsByAddress({ name: 'passkey.challenges', perAddress, window_ms }, limits)
  const signIn = localSignIn({
    ...{ accounts, sessions, limits: config.signIn, watch: limits, totp, passkeys, local, checkPassword, announce },
    secondFactor,
    notices,
  })
  return {
    ...{ sessions, signIn, passkeys, notices },
    attention: breakGlassAttention((since_ms) => recentAlerts(database, since_ms)),
    handlers: {
      sessions: sessionListHandlers({ register, sessions, endSession, tell: notices.tell }),
      notices: noticeHandlers(kept),
      credentials: credentialHandlers({ totp, passkeys, factors, sessions, challenges, tell: notices.tell }),
    },
  }
}
