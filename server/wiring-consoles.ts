import { consoleHandlers } from './api/consoles.ts'
import type { Config } from './config.ts'
import type { Event } from './http/events.ts'
import { consoleRoutes } from './http/saml/console.ts'
import type { SamlKeys } from './http/saml/parts.ts'
import type { Attempts } from './identity/federation/attempts.ts'
import type { ConsoleDescriptions } from './identity/federation/console-descriptions.ts'
import type { ConsoleDirectory, ConsoleSessionStore } from './identity/federation/console-ports.ts'
import { consoleSignIn } from './identity/federation/console-sign-in.ts'
import type { SignInLedger } from './identity/federation/ledger.ts'
import type { ProviderDirectory, SamlSessionStore, SignInRequestStore } from './identity/federation/ports.ts'
import type { SamlSignIn } from './identity/federation/saml-sign-in.ts'
import type { OwnIdp } from './identity/saml/provider.ts'
import type { Sessions } from './identity/sessions.ts'
import { consoleRequestStore } from './inventory/console-sessions.ts'
import { consoleAdministration } from './inventory/consoles.ts'
import type { Database } from './inventory/database.ts'

export interface ConsolesParts {
  readonly config: Pick<Config, 'http' | 'metadata'>
  readonly database: Database
  readonly own: OwnIdp
  readonly keys: SamlKeys
  readonly directory: ConsoleDirectory
  readonly descriptions: ConsoleDescriptions
  readonly consoleSessions: ConsoleSessionStore
  readonly providers: ProviderDirectory
  readonly requests: SignInRequestStore
  readonly samlSessions: SamlSessionStore
  readonly saml: Pick<SamlSignIn, 'begin'>
  readonly sessions: Sessions
  readonly ledger: SignInLedger
  readonly attempts: Attempts
  readonly publish: (event: Event) => void
}

/** Joins what signs people in to the consoles of VNFs. */
export function openConsoles(parts: ConsolesParts) {
  const { config, database, own, keys, directory, consoleSessions, sessions, ledger, attempts, publish } = parts
  const { descriptions, providers, requests, samlSessions, saml } = parts
  const signIn = consoleSignIn({
    ...{ own, descriptions, requests, providers, samlSessions, saml, ledger, consoles: directory },
    ...{ sessions: consoleSessions, waiting: consoleRequestStore(database) },
    signer: () => keys.signer('saml-signing'),
    secure: config.http.origin.startsWith('https:'),
  })
  return {
    wish: signIn.wish,
    routes: consoleRoutes({ own, keys, consoles: signIn, sessions, ledger, attempts }),
    handlers: consoleHandlers({
      ...{
        store: consoleAdministration(database),
        directory,
        sessions: consoleSessions,
        publish,
        rsaBits: config.metadata.rsaBits,
      },
    }),
  }
}
