import type { Task } from '#server/contract/changes.ts'
import type { Scope } from '#server/inventory/database.ts'
import { readList } from '#server/inventory/list.ts'
import { TASK_FIELDS, type TaskStore } from '#server/inventory/tasks.ts'
import { api } from './door.ts'
import { scopeOf } from './intent.ts'

export interface TaskParts {
  readonly tasks: Pick<TaskStore, 'list' | 'get'>
  /** Ends what the task does. Throws `Refusal` when it cannot be, or no longer. */
  readonly cancel: (scope: Scope, id: string) => Promise<Task>
}

/** Long work, with its log. */
export function taskHandlers({ tasks, cancel }: TaskParts) {
  return {
    list: api.tasks.list.handler(({ input, context }) => tasks.list(scopeOf(context), readList(input, TASK_FIELDS))),
    get: api.tasks.get.handler(({ input, context }) => tasks.get(scopeOf(context), input.id)),
    cancel: api.tasks.cancel.handler(({ input, context }) => {
      context.note.subject = `task/${input.id}`
      return cancel(scopeOf(context), input.id)
    }),
  }
}
