import type { Endpoint, NameId } from '../saml/provider.ts'
import type { Checked } from '../saml/result.ts'

/** On which side of us somebody stands: a provider signs people in to us, we sign people in to a console. */
export type Side = 'provider' | 'console'

/** Whom logout messages are exchanged with, as its metadata in force describes it. */
export interface Peer {
  readonly side: Side
  readonly id: string
  readonly name: string
  readonly displayName: string
  readonly tenantId: string | null
  readonly entityId: string
  /** PEM */
  readonly signingCertificates: readonly string[]
  readonly singleLogout: readonly Endpoint[]
  /** How far its clock may be off. */
  readonly skew_ms: number
}

export interface PeerDirectory {
  /** Whoever says that it is this one; refused where it is not known or its metadata are not in force. */
  byEntity(side: Side, entityId: string, now_ms: number): Promise<Checked<Peer>>
  byId(side: Side, id: string, now_ms: number): Promise<Checked<Peer>>
}

export interface EndingAccount {
  readonly id: string
  readonly name: string
  readonly tenantId: string | null
}

/** One participant of a session: what it calls the person and the session. */
export interface Known {
  readonly id: string
  readonly displayName: string
  readonly nameId: NameId
  /** Empty where it has none. */
  readonly sessionIndex: string
}

/** A session with everybody who takes part in it. */
export interface SessionParts {
  readonly hash: string
  readonly account: EndingAccount
  /** The SAML provider that it came from. */
  readonly provider: Known | undefined
  /** Or the one that speaks OpenID Connect. */
  readonly openId: Pick<Known, 'id' | 'displayName'> | undefined
  readonly consoles: readonly Known[]
}

/** How logout finds sessions. Names are found by their value: whether format and qualifiers fit is for who asks. */
export interface LogoutSessions {
  byHash(hash: string): Promise<SessionParts | undefined>
  ofProvider(providerId: string, name: string): Promise<SessionParts[]>
  ofConsole(consoleId: string, name: string): Promise<SessionParts[]>
}

/** `partly`: there, but not everywhere that it leads to. */
export type Outcome = 'waiting' | 'signed-out' | 'partly' | 'not-signed-out'

/** Somebody who is to be told that a person signed out. */
export interface Participant {
  readonly side: Side
  readonly id: string
  readonly displayName: string
  readonly nameId: NameId
  readonly sessionIndexes: readonly string[]
  readonly outcome: Outcome
  /** Why it is not signed out, as a code: for the audit log. */
  readonly reason: string | null
  /** Where the browser goes to, sealed: for a provider by OpenID Connect, which says no more than that it sends it back. */
  readonly visit?: string
}

/** Who began a logout: somebody here, or a peer, whose request is to be answered. */
export type Beginner =
  | { readonly kind: 'here' }
  | {
      readonly kind: 'peer'
      readonly side: Side
      readonly id: string
      readonly requestId: string
      readonly relayState: string | null
    }

/** A logout on its way through a browser, from one participant to the next. */
export interface LogoutRun {
  /** 160 bits of chance; goes along as RelayState. */
  readonly id: string
  /** SHA-256 of the cookie of the one browser that may go on with it; null: none has begun. */
  readonly browserHash: string | null
  readonly beganBy: Beginner
  /** Whose sessions ended; null where there were none. */
  readonly account: EndingAccount | null
  readonly participants: readonly Participant[]
  /** The request that is out: its ID and whom it went to. */
  readonly asked: { readonly requestId: string; readonly participant: number } | null
  readonly expiresAt_ms: number
}

export interface LogoutRunStore {
  insert(run: LogoutRun): Promise<void>
  find(id: string, now_ms: number): Promise<LogoutRun | undefined>
  /** The run whose open request has this ID. */
  findAsked(requestId: string, now_ms: number): Promise<LogoutRun | undefined>
  /** Gives it to a browser in one statement; false when it has one. */
  bind(id: string, browserHash: string): Promise<boolean>
  /** Takes the open request away in one statement: of two answers at once only one goes on. */
  claim(id: string, requestId: string): Promise<boolean>
  save(run: LogoutRun): Promise<void>
  /** Takes those away that are over. */
  takeExpired(now_ms: number): Promise<LogoutRun[]>
}
