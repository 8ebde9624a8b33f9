import type { RefusalDetail } from '#server/kernel/refusal.ts'
import type { Transaction } from './database.ts'
import type { Draft } from './drafts.ts'
import { Prisma } from './generated/client.ts'

const KINDS = {
  networks: { kind: 'network', present: Prisma.sql`network_in`, quota: Prisma.sql`quota_networks` },
  ports: { kind: 'port', present: Prisma.sql`port_in`, quota: Prisma.sql`quota_ports` },
} as const

/** Whether one more fits: what the draft sees and what other open drafts would add is counted. Empty: it fits. */
export async function withinQuota(
  tx: Transaction,
  draft: Draft,
  tenantId: string,
  of: keyof typeof KINDS,
): Promise<RefusalDetail[]> {
  const { kind, present, quota } = KINDS[of]
  const [row] = await tx.$queryRaw<{ used: number; quota: number; name: string }[]>`
    SELECT (SELECT count(*)::int FROM ${present}(${draft.id}::uuid) o WHERE o.tenant_id = t.id)
        + (SELECT count(*)::int FROM open_edits(t.id, ${draft.id}::uuid) e WHERE e.kind = ${kind} AND e.operation = 'create') AS used,
      t.${quota} AS quota, t.display_name AS name
    FROM tenant t WHERE t.id = ${tenantId}::uuid`
  if (!row || row.used < row.quota) return []
  return [
    {
      ...{ pointer: '', rule: `tenant.quota-${of}`, limit: `${row.quota} ${of}` },
      message: `${row.name} has ${row.used} of its ${row.quota} ${of}, those that drafts would add included.`,
      mend: `Remove ${of} that nobody needs, discard drafts, or ask an operator for a larger quota.`,
    },
  ]
}
