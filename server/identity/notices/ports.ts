import type { NoticeKind } from '#server/contract/notices.ts'
import type { AccountQuery } from '../ports.ts'

/** Something that a person is to be told of their own account. */
export interface NewNotice {
  readonly kind: NoticeKind
  /** Tells it apart from others of its kind: the same again, while it is unread, is counted. */
  readonly subject?: string
  /** What it happened to, as its person calls it. */
  readonly what?: string
  /** Who did so, where that was not their own session. */
  readonly by?: string | null
  /** Where it came from. */
  readonly addresses?: readonly string[]
  /** What was proved, or tried: `password`, `code` and so on. */
  readonly methods?: readonly string[]
}

export interface StoredNotice {
  readonly id: string
  readonly kind: NoticeKind
  readonly what: string
  readonly by: string | null
  readonly addresses: readonly string[]
  readonly methods: readonly string[]
  /** Of a reminder. */
  readonly endsAt: Date | null
  readonly times: number
  readonly firstAt: Date
  readonly lastAt: Date
  readonly state: 'unread' | 'read'
}

/** Failed tries to sign in as somebody: by name where that is all that is known. */
export interface GatheredTries {
  readonly whose: { readonly name: string } | { readonly id: string }
  readonly kind: 'sign-in.failed' | 'sign-in.half'
  readonly addresses: readonly string[]
  readonly methods: readonly string[]
  readonly times: number
  readonly first_ms: number
  readonly last_ms: number
}

export interface Place {
  /** What the browser calls itself, without versions. */
  readonly agent: string
  readonly network: string
}

export interface NoticeStore {
  add(accountId: string, notice: NewNotice): Promise<void>
  /** Of names that nobody has there is nothing to tell. */
  addTries(tries: readonly GatheredTries[]): Promise<void>
  /** Writes down where somebody signed in from; answers whether that is new, and when they had signed in before. */
  signedIn(accountId: string, place: Place, now_ms: number): Promise<{ isNew: boolean; before_ms: number | null }>
  /** Tells the owners of tokens that end within so many days, once for each number of days. */
  addEnding(days: readonly number[], now_ms: number): Promise<void>
  /** Newest first. */
  list(accountId: string, query: AccountQuery): Promise<{ items: StoredNotice[]; next: string | null }>
  /** Marks one, or all, that did not happen later; answers how many. */
  read(accountId: string, id: string | undefined, until: Date | undefined): Promise<number>
  /** Removes those that were read before; answers how many. */
  prune(readBefore_ms: number): Promise<number>
}

/** Tells a person of what happened to their account. Never fails: what happened has happened. */
export type Tell = (accountId: string, notice: NewNotice) => Promise<void>
