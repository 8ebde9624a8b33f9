import type { Config } from './config.ts'
import { logoutRoutes } from './http/saml/logout.ts'
import type { EndedSessions } from './identity/federation/arrival-ports.ts'
import type { Attempts } from './identity/federation/attempts.ts'
import type { SignInLedger } from './identity/federation/ledger.ts'
import { singleLogout } from './identity/federation/logout.ts'
import { logoutMessages } from './identity/federation/logout-messages.ts'
import { type PeerParts, peerDirectory } from './identity/federation/logout-peers.ts'
import { logoutReach } from './identity/federation/logout-reach.ts'
import { telling } from './identity/federation/logout-telling.ts'
import { logoutVisits } from './identity/federation/logout-visits.ts'
import type { SignInRequestStore } from './identity/federation/ports.ts'
import type { OwnIdp, OwnSp } from './identity/saml/provider.ts'
import type { Sessions } from './identity/sessions.ts'
import type { Database } from './inventory/database.ts'
import { logoutRunStore, logoutSessions } from './inventory/logout.ts'
import type { KeyService } from './keys/ports.ts'
import { outbound } from './outbound/guard.ts'

/** How long one participant may take to answer by SOAP. */
const PARTICIPANT_MS = 5_000

export interface LogoutWiring extends PeerParts {
  readonly config: Pick<Config, 'metadata' | 'outbound'>
  readonly database: Database
  readonly own: { readonly sp: OwnSp; readonly idp: OwnIdp }
  readonly requests: SignInRequestStore
  readonly ended: EndedSessions
  readonly sessions: Sessions
  readonly keys: Pick<KeyService, 'signer' | 'privateKeys' | 'seal' | 'open'>
  /** Where the browser ends a session of a provider by OpenID Connect. */
  readonly endSessionUrl: (sessionHash: string) => Promise<string | undefined>
  readonly ledger: SignInLedger
  readonly attempts: Attempts
}

/** Joins what tells everybody who takes part in a session that it ended. */
export function openLogout(parts: LogoutWiring) {
  const { config, database, own, requests, sessions, keys, ledger, ended, attempts, endSessionUrl } = parts
  const visits = logoutVisits({ endSessionUrl, seal: keys.seal, unseal: keys.open })
  const messages = logoutMessages({ own, signer: () => keys.signer('saml-signing') })
  const peers = peerDirectory(parts)
  const logout = singleLogout({
    ...{ peers, messages, ledger, ended, seen: requests, keeper: sessions, visits },
    sessions: logoutSessions(database, own.idp.entityId),
    runs: logoutRunStore(database),
    decrypter: { privateKeys: () => keys.privateKeys('saml-encryption') },
    telling: telling({
      ...{
        peers,
        messages,
        reach: logoutReach(PARTICIPANT_MS, outbound(config.outbound)),
        now_ms: Date.now,
        openVisit: visits.open,
      },
      // Who administers a tenant must not make this machine call others on the inside, unless that is allowed.
      allowPrivate: ({ tenantId }) => tenantId === null || config.metadata.allowPrivate,
    }),
  })
  return { logout, routes: logoutRoutes({ logout, sessions, ledger, attempts }) }
}
