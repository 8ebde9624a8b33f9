/** What an OpenID Connect provider knows a session by. */
export interface OidcSession {
  readonly sessionHash: string
  readonly providerId: string
  readonly subject: string
  /** The provider's name for its own session; null where it gave none. */
  readonly sid: string | null
  /** Sealed by the key service, under `oidc-session/<provider id>`: a session's hash is not for good. */
  readonly idToken: Buffer
}

export interface OidcSessionStore {
  insert(session: OidcSession): Promise<void>
  ofSession(sessionHash: string): Promise<OidcSession | undefined>
  /** All of a person at a provider, all of a provider's session, or, with both, those that fit both. */
  find(providerId: string, by: { readonly subject?: string; readonly sid?: string }): Promise<OidcSession[]>
}

/** Asks a provider, within bounds: `FetchRefused` where it gives no answer. */
export type AskProvider = (
  url: string,
  options: {
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: unknown
  },
) => Promise<Response>

/** What the browser side of the protocol knows us by. */
export interface OwnClient {
  readonly callbackUrl: string
  /** Where a provider sends the browser on to after it has signed somebody out. */
  readonly signedOutUrl: string
}
