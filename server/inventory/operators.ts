import { brokenRules } from '#server/kernel/refusal.ts'
import { lock, type Scope, seesAll, type Transaction } from './database.ts'

interface Count {
  readonly operators: number
}

/** Those who may do everything everywhere, from everywhere and at all times, and can still sign in. */
const countOperators = async (tx: Transaction): Promise<number> => {
  const [row] = await tx.$queryRaw<Count[]>`SELECT count(*)::int AS operators FROM account a
    LEFT JOIN identity_provider i ON i.id = a.provider_id
    WHERE a.state = 'active' AND (i.id IS NULL OR i.state = 'open') AND EXISTS (
      SELECT FROM role_binding b WHERE b.builtin = 'operator' AND b.tenant_id IS NULL AND b.site_id IS NULL
        AND b."from" = '{}' AND b.hours IS NULL AND (b.account_id = a.id OR b.group_id IN (SELECT m.group_id FROM group_member m WHERE m.account_id = a.id)))`
  return row?.operators ?? 0
}

/**
 * Runs a write that may take an operator away, and refuses it (`rule`) where none would be left. One at a time, so that two
 * operators cannot remove each other at once. Inside a tenant or a site there is no operator to take away.
 */
export async function keepingAnOperator<T>(tx: Transaction, scope: Scope, work: () => Promise<T>): Promise<T> {
  if (!seesAll(scope)) return work()
  await lock(tx, 'weft/operators')
  const before = await countOperators(tx)
  const result = await work()
  if (before > 0 && (await countOperators(tx)) === 0)
    throw brokenRules([
      {
        ...{
          pointer: '',
          rule: 'operator.last',
          message: 'Nobody would be left who may do everything, from everywhere and at all times.',
        },
        mend: 'Make another operator first.',
      },
    ])
  return result
}
