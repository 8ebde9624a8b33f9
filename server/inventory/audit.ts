import type { AuditRecord } from '#server/contract/overview.ts'
import type { AuditSink } from '#server/identity/ports.ts'
import type { Database, Scope } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'

export const AUDIT_FIELDS: Fields = {
  ...{ at: 'time', actor: 'text', address: 'text', action: 'text', outcome: 'text', subject: 'text' },
  ...{ tenantId: 'id', changeId: 'id', detail: 'text', number: 'number' },
}

// The number sorts; as text, ids of different lengths would not.
const AUDIT = Prisma.sql`SELECT lpad(a.id::text, 19, '0') AS id, a.id::float8 AS number, a.at, a.actor, a.address, a.action, a.outcome,
  a.subject, a.tenant_id AS "tenantId", a.change_id AS "changeId", a.detail FROM audit a`

type Row = Omit<AuditRecord, 'at'> & { at: Date; number: number }

export interface AuditLog extends AuditSink {
  /** Newest first unless sorted otherwise. */
  list(scope: Scope, request: ListRequest): Promise<Page<AuditRecord>>
}

/** Who did what. Lines are added and read; the database refuses anything else to the roles that serve. */
export function auditLog(database: Database): AuditLog {
  return {
    async record({ actor, address, action, outcome, subject, tenantId, changeId, detail }) {
      await database.engine.query(
        `INSERT INTO audit (actor, address, action, outcome, subject, tenant_id, change_id, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [actor, address, action, outcome, subject, tenantId, changeId, detail],
      )
    },
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const page = await pageOf<Row>(tx, AUDIT, AUDIT_FIELDS, { ...request, sort: request.sort ?? '-number' })
        const items = page.items.map(({ number, ...row }) => ({ ...row, id: String(number), at: row.at.toISOString() }))
        return { items, next: page.next }
      }),
  }
}
