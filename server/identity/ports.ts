import type { Role } from '#server/contract/rights.ts'

/** A person who may sign in with a password kept here. */
export interface LocalAccount {
  readonly id: string
  readonly name: string
  readonly displayName: string
  readonly role: Role
  /** The tenant that a tenant role is confined to; null for operators and auditors. */
  readonly tenantId: string | null
  readonly tenantName: string | null
  /** Argon2id, in PHC notation. */
  readonly passwordHash: string
}

export interface NewAccount {
  readonly name: string
  readonly displayName: string
  readonly role: Role
  readonly tenantId: string | null
  readonly passwordHash: string
}

/** A list procedure's query, as the contract's `ListQuery` parses it. */
export interface AccountQuery {
  readonly filter?: string | string[] | undefined
  readonly sort?: string | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface AccountStore {
  byName(name: string): Promise<LocalAccount | undefined>
  byId(id: string): Promise<LocalAccount | undefined>
  list(query: AccountQuery): Promise<{ items: LocalAccount[]; next: string | null }>
  count(): Promise<number>
  /** Throws `Refusal` (`conflict`, pointer `/name`) when the name is taken; (`rule`, pointer `/tenantId`) when there is no such tenant. */
  create(account: NewAccount): Promise<LocalAccount>
  setPassword(id: string, passwordHash: string): Promise<void>
  /** Removes the account with its sessions; false when there is none. */
  remove(id: string): Promise<boolean>
}

/** A signed-in browser or command line. Its id is known to the client alone; only the hash is kept. */
export interface StoredSession {
  /** SHA-256 of the session id, 64 hexadecimal digits. */
  readonly hash: string
  readonly accountId: string
  readonly createdAt_ms: number
  /** When it was last used, to the minute. */
  readonly seenAt_ms: number
  readonly address: string
  readonly agent: string
}

export interface SessionStore {
  insert(session: StoredSession): Promise<void>
  /** The session with the account as it is now; undefined when either is gone. */
  find(hash: string): Promise<{ session: StoredSession; account: LocalAccount } | undefined>
  touch(hash: string, at_ms: number): Promise<void>
  remove(hash: string): Promise<void>
  /** Ends the sessions of an account, all but `except`. */
  removeOfAccount(accountId: string, except?: string): Promise<void>
  /** Removes those not used since, or begun before; answers how many. */
  prune(unusedSince_ms: number, begunBefore_ms: number): Promise<number>
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
