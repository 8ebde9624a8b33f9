import type { AuditChain, AuditCheckpoint } from '#server/contract/audit.ts'
import type { Checkpoint } from '#server/identity/audit/checkpoint.ts'
import type { Head } from '#server/identity/audit/line.ts'
import type { StoredLine, Witness } from '#server/identity/audit/verify.ts'
import type { Database, Scope, Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'

export const CHAIN_FIELDS: Fields = {
  name: 'text',
  tenantId: 'id',
  tenantName: 'text',
  sequence: 'number',
  signedAt: 'time',
}
export const CHECKPOINT_FIELDS: Fields = {
  ...{
    chain: 'text',
    tenantId: 'id',
    tenantName: 'text',
    sequence: 'number',
    at: 'time',
    keyId: 'id',
    number: 'number',
  },
}

/** Newest checkpoints of a chain that are looked at: the last one vouches for all before it. */
const WITNESSES = 500
const PAGE = 2000

const CHAINS = Prisma.sql`SELECT c.chain AS id, c.chain AS name, c.tenant_id AS "tenantId", t.name AS "tenantName",
    c.sequence::float8 AS sequence, encode(c.hash, 'hex') AS hash, k.sequence::float8 AS "signedTo", k.at AS "signedAt"
  FROM audit_chain c LEFT JOIN tenant t ON t.id = c.tenant_id LEFT JOIN LATERAL (
    SELECT p.sequence, p.at FROM audit_checkpoint p WHERE p.chain = c.chain ORDER BY p.sequence DESC LIMIT 1) k ON true`

const CHECKPOINTS = Prisma.sql`SELECT lpad(p.id::text, 19, '0') AS id, p.id::float8 AS number, p.chain, p.tenant_id AS "tenantId",
    t.name AS "tenantName", p.sequence::float8 AS sequence, encode(p.hash, 'hex') AS hash, p.at, p.key_id AS "keyId",
    encode(p.signature, 'base64') AS signature FROM audit_checkpoint p LEFT JOIN tenant t ON t.id = p.tenant_id`

/** What is there to follow a chain by, all of one moment. */
export interface ChainTrail {
  readonly chain: string
  readonly tenantName: string | null
  readonly head: Head | undefined
  /** The last line that there was at that moment. */
  readonly last: number
  readonly witnesses: readonly Witness[]
}

export interface AuditEvidence {
  chains(scope: Scope, request: ListRequest): Promise<Page<AuditChain>>
  checkpoints(scope: Scope, request: ListRequest): Promise<Page<AuditCheckpoint>>
  /** Every chain that the scope sees, or one of them; those that checkpoints alone know of too. */
  trails(scope: Scope, chain?: string): Promise<ChainTrail[]>
  /** The lines of a chain up to one, in order, by pages. */
  follow(scope: Scope, chain: string, upTo: number): AsyncGenerator<StoredLine[]>
  /** Lines without a chain: from before there were any, and those that were slipped in since. */
  loose(scope: Scope): Promise<{ before: number; since: { id: string; action: string }[] }>
}

interface TrailRow {
  chain: string
  tenantName: string | null
  sequence: number | null
  hash: Uint8Array | null
  last: number | null
}
type CheckpointRow = Omit<Checkpoint, 'hash' | 'signature'> & { hash: Uint8Array; signature: Uint8Array }
type LineRow = Omit<StoredLine, 'hash' | 'chain'> & { hash: string }

/** One statement, so that heads and last lines are of the same moment. */
const trailRows = (tx: Transaction, chain: string | null) => tx.$queryRaw<TrailRow[]>`
  SELECT n.chain, t.name AS "tenantName", h.sequence::float8 AS sequence, h.hash, l.last::float8 AS last
  FROM (SELECT chain FROM audit_chain UNION SELECT chain FROM audit WHERE chain IS NOT NULL
    UNION SELECT chain FROM audit_checkpoint) n
  LEFT JOIN audit_chain h ON h.chain = n.chain
  LEFT JOIN tenant t ON t.id::text = n.chain
  LEFT JOIN (SELECT chain, max(sequence) AS last FROM audit WHERE chain IS NOT NULL GROUP BY chain) l ON l.chain = n.chain
  WHERE ${chain}::text IS NULL OR n.chain = ${chain}::text ORDER BY n.chain`

async function witnessesOf(tx: Transaction, chain: string): Promise<Witness[]> {
  const rows = await tx.$queryRaw<CheckpointRow[]>`SELECT chain, sequence::float8 AS sequence, hash, signature,
    (extract(epoch FROM at) * 1000)::float8 AS at_ms, key_id AS "keyId"
    FROM audit_checkpoint WHERE chain = ${chain} ORDER BY sequence DESC LIMIT ${WITNESSES}`
  return rows.map(({ hash, signature, ...row }) => ({
    ...row,
    ...{ hash: Buffer.from(hash), signature: Buffer.from(signature), source: 'database' },
  }))
}

/** A page of lines as one value: a value for each field of each line would cost more than hashing them. */
const linesSql = (chain: string, after: number, upTo: number) => Prisma.sql`
  SELECT coalesce(json_agg(to_json(l) ORDER BY l.sequence, l.id), '[]') AS lines FROM (
    SELECT id, sequence, encode(hash, 'hex') AS hash, (extract(epoch FROM at) * 1000)::bigint AS at_ms, actor,
      actor_id AS "actorId", provider, address, action, outcome, reason, subject, tenant_id AS "tenantId",
      change_id AS "changeId", detail, before::text AS before, after::text AS after
    FROM audit WHERE chain = ${chain} AND sequence > ${after}::bigint AND sequence <= ${upTo}::bigint
    ORDER BY sequence, id LIMIT ${2 * PAGE}) l`

/** Where the chain goes on beyond lines that are gone. */
const nextSql = (chain: string, after: number) => Prisma.sql`
  SELECT sequence::float8 AS next FROM audit WHERE chain = ${chain} AND sequence > ${after}::bigint ORDER BY sequence LIMIT 1`

/** What the chains of the audit log are checked by, as far as a scope sees them. */
export function auditEvidence(database: Database): AuditEvidence {
  async function nextAfter(scope: Scope, chain: string, after: number): Promise<number> {
    const [row] = await database.inScope(scope, (tx) => tx.$queryRaw<{ next: number }[]>(nextSql(chain, after)))
    return row ? row.next - 1 : Number.POSITIVE_INFINITY
  }
  return {
    chains: (scope, request) =>
      database.inScope(scope, async (tx) => {
        type Row = Omit<AuditChain, 'signedAt'> & { id: string; signedAt: Date | null }
        const page = await pageOf<Row>(tx, CHAINS, CHAIN_FIELDS, { ...request, sort: request.sort ?? 'tenantName' })
        const items = page.items.map(({ id: _, signedAt, ...row }) => ({
          ...row,
          signedAt: signedAt?.toISOString() ?? null,
        }))
        return { items, next: page.next }
      }),
    checkpoints: (scope, request) =>
      database.inScope(scope, async (tx) => {
        type Row = Omit<AuditCheckpoint, 'at'> & { at: Date; number: number }
        const page = await pageOf<Row>(tx, CHECKPOINTS, CHECKPOINT_FIELDS, {
          ...{ ...request, sort: request.sort ?? '-number' },
        })
        const items = page.items.map(({ number, at, signature, ...row }) => ({
          ...{ ...row, id: String(number), at: at.toISOString(), signature: signature.replaceAll('\n', '') },
        }))
        return { items, next: page.next }
      }),
    trails: (scope, chain) =>
      database.inScope(scope, async (tx) => {
        const trails: ChainTrail[] = []
        // Checkpoints are of lines that were there: read first, they cannot be ahead of the last line.
        const known = await tx.$queryRaw<{ chain: string }[]>`SELECT DISTINCT chain FROM audit_checkpoint`
        const witnesses = new Map<string, Witness[]>()
        for (const { chain: one } of known) witnesses.set(one, await witnessesOf(tx, one))
        for (const { sequence, hash, last, ...row } of await trailRows(tx, chain ?? null))
          trails.push({
            ...{ ...row, last: last ?? 0, witnesses: witnesses.get(row.chain) ?? [] },
            head: sequence === null || hash === null ? undefined : { sequence, hash: Buffer.from(hash) },
          })
        return trails
      }),
    async *follow(scope, chain, upTo) {
      for (let after = 0; after < upTo; ) {
        // Bounded at both ends: else the planner may take it for a good idea to sort all that is left.
        const end = Math.min(after + PAGE, upTo)
        const rows = await database.inScope(scope, async (tx) => {
          const [page] = await tx.$queryRaw<{ lines: LineRow[] }[]>(linesSql(chain, after, end))
          return page?.lines ?? []
        })
        if (rows.length > 0) yield rows.map(({ hash, ...row }) => ({ ...row, chain, hash: Buffer.from(hash, 'hex') }))
        after = rows.length > 0 ? end : await nextAfter(scope, chain, end)
      }
    },
    loose: (scope) =>
      database.inScope(scope, async (tx) => {
        const [counted] = await tx.$queryRaw<{ before: number }[]>`SELECT count(*)::int AS before FROM audit
          WHERE chain IS NULL AND id < coalesce((SELECT min(id) FROM audit WHERE chain IS NOT NULL), 9223372036854775807)`
        const since = await tx.$queryRaw<{ id: string; action: string }[]>`SELECT id::text AS id, action FROM audit
          WHERE chain IS NULL AND id > (SELECT min(id) FROM audit WHERE chain IS NOT NULL) ORDER BY id LIMIT 50`
        return { before: counted?.before ?? 0, since }
      }),
  }
}
