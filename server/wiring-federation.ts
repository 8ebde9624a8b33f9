import { providerAttention } from './api/attention.ts'
import { identityProviderHandlers } from './api/identity-providers.ts'
import { providerGrants } from './api/provider-grants.ts'
import { signInProviderHandlers } from './api/sign-in-providers.ts'
import type { Config } from './config.ts'
import type { Routes } from './http/app.ts'
import type { Event } from './http/events.ts'
import { counter } from './http/rates.ts'
import { arrivalRoutes } from './http/saml/arrival.ts'
import { samlRoutes } from './http/saml/index.ts'
import { scimRoutes } from './http/scim.ts'
import { admission } from './identity/federation/admission.ts'
import { arrivals } from './identity/federation/arrivals.ts'
import { attemptsByAddress } from './identity/federation/attempts.ts'
import { consoleDescriptions } from './identity/federation/console-descriptions.ts'
import { providerDescriptions } from './identity/federation/descriptions.ts'
import { fetchMetadata } from './identity/federation/fetch-metadata.ts'
import { signInLedger } from './identity/federation/ledger.ts'
import { metadataWatch } from './identity/federation/metadata-watch.ts'
import { samlSignIn } from './identity/federation/saml-sign-in.ts'
import { testSignIns } from './identity/federation/test-sign-ins.ts'
import type { LimitWatch } from './identity/limits.ts'
import type { AuditSink, DecisionSink } from './identity/ports.ts'
import type { OwnIdp, OwnSp } from './identity/saml/provider.ts'
import type { Sessions } from './identity/sessions.ts'
import { arrivalStore, endedSessions } from './inventory/arrivals.ts'
import { bindingStore } from './inventory/bindings.ts'
import { consoleSessionStore } from './inventory/console-sessions.ts'
import { consoleDirectory } from './inventory/consoles.ts'
import { type Database, EVERYTHING } from './inventory/database.ts'
import { federatedAccounts } from './inventory/federation.ts'
import { providerAdministration } from './inventory/providers.ts'
import { roleStore } from './inventory/roles.ts'
import { scimStore } from './inventory/scim.ts'
import { providerDirectory, samlSessionStore, signInRequestStore } from './inventory/sign-in-requests.ts'
import type { KeyService } from './keys/ports.ts'
import { outbound } from './outbound/guard.ts'
import { openConsoles } from './wiring-consoles.ts'
import { openLogout } from './wiring-logout.ts'
import { openOidc } from './wiring-oidc.ts'

/** What identity providers know us by. */
export const ownSpOf = (origin: string): OwnSp => ({
  entityId: `${origin}/saml/metadata`,
  acsUrl: `${origin}/saml/acs`,
  sloUrl: `${origin}/saml/slo`,
  sloSoapUrl: `${origin}/saml/slo/soap`,
})

/** What consoles know us by. */
export const ownIdpOf = (origin: string): OwnIdp => ({
  entityId: `${origin}/saml/idp/metadata`,
  ssoUrl: `${origin}/saml/idp/sso`,
  sloUrl: `${origin}/saml/idp/slo`,
  sloSoapUrl: `${origin}/saml/idp/slo/soap`,
})

/** Of metadata that are fetched. */
const FETCH_LIMITS = { bytes: 2 * 1024 * 1024, time_ms: 10_000 }

export interface FederationParts {
  readonly config: Pick<Config, 'http' | 'session' | 'signIn' | 'metadata' | 'outbound' | 'rates'>
  readonly database: Database
  readonly audit: AuditSink
  readonly limits: LimitWatch
  readonly decisions: DecisionSink
  readonly sessions: Sessions
  readonly keys: Pick<KeyService, 'signer' | 'certificates' | 'privateKeys' | 'seal' | 'open'>
  readonly publish: (event: Event) => void
}

/** Joins what signs people in through identity providers. */
export function openFederation({
  config,
  database,
  audit,
  limits,
  decisions,
  sessions,
  keys,
  publish,
}: FederationParts) {
  const own = ownSpOf(config.http.origin)
  const { rsaBits } = config.metadata
  const { secondFactor } = config.session
  const { perAddressFederated: perAddress, window_ms } = config.signIn
  const attempts = (name: string) => attemptsByAddress({ name, perAddress, window_ms }, limits)
  const providers = providerDirectory(database)
  const requests = signInRequestStore(database)
  const samlSessions = samlSessionStore(database)
  const accounts = federatedAccounts(database)
  const admit = admission(accounts)
  const ledger = signInLedger(audit)
  const tests = testSignIns()
  const descriptions = providerDescriptions(rsaBits)
  const begins = attempts('providers.begins')
  const answers = attempts('providers.answers')
  const consoleSessions = consoleSessionStore(database)
  const [atTheDoor, ended] = [arrivalStore(database), endedSessions(database)]
  const saml = samlSignIn({
    ...{ own, providers, requests, samlSessions, admission: admit, sessions, tests, ledger, descriptions },
    ...{ consoleSessions, secondFactor, arrivals: atTheDoor, ended },
    signer: () => keys.signer('saml-signing'),
    decrypter: { privateKeys: () => keys.privateKeys('saml-encryption') },
  })
  const consoles = consoleDirectory(database)
  const consolesDescribed = consoleDescriptions(rsaBits)
  const downstream = openConsoles({
    ...{
      config,
      database,
      own: ownIdpOf(config.http.origin),
      keys,
      sessions,
      ledger,
      publish,
      attempts: attempts('consoles'),
    },
    ...{ directory: consoles, descriptions: consolesDescribed, consoleSessions, providers, requests, saml },
    samlSessions,
  })
  const oidc = openOidc({
    ...{ config, database, providers, requests, admission: admit, sessions, tests, ledger, keys, begins, answers },
    ...{ consoles: downstream, consoleSessions, secondFactor, arrivals: atTheDoor },
    endSession: (hash) => single.logout.end(hash),
  })
  const single = openLogout({
    ...{
      config,
      database,
      own: { sp: own, idp: ownIdpOf(config.http.origin) },
      requests,
      sessions,
      keys,
      ledger,
      ended,
    },
    ...{ providers, descriptions, consoles, consoleDescriptions: consolesDescribed, attempts: attempts('logout') },
    endSessionUrl: oidc.logout.endSessionUrl,
  })
  const door = arrivals({ store: atTheDoor, providers, ledger, ways: { saml, oidc: oidc.signIn } })
  const routes: Routes[] = [
    arrivalRoutes({ arrivals: door, ledger, attempts: answers }),
    samlRoutes({
      ...{ own, keys, signIn: saml, providers, sessions, tests, ledger, begins, answers },
      consoles: downstream,
    }),
    downstream.routes,
    single.routes,
    oidc.routes,
    scimRoutes({
      ...{ store: scimStore(database), audit, decisions, origin: config.http.origin, strangers: attempts('scim') },
      ...{ rate: counter('token', config.rates.perToken, limits), endSession: single.logout.end },
    }),
  ]
  const signIn = signInProviderHandlers({ providers, arrivals: door, questions: attempts('providers.questions') })
  const guard = outbound(config.outbound)
  const { allowPrivate } = config.metadata
  const fetch = (url: string) => fetchMetadata(url, { ...FETCH_LIMITS, allowPrivate, outbound: guard })
  const administration = providerAdministration(database)
  const mayVouch = providerGrants({ accounts, bindings: bindingStore(database), roles: roleStore(database) })
  const identityProviders = identityProviderHandlers({
    mayVouch,
    ...{ store: administration, accounts, tests, keys, fetch, outbound: guard, publish, rsaBits },
    origin: config.http.origin,
  })
  const watch = metadataWatch({
    ...{ providers: providers.all, fetch, refresh_ms: config.metadata.refresh_ms, rsaBits, descriptions },
    async write(provider, patch, words) {
      await administration.update(EVERYTHING, provider.id, undefined, patch)
      if (words === '') return
      const { id, tenantId, name } = provider
      const outcome = patch.metadataProblem ? ('failed' as const) : ('done' as const)
      const line = { actor: 'weft', address: '', action: 'identityProviders.watch', outcome, changeId: null }
      await audit.record({ ...line, subject: `identity-provider/${id}`, tenantId, detail: `${name}: ${words}` })
      publish({ topic: 'provider', kind: 'updated', ref: id, tenantId })
    },
  })
  return {
    own,
    providers,
    requests,
    samlSessions,
    accounts,
    admission: admit,
    ledger,
    tests,
    descriptions,
    saml,
    oidc,
    begins,
    answers,
    routes,
    signIn,
    identityProviders,
    watch,
    attention: providerAttention(administration),
    consoles: downstream.handlers,
    logout: single.logout,
    onFollowed: consoleSessions.follow,
  }
}
export type Federation = ReturnType<typeof openFederation>
