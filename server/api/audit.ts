import { AUDIT_FIELDS, type AuditLog } from '#server/inventory/audit.ts'
import { readList } from '#server/inventory/list.ts'
import { api } from './door.ts'
import { scopeOf } from './intent.ts'

/** Who did what. */
export function auditHandlers(audit: Pick<AuditLog, 'list'>) {
  return {
    list: api.audit.list.handler(({ input, context }) => audit.list(scopeOf(context), readList(input, AUDIT_FIELDS))),
  }
}
