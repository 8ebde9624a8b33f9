import type { Task } from '#server/contract/changes.ts'
import type { ChangeEngine, CommitResult } from '#server/engine/change/engine.ts'
import { failureWords } from '#server/engine/change/failure.ts'
import type { ProgressEvent } from '#server/engine/change/progress.ts'
import type { Event } from '#server/http/events.ts'
import type { ChangeRecord, ChangeStore } from '#server/inventory/changes.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import type { DatapathRecord } from '#server/inventory/facts.ts'
import type { TaskStore } from '#server/inventory/tasks.ts'
import { advance, logLine, type Preview } from './progress.ts'

export interface CommitParts {
  readonly engine: Pick<ChangeEngine, 'commit'>
  readonly changes: Pick<ChangeStore, 'get' | 'keepPreview'>
  readonly tasks: Pick<TaskStore, 'step' | 'end'>
  readonly records: () => Promise<readonly DatapathRecord[]>
  readonly publish: (event: Event) => void
  /** Told what goes wrong where nobody waits for an answer. */
  readonly onFault?: (error: Error) => void
}

/** What is committed: a draft as it was previewed, as a task. */
export interface Commit {
  readonly record: ChangeRecord
  readonly preview: Preview
  readonly task: Task
  readonly forced: boolean
}

/** Commits under way in this process. */
export interface Commits {
  /** What is shown of a change while it is committed. */
  live(changeId: string): Preview | undefined
  /** Begins, and leaves the rest to the task. */
  run(commit: Commit): void
  /** Cancels the commit that a task is, up to its decision. */
  cancel(taskId: string): void
  /** Tells how recovery goes with a change that an earlier process left open, and ends its task with it. */
  recovered(event: ProgressEvent): void
  /** Cancels what is not decided yet, and resolves when all else is at its end. */
  close(): Promise<void>
}

/** Follows one commit: the live view, the task's log and progress, events. */
function follow(
  parts: CommitParts,
  live: Map<string, Preview>,
  { record, preview, task: { id: taskId } }: Commit,
  names: ReadonlyMap<string, string>,
) {
  let done = 0
  let writing: Promise<unknown> = Promise.resolve()
  const write = (work: () => Promise<unknown>) => {
    writing = writing.then(work).catch(() => {})
  }
  const tell = (kind: string) => parts.publish({ topic: 'change', kind, ref: record.id, tenantId: record.tenantId })
  return {
    onProgress(event: ProgressEvent) {
      live.set(record.id, advance(live.get(record.id) ?? preview, event))
      if (event.type === 'datapath' && event.step === 'observed') done += 1
      const message = logLine(event, (id) => names.get(id) ?? id)
      const decided = event.type === 'change' && event.stand === 'decided'
      if (message !== undefined || decided)
        write(() =>
          parts.tasks.step(taskId, {
            done,
            ...(message !== undefined && { message }),
            ...(decided && { cancellable: false }),
          }),
        )
      tell('progress')
    },
    /** Everything that was told is written. */
    settled: () => writing,
    tell,
  }
}

async function endTask(
  tasks: Pick<TaskStore, 'end'>,
  taskId: string,
  result: CommitResult,
  names: ReadonlyMap<string, string>,
): Promise<void> {
  if (result.outcome === 'committed') return tasks.end(taskId, 'done')
  const problem = { code: result.reason.code, detail: failureWords(result.reason, (id) => names.get(id)) }
  await tasks.end(taskId, problem.code === 'cancelled' ? 'cancelled' : 'failed', problem)
}

const faultOf = (error: unknown): CommitResult => ({
  outcome: 'refused',
  reason: { code: 'fault', message: error instanceof Error ? error.message : String(error) },
})

/** What an earlier process began is at its end, or on its way back. */
async function endRecovered(
  { changes, tasks, publish }: CommitParts,
  { change, stand, reason }: Extract<ProgressEvent, { type: 'change' }>,
): Promise<void> {
  const { tenantId, taskId, outcome } = await changes.get(EVERYTHING, change)
  publish({ topic: 'change', kind: stand, ref: change, tenantId })
  if (taskId === null) return
  if (stand === 'committed' || stand === 'pending') await tasks.end(taskId, 'done')
  if (stand === 'undone') {
    const code = reason?.code ?? 'undone'
    await tasks.end(taskId, 'failed', { code, detail: outcome ?? reason?.message ?? 'It was taken back.' })
  }
}

/** Runs commits as tasks that can be watched and cancelled. */
export function runCommits(parts: CommitParts): Commits {
  const { engine, changes, tasks, publish, onFault = () => {} } = parts
  const live = new Map<string, Preview>()
  const running = new Map<string, { readonly controller: AbortController; readonly ended: Promise<void> }>()
  let closing = false

  /** A change that is left open as the engine stops is taken to its end by the next one, and its task with it. */
  const isLeftOpen = async ({ id }: ChangeRecord): Promise<boolean> => {
    if (!closing) return false
    const { state } = await changes.get(EVERYTHING, id)
    return state === 'committing' || state === 'undoing'
  }

  const toEnd = async (commit: Commit, signal: AbortSignal): Promise<void> => {
    const { record, preview, task, forced } = commit
    live.set(record.id, preview)
    const names = new Map((await parts.records()).map(({ id, name }) => [id, name]))
    const { onProgress, settled, tell } = follow(parts, live, commit, names)
    const result = await engine.commit(record.id, { forced, signal, onProgress }).catch(faultOf)
    await settled()
    await changes.keepPreview(record.id, live.get(record.id) ?? preview).catch(onFault)
    live.delete(record.id)
    if (await isLeftOpen(record)) return
    await endTask(tasks, task.id, result, names)
    tell(result.outcome)
    for (const topic of ['network', 'datapath'] as const)
      publish({ topic, kind: 'updated', ref: record.id, tenantId: record.tenantId })
  }

  return {
    live: (changeId) => live.get(changeId),
    run(commit) {
      const { record, task } = commit
      const controller = new AbortController()
      if (closing) controller.abort()
      const ended = toEnd(commit, controller.signal)
        .catch(async (error: Error) => {
          onFault(error)
          await tasks.end(task.id, 'failed', { code: 'fault', detail: error.message }).catch(onFault)
        })
        .finally(() => {
          live.delete(record.id)
          running.delete(task.id)
        })
      running.set(task.id, { controller, ended })
    },
    recovered(event) {
      if (event.type !== 'change' || live.has(event.change)) return
      endRecovered(parts, event).catch(onFault)
    },
    cancel: (taskId) => running.get(taskId)?.controller.abort(),
    async close() {
      closing = true
      const all = [...running.values()]
      for (const { controller } of all) controller.abort()
      await Promise.all(all.map(({ ended }) => ended))
    },
  }
}
