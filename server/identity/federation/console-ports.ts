import type { RELEASABLE } from '#server/contract/consoles.ts'

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
