import type { Decision as DecisionView } from '#server/contract/access.ts'
import type { Decision, DecisionSink } from '#server/identity/ports.ts'
import type { Database, Scope } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'

export const DECISION_FIELDS: Fields = {
  ...{ at: 'time', account: 'text', tenantId: 'id', address: 'text', procedure: 'text', right: 'text' },
  ...{ allowed: 'text', because: 'text' },
}

/** Ids sort as text here, which numbers of different lengths would not. */
const DECISIONS = Prisma.sql`SELECT lpad(d.id::text, 19, '0') AS id, d.at, d.account, d.tenant_id AS "tenantId", d.address, d.procedure,
  d.right, d.allowed, d.because FROM decision d`

const WAIT_MS = 500
const BATCH = 500
/** More than the database takes in are not kept: a call is never held up for what is said of it. */
const MOST_WAITING = 10_000

const INSERT = `INSERT INTO decision (at, account_id, account, tenant_id, address, procedure, "right", allowed, because)
  SELECT w.at, w."accountId", w.account, w."tenantId", w.address, w.procedure, w."right", w.allowed, w.because
  FROM jsonb_to_recordset($1::jsonb) AS w (at timestamptz, "accountId" uuid, account text, "tenantId" uuid, address text,
    procedure text, "right" text, allowed boolean, because text)`

interface DecisionRow extends Omit<DecisionView, 'at'> {
  readonly at: Date
}

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
}

/** Why calls were let in or refused. They are written by the engine in batches, a moment later. */
export function decisionLog(database: Database, { onLost = () => {} }: DecisionLogOptions = {}): DecisionLog {
  const waiting: (Decision & { at: string })[] = []
  let lost = 0
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH)
      await database.engine.query(INSERT, [JSON.stringify(batch)]).catch((error: Error) => onLost(batch.length, error))
    }
    if (lost > 0) onLost(lost)
    lost = 0
  }
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }
  return {
    record(decision) {
      if (waiting.length >= MOST_WAITING) lost += 1
      else waiting.push({ ...decision, at: new Date().toISOString() })
      timer ??= setTimeout(() => void flush(), WAIT_MS)
    },
    flush,
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const sort = request.sort ?? '-at'
        const { items, next } = await pageOf<DecisionRow>(tx, DECISIONS, DECISION_FIELDS, { ...request, sort })
        return { items: items.map((row) => ({ ...row, id: String(BigInt(row.id)), at: row.at.toISOString() })), next }
      }),
    async prune(before_ms) {
      const { rowCount } = await database.engine.query('DELETE FROM decision WHERE at < $1', [new Date(before_ms)])
      return rowCount ?? 0
    },
  }
}
