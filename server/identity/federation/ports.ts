import type { SecondFactor } from '../duties.ts'
import type { AccountRecord } from '../ports.ts'

/** What an assertion or an id token says of somebody, by attribute name. */
export type Attributes = Readonly<Record<string, readonly string[]>>

/** One condition on an attribute's values: it holds when any of them fits. */
export interface Condition {
  readonly attribute: string
  /** `is`: equal; `starts-with`, `ends-with`: as said; `present`: has any value. Never a pattern: those can be made to run for ever. */
  readonly operator: 'is' | 'starts-with' | 'ends-with' | 'present'
  readonly value?: string
}

/** Who fits all conditions gets the role, or becomes a member of the group, or is kept out. */
export interface Rule {
  readonly when: readonly Condition[]
  readonly then:
    | { readonly give: 'role'; readonly role: string; readonly tenant?: string; readonly site?: string }
    | { readonly give: 'group'; readonly group: string }
    | { readonly give: 'nothing' }
}

export interface ProviderOptions {
  /** Sign-in that begins at the provider. */
  readonly allowUnsolicited: boolean
  /** Assertions that are not encrypted are refused. */
  readonly requireEncrypted: boolean
  /** Ask for a fresh sign-in each time. */
  readonly forceAuthn: boolean
  readonly nameIdFormat?: string
  /** Contexts of which one must have been used. */
  readonly authnContexts?: readonly string[]
  /** What each of its sign-ins proves at least, as people here declare; absent: what its answers say. */
  readonly secondFactor?: Exclude<SecondFactor, 'optional'>
  /** How far its clock may be off. */
  readonly skew_ms: number
  /** Where the account's subject, name, display name and e-mail address come from; absent: the NameID (or `sub`), and usual names. */
  readonly subjectAttribute?: string
  readonly nameAttribute?: string
  readonly displayNameAttribute?: string
  readonly emailAttribute?: string
  /** OpenID Connect: what is asked for beside `openid`; absent: e-mail address and profile. */
  readonly scopes?: readonly string[]
  /** OpenID Connect: ask for claims that are not in the id token. */
  readonly userInfo?: boolean
  /** OpenID Connect: whether logout tokens must say that they are such (`logout+jwt`), or may say nothing. */
  readonly logoutTokenType: 'required' | 'any'
  /** SCIM: which of a user's names the provider says at sign-in; absent: `userName`. */
  readonly scimSubject?: 'userName' | 'externalId'
}

export interface ProviderRecord {
  readonly id: string
  readonly name: string
  readonly displayName: string
  /** Whose people it signs in, and where alone it can give rights; null: the installation's. */
  readonly tenantId: string | null
  readonly tenantName: string | null
  readonly protocol: 'saml' | 'oidc'
  readonly state: 'open' | 'closed'
  /** operator, metadata-expired, no-signing-key, weak-key */
  readonly closedReason: string | null
  /** SAML entity id, or OIDC issuer. */
  readonly issuer: string
  readonly emailDomains: readonly string[]
  readonly rules: readonly Rule[]
  readonly options: ProviderOptions
  /** SAML metadata in force. */
  readonly metadata: string | null
  readonly metadataUrl: string | null
  readonly metadataFetchedAt_ms: number | null
  readonly metadataValidUntil_ms: number | null
  /** Fetched since, with other keys: waits for a person. */
  readonly metadataPending: string | null
  readonly metadataProblem: string | null
  readonly clientId: string | null
  /** Sealed by the key service. */
  readonly clientSecret: Buffer | null
  readonly revision: number
}

/** How sign-in finds providers; it sees all of them. Those who administer them go through the store's other methods, in their scope. */
export interface ProviderDirectory {
  byId(id: string): Promise<ProviderRecord | undefined>
  byName(name: string): Promise<ProviderRecord | undefined>
  byIssuer(issuer: string): Promise<ProviderRecord | undefined>
  /** Open ones for an e-mail domain, or a tenant's name. */
  offered(by: { readonly domain: string } | { readonly tenant: string }): Promise<ProviderRecord[]>
  /** Every one, open or not. */
  all(): Promise<ProviderRecord[]>
  /** Open ones of the installation. */
  ofOperators(): Promise<ProviderRecord[]>
}

/** A request that was sent to a provider and is not answered yet. */
export interface SignInRequest {
  /** The AuthnRequest's ID; the state of OIDC. */
  readonly id: string
  readonly providerId: string
  /** SHA-256 of the cookie that binds it to one browser. */
  readonly browserHash: string
  readonly purpose: 'sign-in' | 'step-up' | 'test' | 'proxy'
  /** A same-origin path. */
  readonly returnTo: string
  readonly accountId: string | null
  readonly memory: Readonly<Record<string, unknown>>
  readonly expiresAt_ms: number
}

export interface SignInRequestStore {
  insert(request: SignInRequest): Promise<void>
  /** Looks without taking, to find the provider. */
  find(id: string, now_ms: number): Promise<SignInRequest | undefined>
  /** Takes it away in one statement: of two answers at once only one gets it. */
  consume(id: string, providerId: string, now_ms: number): Promise<SignInRequest | undefined>
  /** Remembers a message in one statement; false when it was seen before. */
  firstTime(
    kind: 'assertion' | 'logout' | 'authn-request',
    senderId: string,
    messageId: string,
    expiresAt_ms: number,
  ): Promise<boolean>
  prune(now_ms: number): Promise<number>
}

/** Who somebody is, as a provider says. */
export interface Vouched {
  readonly provider: ProviderRecord
  readonly subject: string
  readonly name: string
  readonly displayName: string
  readonly email: string | null
  readonly attributes: Attributes
}

/** What the rules make of somebody: each grant with the rule that gives it. */
export interface Granted {
  readonly roles: readonly {
    readonly role: string
    readonly tenantId: string | null
    readonly siteId: string | null
    readonly rule: number
  }[]
  readonly groups: readonly { readonly group: string; readonly rule: number }[]
  /** The rule that keeps them out, or null. */
  readonly keptOut: number | null
  /** Rules that could not give what they say: such as a role everywhere from a tenant's provider. */
  readonly ignored: readonly { readonly rule: number; readonly because: string }[]
}

/** What the rules of a provider may speak of: what of the names in them is there. */
export interface RuleGround {
  /** The provider's tenant; null: it is the installation's. */
  readonly tenantId: string | null
  readonly tenants: readonly { readonly id: string; readonly name: string }[]
  readonly sites: readonly { readonly id: string; readonly name: string }[]
  /** Roles that were made, beside those in code; `tenantId`: the tenant that made it, and where alone it counts. */
  readonly roles: readonly { readonly name: string; readonly tenantId: string | null }[]
  /** Groups of the provider's tenant; `outside`: it holds a role somewhere else than in that tenant. */
  readonly groups: readonly { readonly name: string; readonly outside: boolean }[]
}

export interface FederatedAccounts {
  /** What of the names in a provider's rules is there. */
  ground(provider: Pick<ProviderRecord, 'id' | 'tenantId'>, rules: readonly Rule[]): Promise<RuleGround>
  /**
   * Makes or renews the account (just in time) with the roles and groups of now, in one transaction. Its provider's earlier
   * grants go. Nobody is made whom `granted` gives nothing; an account that is disabled is left as it is. Undefined: there is
   * no such account.
   */
  vouch(vouched: Vouched, granted: Granted): Promise<AccountRecord | undefined>
  /** The provider keeps somebody out: what it gave them before is gone. */
  withdraw(providerId: string, subject: string): Promise<void>
}

/** What a SAML provider knows a session by. */
export interface SamlSession {
  readonly sessionHash: string
  readonly providerId: string
  readonly nameId: {
    readonly value: string
    readonly format: string
    readonly nameQualifier: string
    readonly spNameQualifier: string
  }
  readonly sessionIndex: string
  readonly authnContext: string
  readonly authnInstant_ms: number
  /** Providers behind it that had a part in the sign-in. */
  readonly authorities: readonly string[]
  /** To how many further providers the sign-in may be passed on; null: any number. */
  readonly proxyCount: number | null
}

export interface SamlSessionStore {
  insert(session: SamlSession): Promise<void>
  ofSession(sessionHash: string): Promise<SamlSession | undefined>
  /** By provider, name with format and qualifiers, and index; without indices all sessions of the name. */
  find(providerId: string, nameId: SamlSession['nameId'], indices: readonly string[]): Promise<SamlSession[]>
}
