import type { Task } from '#server/contract/changes.ts'
import type { Reconciler } from '#server/engine/change/reconcile.ts'
import type { TaskStore } from '#server/inventory/tasks.ts'

export interface RepairParts {
  readonly tasks: TaskStore
  readonly reconciler: Pick<Reconciler, 'repair'>
}

/** Brings datapaths back to what is wanted, as tasks. */
export const repairer =
  ({ tasks, reconciler }: RepairParts) =>
  async (datapathId: string, name: string, siteId: string): Promise<Task> => {
    const subject = { kind: 'datapath', id: datapathId, name }
    const about = { kind: 'repair', title: `Repair ${name}`, total: 1, unit: 'datapaths' }
    const task = await tasks.start({ ...about, subject, tenantId: null, siteId, cancellable: false })
    const run = async () => {
      const { state, drift, reason } = await reconciler.repair(datapathId)
      if (state === 'away') {
        const detail = `${name} is not connected: nothing could be repaired.`
        return tasks.end(task.id, 'failed', { code: 'away', detail })
      }
      if (!drift && !reason) {
        await tasks.step(task.id, { done: 1, message: `${name} holds what is wanted.` })
        return tasks.end(task.id, 'done')
      }
      const detail = reason?.message ?? `${name} still differs from what is wanted.`
      return tasks.end(task.id, 'failed', { code: reason?.code ?? 'drifted', detail })
    }
    // A task that the database cannot end is ended by the next start.
    run()
      .catch((error: Error) => tasks.end(task.id, 'failed', { code: 'fault', detail: error.message }))
      .catch(() => {})
    return task
  }
