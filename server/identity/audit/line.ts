import { createHash } from 'node:crypto'
import type { AuditEntry } from '../ports.ts'
import { pictureOf } from './picture.ts'

/** The chain of what belongs to no tenant. */
export const OPERATORS = 'operators'

/** What the first line of a chain follows. */
export const GENESIS: Buffer = Buffer.alloc(32)

/** Names the encoding below: another one gets another name. */
const ENCODING = 'weft-audit-1'

/** A line of the audit log as it is kept. */
export interface AuditLine {
  /** The id of its tenant, or `operators`. */
  readonly chain: string
  /** From 1, without gaps. */
  readonly sequence: number
  readonly at_ms: number
  readonly actor: string
  readonly actorId: string | null
  readonly provider: string | null
  readonly address: string
  readonly action: string
  readonly outcome: string
  readonly reason: string | null
  readonly subject: string | null
  readonly tenantId: string | null
  readonly changeId: string | null
  readonly detail: string
  /** JSON, octet by octet as it is stored. */
  readonly before: string | null
  readonly after: string | null
}

/** A line before it has its place in its chain. */
export type LooseLine = Omit<AuditLine, 'sequence'>

/** A line with the hash that ties it to the one before. */
export interface LinkedLine extends AuditLine {
  readonly hash: Buffer
}

/** Where a chain ends. */
export interface Head {
  readonly sequence: number
  readonly hash: Buffer
}

export const chainOf = (tenantId: string | null): string => tenantId ?? OPERATORS

/** Most characters of a field: what strangers send is part of them. */
const LENGTH = { name: 256, detail: 4096 }
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Text as the database can hold it: no U+0000, no half of a surrogate pair. */
const text = (value: string, length: number): string =>
  value.slice(0, length).toWellFormed().replaceAll('\u0000', '\ufffd')
const name = (value: string | null | undefined): string | null => (value ? text(value, LENGTH.name) : null)
const id = (value: string | null | undefined): string | null => (value && UUID.test(value) ? value.toLowerCase() : null)

/** Makes a line of an entry: bounded, without secrets, such that reading it back gives the same octets. */
export function lineOf(entry: AuditEntry, at_ms: number): LooseLine {
  const tenantId = id(entry.tenantId)
  return {
    ...{ chain: chainOf(tenantId), at_ms, actor: name(entry.actor) ?? '', actorId: id(entry.actorId) },
    ...{ provider: name(entry.provider), address: name(entry.address) ?? '', action: name(entry.action) ?? '' },
    ...{ outcome: entry.outcome, reason: name(entry.reason), subject: name(entry.subject), tenantId },
    ...{ changeId: id(entry.changeId), detail: text(entry.detail, LENGTH.detail) },
    ...{ before: pictureOf(entry.before), after: pictureOf(entry.after) },
  }
}

/**
 * The octets of a line that are hashed: a JSON array (as `JSON.stringify` writes it, in UTF-8) with the name of the
 * encoding and every field in this order; absent ones are null, `at` is milliseconds since 1970 UTC, `before` and `after`
 * are the stored JSON as text.
 */
export function encodeLine(line: AuditLine): string {
  return JSON.stringify([
    ...[ENCODING, line.chain, line.sequence, line.at_ms, line.actor, line.actorId, line.provider, line.address],
    ...[line.action, line.outcome, line.reason, line.subject, line.tenantId, line.changeId, line.detail],
    ...[line.before, line.after],
  ])
}

/** SHA-256 over the hash of the line before and the octets of this one. */
export const hashLine = (previous: Buffer, line: AuditLine): Buffer =>
  createHash('sha256').update(previous).update(encodeLine(line)).digest()

/** Gives lines their places behind the heads of their chains; answers them with where each chain ends then. */
export function link(
  lines: readonly LooseLine[],
  heads: ReadonlyMap<string, Head>,
): { linked: LinkedLine[]; ends: Map<string, Head> } {
  const ends = new Map<string, Head>()
  const linked = lines.map((loose) => {
    const head = ends.get(loose.chain) ?? heads.get(loose.chain) ?? { sequence: 0, hash: GENESIS }
    const line = { ...loose, sequence: head.sequence + 1 }
    const hash = hashLine(head.hash, line)
    ends.set(loose.chain, { sequence: line.sequence, hash })
    return { ...line, hash }
  })
  return { linked, ends }
}
