/** A provider that pushes users and groups. */
export interface ScimClient {
  readonly providerId: string
  readonly name: string
  /** Where alone its users and groups are; null: the installation's. */
  readonly tenantId: string | null
  /** Which of a user's names the provider says at sign-in. */
  readonly subject: 'userName' | 'externalId'
  /** An operator closed the provider: nothing is taken from it. */
  readonly closed: boolean
}

export interface ScimUser {
  /** The account's. */
  readonly id: string
  readonly userName: string
  readonly externalId: string | null
  readonly displayName: string
  readonly email: string | null
  readonly active: boolean
  /** Those that the provider keeps. */
  readonly groups: readonly { readonly id: string; readonly name: string }[]
  readonly createdAt: Date
}

/** What a provider says of a user. `active` that is not said stays as it is. */
export interface ScimUserWrite extends Pick<ScimUser, 'userName' | 'externalId' | 'displayName' | 'email'> {
  readonly active: boolean | undefined
}

export interface ScimGroup {
  readonly id: string
  readonly displayName: string
  readonly externalId: string | null
  readonly members: readonly { readonly id: string; readonly name: string }[]
  readonly createdAt: Date
}

export interface ScimGroupWrite extends Pick<ScimGroup, 'displayName' | 'externalId'> {
  /** Account ids. */
  readonly members: readonly string[]
}

/** One comparison of a filter (RFC 7644, 3.4.2.2). */
export interface ScimTest {
  /** In lower case, such as `username` or `emails.value`. */
  readonly attribute: string
  readonly operator: 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'pr'
  readonly value: string | boolean | undefined
}

export interface ScimQuery {
  /** Any of these, of which all tests hold; none: everything. */
  readonly any: readonly (readonly ScimTest[])[]
  readonly offset: number
  readonly limit: number
}

export interface ScimFound<T> {
  readonly items: readonly T[]
  readonly total: number
}

export interface ScimShelf<T, Write> {
  /** Throws `Refusal` (`rule`) for an attribute that cannot be asked for. */
  list(query: ScimQuery): Promise<ScimFound<T>>
  get(id: string): Promise<T | undefined>
  /** Throws `Refusal`: `conflict` for a name that is taken, `rule` for what cannot be. */
  create(write: Write): Promise<T>
  replace(id: string, write: Write): Promise<T | undefined>
  /** False: there is no such one. */
  remove(id: string): Promise<boolean>
}

/** What one provider keeps here, and nothing else. */
export interface ScimDirectory {
  readonly users: ScimShelf<ScimUser, ScimUserWrite>
  readonly groups: ScimShelf<ScimGroup, ScimGroupWrite>
  /** Hashes of sessions of those who are disabled: nobody can use them any more; to be ended once that is written for good. */
  readonly ended: readonly string[]
}

export interface ScimStore {
  /** Whose token has this SHA-256 hash; notes that it was used. */
  client(hash: string): Promise<ScimClient | undefined>
  /** Runs `work` in one transaction, in the provider's scope. Writes of one provider take turns. */
  within<T>(client: ScimClient, mode: 'read' | 'write', work: (directory: ScimDirectory) => Promise<T>): Promise<T>
}
