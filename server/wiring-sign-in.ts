import { breakGlassAttention } from './api/break-glass-attention.ts'
import { credentialHandlers } from './api/credentials.ts'
import { sessionListHandlers } from './api/sessions.ts'
import type { Config } from './config.ts'
import type { Event } from './http/events.ts'
import { cachedSessions } from './identity/access-cache.ts'
import { announceBreakGlass } from './identity/break-glass.ts'
import { factorRules } from './identity/credentials/held.ts'
import { passkeys as openPasskeys } from './identity/credentials/passkeys.ts'
import { relyingParties } from './identity/credentials/relying-party.ts'
import { totp as openTotp } from './identity/credentials/totp.ts'
import { attemptsByAddress } from './identity/federation/attempts.ts'
import type { LimitWatch } from './identity/limits.ts'
import type { PasswordCheck } from './identity/password-check.ts'
import type { AccountStore, AuditSink } from './identity/ports.ts'
import { sessionKeeper } from './identity/sessions.ts'
import { localSignIn } from './identity/sign-in.ts'
import { recentAlerts } from './inventory/alerts.ts'
import { passkeyStore, totpStore } from './inventory/credentials.ts'
import type { Database } from './inventory/database.ts'
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
}

/** Joins sessions, and what signs people in whose accounts are kept here. */
export function openSignIn(parts: SignInParts) {
  const { config, database, accounts, audit, limits, keys, checkPassword, publish, warn } = parts
  const { moves } = database
  const clock = systemClock
  const store = cachedSessions(sessionStore(database), { moves, clock })
  const sessions = sessionKeeper(store, config.session, clock, moves)
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
  })
  return {
    ...{ sessions, signIn, passkeys },
    attention: breakGlassAttention((since_ms) => recentAlerts(database, since_ms)),
    handlers: {
      sessions: sessionListHandlers({ register: sessionRegister(database), sessions }),
      credentials: credentialHandlers({ totp, passkeys, factors, sessions, challenges }),
    },
  }
}
