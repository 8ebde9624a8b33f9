import type { AccountRecord } from '../ports.ts'
import type { Said } from './admission.ts'
import type { ProviderRecord, SamlSession, SignInRequest } from './ports.ts'
import type { Authentication } from './strength.ts'
import type { RequestMemory } from './wish.ts'

/** What a provider proved of somebody, as their session needs it. `K`: what the provider knows the session by. */
export interface Proved<K> {
  readonly said: Said
  readonly memory: Partial<RequestMemory>
  readonly returnTo: string
  /** When they proved it, as the provider says; for how long it is good. */
  readonly proof: { readonly authenticatedAt_ms: number; readonly endsAt_ms: number | null }
  /** How they proved it. */
  readonly authentication: Authentication
  readonly known: K
}

/** Somebody for whom a provider vouched, in an answer that holds and is used up. */
export interface Arrival<K> extends Proved<K> {
  readonly provider: ProviderRecord
  /** The request that it answers; undefined: it began at the provider. */
  readonly request: SignInRequest | undefined
  /** For the audit log. */
  readonly words: string
}

/** Somebody at the door: a provider vouched for them, and they have not said yet that they want to come in. */
export interface KeptArrival {
  /** SHA-256 of 256 random bits, which the page alone has. */
  readonly hash: string
  readonly providerId: string
  readonly account: Pick<AccountRecord, 'id' | 'name' | 'displayName' | 'tenantId'>
  /** SHA-256 of the cookie that binds it to one browser. */
  readonly browserHash: string
  readonly proved: Proved<unknown>
  /** It answers no request of ours. */
  readonly unsolicited: boolean
  readonly expiresAt_ms: number
}

export interface ArrivalStore {
  insert(arrival: KeptArrival): Promise<void>
  find(hash: string, now_ms: number): Promise<KeptArrival | undefined>
  /** Takes it away in one statement: of two answers at once only one gets it. */
  take(hash: string, now_ms: number): Promise<boolean>
  /** The provider ended sessions of a person, or one of them: nobody comes in by those any more. Answers how many waited. */
  forget(providerId: string, by: { readonly subject?: string; readonly sid?: string }): Promise<number>
}

/** Sessions that a SAML provider ended, while an assertion of theirs could still come (core 3.7.3.2). */
export interface EndedSessions {
  /** Without indices: all of the name that began until then. */
  end(
    providerId: string,
    nameKey: string,
    indices: readonly string[],
    at_ms: number,
    expiresAt_ms: number,
  ): Promise<void>
  hasEnded(
    providerId: string,
    nameKey: string,
    session: Pick<SamlSession, 'sessionIndex' | 'authnInstant_ms'>,
    now_ms: number,
  ): Promise<boolean>
}
