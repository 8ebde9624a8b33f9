import type { Right } from '#server/contract/rights.ts'

/** Where a request must come from, and when, for a role to count in it. */
export interface Conditions {
  /** Prefixes; none: from everywhere. */
  readonly from: readonly string[]
  /** Such as `Mon-Fri 07:00-19:00 Europe/Berlin`; null: at all times. */
  readonly hours: string | null
}

/** A role that an account holds, by itself or through a group, and where. */
export interface Binding extends Conditions {
  readonly id: string
  /** The role's name: one of those in code, or one that was made. */
  readonly role: string
  readonly rights: readonly Right[]
  /** Where it counts: one tenant, one site, or (both null) everywhere. */
  readonly tenantId: string | null
  readonly tenantName: string | null
  readonly siteId: string | null
  readonly siteName: string | null
  /** The group that it comes through. */
  readonly groupName: string | null
  /** Who gave it: people here, its provider's attributes at the last sign-in, or SCIM. */
  readonly source: 'local' | 'provider' | 'scim'
}

/** Where a request comes from, and what sends it. */
export interface Whence {
  readonly address: string
  /** What its program calls itself. */
  readonly agent: string
}

/** A person who may sign in. */
export interface AccountRecord {
  readonly id: string
  readonly name: string
  readonly displayName: string
  readonly email: string | null
  /** Whose account it is; null: the installation's. What it may do is said by its bindings. */
  readonly tenantId: string | null
  readonly tenantName: string | null
  /** Null: it signs in with what is kept here. */
  readonly providerId: string | null
  readonly providerName: string | null
  /** Argon2id, in PHC notation; null where it has no password. */
  readonly passwordHash: string | null
  /** When a password ends that was made for its person; null: its person chose it. */
  readonly passwordEndsAt_ms: number | null
  readonly state: 'active' | 'disabled'
  /** For when every provider is down: its sign-ins are loud. */
  readonly breakGlass: boolean
  readonly signedInAt_ms: number | null
  /** When somebody last tried in vain to prove that they are this person. */
  readonly failedAt_ms: number | null
  readonly revision: number
  readonly bindings: readonly Binding[]
}

/** A new account that is kept here, with its first role. */
export interface NewAccount {
  readonly name: string
  readonly displayName: string
  /** The role's name; a tenant role counts inside `tenantId`. */
  readonly role: string
  readonly tenantId: string | null
  readonly passwordHash: string
  /** When that ends, unless its person has changed it; absent: never. */
  readonly passwordEndsAt_ms?: number | null
  readonly breakGlass?: boolean
}

/** A list procedure's query, as the contract's `ListQuery` parses it. */
export interface AccountQuery {
  readonly filter?: string | string[] | undefined
  readonly sort?: string | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface AccountStore {
  /** Among the accounts that are kept here. */
  byName(name: string): Promise<AccountRecord | undefined>
  byId(id: string): Promise<AccountRecord | undefined>
  list(scope: Whose, query: AccountQuery): Promise<{ items: AccountRecord[]; next: string | null }>
  /** Accounts that are kept here. */
  count(): Promise<number>
  /** Throws `Refusal` (`conflict`, pointer `/name`) when the name is taken; (`rule`, pointer `/tenantId`) when there is no such tenant. */
  create(scope: Whose, account: NewAccount): Promise<AccountRecord>
  /** `endsAt_ms`: of a password that was made for its person. */
  setPassword(id: string, passwordHash: string, endsAt_ms?: number | null): Promise<void>
  /** Notes that somebody tried in vain to be one of the accounts that are kept here; no such name is no fault. */
  noteFailure(name: string, at_ms: number): Promise<void>
  /** Throws `Refusal`: `not-found` outside of the scope, `revision-stale`, `rule` for the last operator. */
  update(scope: Whose, id: string, revision: number, patch: AccountPatch): Promise<AccountRecord>
  /** As the scope may see it; throws `Refusal` (`not-found`). */
  get(scope: Whose, id: string): Promise<AccountRecord>
  /** Removes the account with its sessions and tokens; false when there is none. Throws `Refusal` (`rule`) for the last operator. */
  remove(scope: Whose, id: string): Promise<boolean>
}

/** What can be changed of an account; what is absent stays. */
export interface AccountPatch {
  readonly displayName?: string | undefined
  readonly email?: string | null | undefined
  readonly state?: AccountRecord['state'] | undefined
  readonly breakGlass?: boolean | undefined
}

/** Whose rows are seen and written: one tenant's, one site's, or (both null) all. */
export interface Whose {
  readonly tenantId: string | null
  readonly siteId?: string | null
}

/** A signed-in browser or command line. Its id is known to the client alone; only the hash is kept. */
export interface StoredSession {
  /** SHA-256 of the session id, 64 hexadecimal digits. */
  readonly hash: string
  /** Its name in lists. */
  readonly id: string
  readonly accountId: string
  /** password, passkey, saml, oidc; a second factor after a plus: `password+totp`. */
  readonly method: string
  readonly providerId: string | null
  /** When its person last proved who they are. */
  readonly authenticatedAt_ms: number
  /** No longer than its provider said. */
  readonly endsAt_ms: number | null
  /** Where its person works; both null: the widest place that they may. */
  readonly tenantId: string | null
  readonly siteId: string | null
  readonly createdAt_ms: number
  /** When it was last used, to the minute, where from, and with what. */
  readonly seenAt_ms: number
  readonly address: string
  readonly agent: string
  /** Networks in which its person proved who they are, the last one first, and what they did it with. */
  readonly provedNetworks: readonly string[]
  readonly provedAgent: string
}

/** A session with the account as it is now. */
export interface FoundSession {
  readonly session: StoredSession
  readonly account: AccountRecord
}

/** That a session was used. */
export type SessionUse = Pick<StoredSession, 'seenAt_ms' | 'address' | 'agent'>
/** What a new proof changes of a session. */
export type SessionProof = SessionUse &
  Pick<StoredSession, 'hash' | 'method' | 'authenticatedAt_ms' | 'provedNetworks' | 'provedAgent'>

export interface SessionStore {
  insert(session: StoredSession): Promise<void>
  /** Undefined when the session or its account is gone. */
  find(hash: string): Promise<FoundSession | undefined>
  touch(hash: string, seen: SessionUse): Promise<void>
  /** Puts a session under the hash of another id, after its person proved anew who they are; false when it is gone. */
  renew(hash: string, next: SessionProof): Promise<boolean>
  /** Its person goes on somewhere else. */
  move(hash: string, place: Whose): Promise<void>
  remove(hash: string): Promise<void>
  /** Ends the sessions of an account, all but `except`. */
  removeOfAccount(accountId: string, except?: string): Promise<void>
  /** Removes those not used since, or begun before; answers how many. */
  prune(unusedSince_ms: number, begunBefore_ms: number): Promise<number>
}

/** A session in a list, with names. */
export interface ListedSession extends StoredSession {
  readonly failedAt_ms: number | null
  readonly accountName: string
  readonly tenantName: string | null
  readonly providerName: string | null
}

/** Sessions older than these have ended, though they may not be removed yet. */
export interface Lifetimes {
  readonly seenSince_ms: number
  readonly begunSince_ms: number
  readonly now_ms: number
}

/** Sessions as people see them. */
export interface SessionRegister {
  /** Newest use first. */
  own(accountId: string, alive: Lifetimes): Promise<ListedSession[]>
  list(scope: Whose, query: AccountQuery, alive: Lifetimes): Promise<{ items: ListedSession[]; next: string | null }>
  /** A session of the account, or of anybody within the scope; undefined when there is none of that id. */
  findOwn(accountId: string, id: string): Promise<ListedSession | undefined>
  findAny(scope: Whose, id: string): Promise<ListedSession | undefined>
}

/**
 * What was written of what sessions stand on: which sessions (by hash), accounts (by id), tokens (by hash), or anything; and of
 * which accounts somebody was told something.
 */
export type Moved =
  | { readonly kind: 'session' | 'account' | 'token' | 'notice'; readonly keys: readonly string[] }
  | { readonly kind: 'anything' }

/** Tells of every such write, whoever makes it; of our own before they are answered. */
export interface AccessMoves {
  /** False while some may be missed. */
  readonly attentive: boolean
  subscribe(told: (moved: Moved) => void): () => void
}

/** One line of the audit log. */
export interface AuditEntry {
  readonly actor: string
  readonly address: string
  /** `area.procedure` of the contract, such as `networks.create`. */
  readonly action: string
  readonly outcome: 'done' | 'refused' | 'failed'
  /** `kind/id` */
  readonly subject: string | null
  readonly tenantId: string | null
  readonly changeId: string | null
  readonly detail: string
  readonly actorId?: string | null
  /** Name of the identity provider that vouched for the actor. */
  readonly provider?: string | null
  /** Why it was refused, as a code. */
  readonly reason?: string | null
  /** The object as it was and as it is; secrets are left out. */
  readonly before?: unknown
  readonly after?: unknown
}

export interface AuditSink {
  record(entry: AuditEntry): Promise<void>
}

/** The answer to a POST that carried an `Idempotency-Key`. */
export interface StoredAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Keys of POST requests, kept for 24 h. `scope` is the account; `fingerprint` a SHA-256 of method, path and body in hexadecimal. */
export interface IdempotencyStore {
  /**
   * Claims a key in one statement. `new`: go on, then `finish` or `release`; `running`: another request with the key has not
   * ended; `other`: the key was used for another request; else the answer that was given.
   */
  claim(scope: string, key: string, fingerprint: string): Promise<'new' | 'running' | 'other' | StoredAnswer>
  finish(scope: string, key: string, answer: StoredAnswer): Promise<void>
  /** Forgets the claim: the request failed in a way that may pass when it is sent again. */
  release(scope: string, key: string): Promise<void>
  /** Removes keys claimed before; answers how many. */
  prune(before_ms: number): Promise<number>
}

/** A token by which a program acts for its owner. It is known to its user alone; only the hash is kept. */
export interface StoredToken {
  readonly id: string
  readonly name: string
  readonly rights: readonly Right[]
  /** Where it counts, and nowhere else; both null: everywhere. */
  readonly tenantId: string | null
  readonly tenantName: string | null
  readonly siteId: string | null
  readonly siteName: string | null
  readonly createdAt_ms: number
  readonly expiresAt_ms: number
  readonly usedAt_ms: number | null
  /** How its owner can sign in here, beside the password alone, as sessions have it. */
  readonly ownerMethods: readonly string[]
}

export interface TokenDirectory {
  /** The token with its owner as they are now; undefined when either is gone. */
  find(hash: string): Promise<{ token: StoredToken; account: AccountRecord } | undefined>
  touch(id: string, at_ms: number, address: string): Promise<void>
}

/** Why a call was let in, or was not. */
export interface Decision {
  /** Null: no account's, but a provider's that pushes people. */
  readonly accountId: string | null
  readonly account: string
  readonly tenantId: string | null
  readonly address: string
  readonly procedure: string
  readonly right: string
  readonly kind: 'read' | 'write'
  readonly allowed: boolean
  /** The binding or token that gave the right, or what was missing. */
  readonly because: string
}

export interface DecisionSink {
  /** Never waits, and never fails. */
  record(decision: Decision): void
}
