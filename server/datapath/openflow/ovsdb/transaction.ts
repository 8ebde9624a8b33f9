import { decodeOutcomes, encodeOperation, type Operation, type Outcome } from '#server/codec/ovsdb/index.ts'
import { OvsdbError } from './failure.ts'
import type { CallOptions, Session } from './session.ts'

export const DATABASE = 'Open_vSwitch'

const WRITES = new Set<Operation['op']>(['insert', 'update', 'mutate', 'delete'])

/** A lost answer to a transaction that writes leaves open whether it took effect. */
function lost(error: unknown, operations: readonly Operation[]): unknown {
  if (!(error instanceof OvsdbError) || error.failure === 'refused') return error
  return operations.some(({ op }) => WRITES.has(op)) ? new OvsdbError('unknown', error.message) : error
}

/**
 * Runs operations as one transaction: all of them or none. Throws OvsdbError: `refused` with the operation concerned,
 * `away` when nothing was sent, `unknown` when a write was sent and its answer is lost.
 */
export async function transactOn(
  session: Session,
  operations: readonly Operation[],
  options: CallOptions = {},
): Promise<readonly Outcome[]> {
  if (!session.open) throw new OvsdbError('away', `${session.peer} is not connected`)
  if (options.signal?.aborted) throw new OvsdbError('aborted', 'the transaction was aborted before it was sent')
  const answer = await session
    .call('transact', [DATABASE, ...operations.map(encodeOperation)], options)
    .catch((error: unknown) => Promise.reject(lost(error, operations)))
  const decoded = decodeOutcomes(answer, operations.length)
  if (!decoded.ok) throw new OvsdbError('unknown', decoded.error)
  if ('outcomes' in decoded.value) return decoded.value.outcomes
  const { error, details, operation } = decoded.value.refusal
  throw new OvsdbError('refused', details === '' ? error : `${error}: ${details}`, operation)
}
