import type { Decision as DecisionView } from '#server/contract/access.ts'
import type { DecisionSink } from '#server/identity/ports.ts'
import { type Clock, systemClock } from '#server/kernel/clock.ts'
import type { Database, Scope } from './database.ts'
import { decisionBuffer, isShared, type WaitingDecision } from './decision-buffer.ts'
import { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'

export const DECISION_FIELDS: Fields = {
  ...{ at: 'time', account: 'text', tenantId: 'id', address: 'text', procedure: 'text', right: 'text' },
  ...{ allowed: 'text', because: 'text', kind: 'text', count: 'number', lastAt: 'time' },
}

/** Ids sort as text here, which numbers of different lengths would not. */
const DECISIONS = Prisma.sql`SELECT lpad(d.id::text, 19, '0') AS id, d.at, d.account, d.tenant_id AS "tenantId", d.address, d.procedure,
  d.right, d.allowed, d.because, d.kind, d.count, d.last_at AS "lastAt" FROM decision d`

/** What stands alone is read soon, by whoever wonders why something was refused … */
const WAIT_MS = 500
/** … and what is shared gains by waiting. */
const SHARED_WAIT_MS = 5000
const BATCH = 500
/** More than the database takes in are not kept. */
const MOST_WAITING = 10_000

const INSERT = `INSERT INTO decision AS d (at, last_at, count, kind, alike, account_id, account, tenant_id, address, procedure, "right", allowed, because)
  SELECT to_timestamp(w.at_ms / 1000), to_timestamp(w."lastAt_ms" / 1000), w.count, w.kind, sha256(convert_to(w.alike, 'UTF8')), w."accountId",
    w.account, w."tenantId", w.address, w.procedure, w."right", w.allowed, w.because
  FROM jsonb_to_recordset($1::jsonb) AS w (at_ms float8, "lastAt_ms" float8, count bigint, kind text, alike text, "accountId" uuid, account text,
    "tenantId" uuid, address text, procedure text, "right" text, allowed boolean, because text)
  ON CONFLICT (alike) DO UPDATE SET count = d.count + EXCLUDED.count, last_at = greatest(d.last_at, EXCLUDED.last_at)`

interface DecisionRow extends Omit<DecisionView, 'at' | 'lastAt' | 'count'> {
  readonly at: Date
  readonly lastAt: Date
  readonly count: bigint
}

const viewOf = ({ id, at, lastAt, count, ...row }: DecisionRow): DecisionView => ({
  ...row,
  ...{ id: String(BigInt(id)), at: at.toISOString(), lastAt: lastAt.toISOString(), count: Number(count) },
})

export interface DecisionLog extends DecisionSink {
  /** Newest first unless sorted otherwise. */
  list(scope: Scope, request: ListRequest): Promise<Page<DecisionView>>
  /** Resolves when all that were recorded are written, or were given up. */
  flush(): Promise<void>
  /** Removes those before; answers how many. */
  prune(before_ms: number): Promise<number>
}

export interface DecisionLogOptions {
  /** Told when decisions could not be written, and how many. */
  readonly onLost?: (count: number, error?: Error) => void
  readonly clock?: Clock
}

const calls = (rows: readonly WaitingDecision[]) => rows.reduce((sum, { count }) => sum + count, 0)

/** Why calls were let in or refused. They are written by the engine in batches, a moment later. */
export function decisionLog(
  database: Database,
  { onLost = () => {}, clock = systemClock }: DecisionLogOptions = {},
): DecisionLog {
  const buffer = decisionBuffer({ rows: MOST_WAITING }, clock)
  let due_ms = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  async function write(): Promise<void> {
    const { rows, lost } = buffer.take()
    for (let at = 0; at < rows.length; at += BATCH) {
      const batch = rows.slice(at, at + BATCH)
      await database.engine.query(INSERT, [JSON.stringify(batch)]).catch((error: Error) => onLost(calls(batch), error))
    }
    if (lost > 0) onLost(lost)
  }
  const flush = () => {
    clearTimeout(timer)
    due_ms = Number.POSITIVE_INFINITY
    writing = writing.then(write)
    return writing
  }
  function wakeIn(wait_ms: number): void {
    const at_ms = clock.monotonic_ms() + wait_ms
    if (at_ms >= due_ms) return
    clearTimeout(timer)
    due_ms = at_ms
    timer = setTimeout(() => void flush(), wait_ms)
  }
  return {
    record(decision) {
      buffer.add(decision)
      wakeIn(isShared(decision) ? SHARED_WAIT_MS : WAIT_MS)
    },
    flush,
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const sort = request.sort ?? '-at'
        const { items, next } = await pageOf<DecisionRow>(tx, DECISIONS, DECISION_FIELDS, { ...request, sort })
        return { items: items.map(viewOf), next }
      }),
    async prune(before_ms) {
      const { rowCount } = await database.engine.query('DELETE FROM decision WHERE at < $1', [new Date(before_ms)])
      return rowCount ?? 0
    },
  }
}
