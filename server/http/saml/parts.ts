import type { Attempts } from '#server/identity/federation/attempts.ts'
import type { ConsoleSignIn } from '#server/identity/federation/console-sign-in.ts'
import type { SignInLedger } from '#server/identity/federation/ledger.ts'
import type { ProviderDirectory } from '#server/identity/federation/ports.ts'
import type { SamlSignIn } from '#server/identity/federation/saml-sign-in.ts'
import type { TestSignIns } from '#server/identity/federation/test-sign-ins.ts'
import type { OwnSp, SamlSigner } from '#server/identity/saml/provider.ts'
import type { Sessions } from '#server/identity/sessions.ts'

/** What the SAML side needs of the key service. */
export interface SamlKeys {
  signer(purpose: 'saml-signing'): Promise<SamlSigner>
  certificates(purpose: 'saml-signing' | 'saml-encryption'): Promise<{ active: string; others: readonly string[] }>
}

/** What sends browsers to providers needs, whichever protocol they speak. */
export interface LoginParts {
  readonly signIn: Pick<SamlSignIn, 'begin'>
  readonly providers: Pick<ProviderDirectory, 'byId' | 'byName'>
  readonly sessions: Sessions
  readonly tests: TestSignIns
  readonly consoles: Pick<ConsoleSignIn, 'wish'>
  /** Requests begun and not answered, by address. */
  readonly begins: Attempts
}

export interface SamlRoutesParts extends LoginParts {
  readonly own: OwnSp
  readonly keys: SamlKeys
  readonly signIn: SamlSignIn
  readonly ledger: SignInLedger
  /** Answers refused, by address. */
  readonly answers: Attempts
}
