import type { Whose } from '#server/identity/ports.ts'
import { brokenRules, type Refusal } from '#server/kernel/refusal.ts'
import type { Transaction } from './database.ts'

/** Throws `Refusal` (`rule`, pointer `/tenantId` or `/siteId`) where there is no such tenant or site, as far as the scope sees. */
export async function mustExist(tx: Transaction, { tenantId, siteId }: Whose): Promise<void> {
  if (tenantId !== null && !(await tx.tenant.findUnique({ where: { id: tenantId } })))
    throw nowhere('/tenantId', 'tenant')
  if (siteId && !(await tx.site.findUnique({ where: { id: siteId } }))) throw nowhere('/siteId', 'site')
}

const nowhere = (pointer: string, kind: string): Refusal =>
  brokenRules([{ pointer, rule: 'place', message: `There is no such ${kind}.`, mend: 'Name one that exists.' }])
