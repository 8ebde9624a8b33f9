import type { ChangeSummary } from '#server/contract/changes.ts'
import type { Event } from '#server/http/events.ts'
import { CHANGE_FIELDS, type ChangeStore } from '#server/inventory/changes.ts'
import { readList } from '#server/inventory/list.ts'
import { api } from '../door.ts'
import type { ChangeDesk } from './desk.ts'

export interface ChangeParts {
  readonly desk: ChangeDesk
  readonly changes: ChangeStore
  readonly publish: (event: Event) => void
}

/** Drafts, previews, commits and rollbacks. */
export function changeHandlers({ desk, changes, publish }: ChangeParts) {
  const told = (kind: string, change: Pick<ChangeSummary, 'id' | 'tenantId'>) =>
    publish({ topic: 'change', kind, ref: change.id, tenantId: change.tenantId })
  return {
    list: api.changes.list.handler(({ input, context }) => changes.list(context.scope, readList(input, CHANGE_FIELDS))),
    get: api.changes.get.handler(({ input, context }) => desk.view(context.scope, input.id)),
    create: api.changes.create.handler(async ({ input, context }) => {
      const tenantId = input.tenantId ?? context.tenantId
      const actor = { name: context.account.name, role: context.account.role }
      const change = await changes.create(context.scope, { title: input.title, tenantId, actor })
      context.note.changeId = change.id
      told('created', change)
      return change
    }),
    preview: api.changes.preview.handler(({ input, context }) => desk.preview(context.scope, input.id)),
    commit: api.changes.commit.handler(({ input, context }) => {
      context.note.changeId = input.id
      return desk.commit(context.scope, input.id, { reason: input.reason, force: input.force })
    }),
    rollback: api.changes.rollback.handler(({ input, context }) => {
      context.note.changeId = input.id
      const actor = { name: context.account.name, role: context.account.role }
      return desk.rollback(context.scope, input.id, actor)
    }),
    discard: api.changes.discard.handler(async ({ input, context }) => {
      context.note.changeId = input.id
      const { scope } = context
      const change = await changes.get(scope, input.id)
      await changes.discard(scope, input.id)
      told('discarded', change)
    }),
  }
}
