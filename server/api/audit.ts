import type { AuditShipping } from '#server/contract/audit.ts'
import { AUDIT_FIELDS, type AuditLog } from '#server/inventory/audit.ts'
import { type AuditEvidence, CHAIN_FIELDS, CHECKPOINT_FIELDS } from '#server/inventory/audit-evidence.ts'
import { seesAll } from '#server/inventory/database.ts'
import { readList } from '#server/inventory/list.ts'
import { toCsv, toJsonLines } from './audit-export.ts'
import { auditVerifier, type VerificationParts } from './audit-verification.ts'
import { api, nameOf, type SignedInContext } from './door.ts'
import { scopeOf } from './intent.ts'

export interface AuditParts extends Omit<VerificationParts, 'evidence'> {
  readonly audit: Pick<AuditLog, 'list' | 'lines' | 'get'>
  readonly evidence: AuditEvidence
  readonly shipping: () => AuditShipping['destinations']
}

/** Reading is no write, but who takes the log away is worth a line: one for each export, not one for each page. */
const exported = ({ audit, caller, account, address, scope }: SignedInContext, format: string): Promise<void> =>
  audit.record({
    ...{ actor: nameOf(caller), actorId: account.id, address, action: 'audit.export', outcome: 'done', detail: format },
    ...{ subject: null, tenantId: scope.tenantId, changeId: null },
  })

/** Who did what, and the proof that nobody changed what is written of it. */
export function auditHandlers({ audit, evidence, keys, shipped, shipping }: AuditParts) {
  const verify = auditVerifier({ evidence, keys, shipped })
  return {
    list: api.audit.list.handler(({ input, context }) => {
      const { search, ...query } = input
      return audit.list(scopeOf(context), { ...readList(query, AUDIT_FIELDS), search })
    }),
    get: api.audit.get.handler(({ input, context }) => audit.get(scopeOf(context), input.line)),
    export: api.audit.export.handler(async ({ input, context }) => {
      const { format, search, ...query } = input
      if (input.cursor === undefined) await exported(context, format)
      const { items, next } = await audit.lines(scopeOf(context), { ...readList(query, AUDIT_FIELDS), search })
      const text = format === 'csv' ? toCsv(items, input.cursor === undefined) : toJsonLines(items)
      return { text, count: items.length, next }
    }),
    chains: api.audit.chains.handler(({ input, context }) =>
      evidence.chains(scopeOf(context), readList(input, CHAIN_FIELDS)),
    ),
    checkpoints: api.audit.checkpoints.handler(({ input, context }) =>
      evidence.checkpoints(scopeOf(context), readList(input, CHECKPOINT_FIELDS)),
    ),
    // Where it is sent is the installation's business, not a tenant's.
    shipping: api.audit.shipping.handler(({ context }) => ({
      destinations: seesAll(scopeOf(context)) ? shipping() : [],
    })),
    verify: api.audit.verify.handler(async ({ input, context }) => {
      const result = await verify(scopeOf(context), input.tenantId, input.checkpoints ?? [])
      const found = result.findings.length
      context.note.detail = result.sound
        ? `${result.lines} lines, nothing found`
        : `${result.lines} lines, ${found} findings`
      return result
    }),
  }
}
