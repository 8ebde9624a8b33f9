import type { ScimClient } from '#server/identity/scim/ports.ts'
import type { Transaction } from './database.ts'

const see = (tx: Transaction, scope: '' | 'all') => tx.$queryRaw`SELECT set_config('weft.scope', ${scope}, true)`

/**
 * Looks beyond the provider's tenant for a moment, at what operators gave its people elsewhere. Nothing of that is ever
 * shown to the provider.
 */
export async function everywhere<T>(tx: Transaction, { tenantId }: ScimClient, work: () => Promise<T>): Promise<T> {
  if (tenantId === null) return work()
  await see(tx, 'all')
  const result = await work()
  await see(tx, '')
  return result
}
