import type { RELEASABLE } from '#server/contract/consoles.ts'
import type { RequestedAuthnContext } from '../saml/authn-context.ts'
import type { NameId } from '../saml/provider.ts'

/** An attribute that a console may be told. */
export type Released = (typeof RELEASABLE)[number]

/** The console of a VNF: a SAML service provider that Weft signs people in to. */
export interface ConsoleRecord {
  readonly id: string
  readonly name: string
  readonly displayName: string
  /** Whose people may use it; null: everybody's. */
  readonly tenantId: string | null
  readonly tenantName: string | null
  readonly state: 'open' | 'closed'
  readonly entityId: string
  /** SAML metadata in force: read by `consoleDescriptions`. */
  readonly metadata: string
  readonly homeUrl: string | null
  /** What it is told of people; nothing unless said. */
  readonly release: readonly Released[]
  /** Assertions for it are encrypted. */
  readonly encrypt: boolean
  readonly revision: number
}

/** How sign-in and logout find consoles: they see all of them. */
export interface ConsoleDirectory {
  byId(id: string): Promise<ConsoleRecord | undefined>
  byEntity(entityId: string): Promise<ConsoleRecord | undefined>
  /** Open ones, by display name. */
  open(): Promise<ConsoleRecord[]>
}

/** What a console asks, once it is proved that it asks. */
export interface Asked {
  /** The console's own id of its request; null: it began here, and answers none. */
  readonly id: string | null
  /** Of the console's metadata. */
  readonly acsUrl: string
  /** Comes back as it went. */
  readonly relayState: string | null
  readonly forceAuthn: boolean
  readonly isPassive: boolean
  readonly authnContext: RequestedAuthnContext | null
  readonly nameIdFormat: string | null
  readonly allowCreate: boolean
  /** How many further providers may be asked; null: any number. */
  readonly proxyCount: number | null
  /** Identity providers that are welcome; empty: all. */
  readonly idpList: readonly string[]
  /** Service providers behind the console. */
  readonly requesterIds: readonly string[]
  /** The one person who is wanted, by the console's name for them. */
  readonly subject: NameId | null
  readonly begun_ms: number
}

/** A sign-in that a console waits for. */
export interface ConsoleRequest {
  readonly id: string
  readonly consoleId: string
  readonly browserHash: string
  readonly asked: Asked
  /** How often its person was sent away to sign in … */
  readonly sent: number
  /** … and the session that they had the last time. */
  readonly sessionHash: string | null
  readonly expiresAt_ms: number
}

export interface ConsoleRequestStore {
  insert(request: Omit<ConsoleRequest, 'sent' | 'sessionHash'>): Promise<void>
  find(id: string, now_ms: number): Promise<ConsoleRequest | undefined>
  /** Its person is sent away to sign in. */
  send(id: string, sessionHash: string | null): Promise<void>
  /** Takes it away in one statement: it is answered once. */
  consume(id: string, now_ms: number): Promise<ConsoleRequest | undefined>
}

export interface ConsoleSession {
  readonly consoleId: string
  /** What the console knows the person by. */
  readonly nameId: string
  readonly sessionIndex: string
  readonly createdAt_ms: number
}

/** A group that somebody is in; `tenantId`: whose group it is, null: the installation's. */
export interface Membership {
  readonly name: string
  readonly tenantId: string | null
}

export interface ConsoleSessionStore {
  /** The console's name for somebody, if it has one. */
  nameOf(consoleId: string, accountId: string): Promise<string | undefined>
  /** The console's name for somebody; made by chance where there is none yet, and then for good. */
  giveName(consoleId: string, accountId: string): Promise<string>
  /** A session has signed in to a console: answers the index by which that is ended, the same each time. */
  remember(sessionHash: string, consoleId: string, nameId: string): Promise<string>
  ofSession(sessionHash: string): Promise<ConsoleSession[]>
  /** Another session of the same account takes the place of one that ends: what was signed in to is its own now. */
  follow(sessionHash: string, by: string): Promise<void>
  memberships(accountId: string): Promise<Membership[]>
}
