import { DECISION_FIELDS, type DecisionLog } from '#server/inventory/decisions.ts'
import { readList } from '#server/inventory/list.ts'
import { api } from './door.ts'

/** Why calls were let in or refused. */
export const decisionHandlers = (decisions: Pick<DecisionLog, 'list' | 'flush'>) => ({
  list: api.decisions.list.handler(async ({ input, context }) => {
    // What was decided before is in the answer, though it is written a moment later as a rule.
    await decisions.flush()
    return decisions.list(context.scope, readList(input, DECISION_FIELDS))
  }),
})
