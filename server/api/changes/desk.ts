import type { Change, ChangeSummary, Task } from '#server/contract/changes.ts'
import type { ChangeEngine, CommitResult } from '#server/engine/change/engine.ts'
import { failureWords } from '#server/engine/change/failure.ts'
import type { ProgressEvent } from '#server/engine/change/progress.ts'
import type { Finding } from '#server/engine/finding.ts'
import type { Event } from '#server/http/events.ts'
import type { Actor, ChangeRecord, ChangeStore, EditRow } from '#server/inventory/changes.ts'
import { EVERYTHING, type Scope } from '#server/inventory/database.ts'
import type { DatapathRecord } from '#server/inventory/facts.ts'
import type { Label } from '#server/inventory/labels.ts'
import type { TaskStore } from '#server/inventory/tasks.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import { referencesOf, viewEdit } from './edits.ts'
import { namedIn, previewOf } from './preview.ts'
import { advance, logLine, type Preview } from './progress.ts'

export interface DeskParts {
  readonly engine: ChangeEngine
  readonly changes: ChangeStore
  readonly tasks: TaskStore
  readonly conflicts: (change: string) => Promise<readonly Finding[]>
  readonly records: () => Promise<readonly DatapathRecord[]>
  readonly labels: (scope: Scope, refs: Iterable<string>) => Promise<ReadonlyMap<string, Label>>
  /** Names of attachments by id. */
  readonly attachmentNames: () => Promise<ReadonlyMap<string, string>>
  readonly isConnected: (datapathId: string) => boolean
  readonly publish: (event: Event) => void
}

export interface CommitOptions {
  readonly reason: string
  readonly force: boolean
}

/** Everything that people do with changes. */
export interface ChangeDesk {
  view(scope: Scope, idOrName: string): Promise<Change>
  preview(scope: Scope, id: string): Promise<Change>
  commit(scope: Scope, id: string, options: CommitOptions): Promise<Task>
  rollback(scope: Scope, id: string, actor: Actor): Promise<ChangeSummary>
  cancel(scope: Scope, taskId: string): Promise<Task>
}

const EMPTY_PREVIEW: Preview = { findings: [], waves: [], datapaths: [] }

const isError = ({ severity }: Finding): boolean => severity === 'error'

const refusalOf = (name: string, findings: readonly Finding[]): Refusal =>
  new Refusal(
    'rule',
    `${name} cannot be committed: ${findings.map(({ message }) => message).join(' ')}`,
    findings.map(({ rule, message, mend, pointer, limit }) => {
      return { rule, message, mend, pointer: pointer ?? '', ...(limit !== undefined && { limit }) }
    }),
  )

const mustBeDraft = ({ state, name }: ChangeRecord): void => {
  if (state === 'draft') return
  throw new Refusal('conflict', `${name} is ${state}, no longer a draft.`, [
    { pointer: '', rule: 'change.draft', message: `${name} is ${state}.`, mend: 'Start a new change.' },
  ])
}

/** Whether a draft may be committed now, and why not. */
function commitAllowed(record: ChangeRecord, edits: readonly EditRow[], preview: Preview): Change['commit'] {
  const no = (why: string) => ({ allowed: false, why })
  if (record.state !== 'draft') return no(`It is ${record.state}.`)
  if (edits.length === 0) return no('It edits nothing yet.')
  const errors = preview.findings.filter(({ severity }) => severity === 'error').length
  if (errors > 0)
    return no(errors === 1 ? 'One finding must be mended first.' : `${errors} findings must be mended first.`)
  return { allowed: true, why: null }
}

const rollbackAllowed = ({ state }: ChangeRecord): Change['rollback'] =>
  state === 'committed' ? { allowed: true, why: null } : { allowed: false, why: `It is ${state}, not committed.` }

async function viewOf(
  parts: DeskParts,
  live: ReadonlyMap<string, Preview>,
  scope: Scope,
  idOrName: string,
): Promise<Change> {
  const record = await parts.changes.get(scope, idOrName)
  const edits = await parts.changes.edits(scope, record.id)
  const preview = live.get(record.id) ?? (record.preview as Preview | null) ?? EMPTY_PREVIEW
  const [labels, attachments] = [await parts.labels(scope, referencesOf(edits)), await parts.attachmentNames()]
  const names = new Map([...labels, ...[...attachments].map(([id, name]) => [`attachment/${id}`, { name }] as const)])
  const { actorRole: _role, forced: _forced, preview: _kept, mixed_ms, ...summary } = record
  return {
    ...summary,
    ...preview,
    edits: edits.map((edit) => viewEdit(edit, names)),
    mixedWindow_ms: mixed_ms,
    commit: commitAllowed(record, edits, preview),
    rollback: rollbackAllowed(record),
  }
}

/** Compiles a draft and keeps what it would do. */
async function previewNow(parts: DeskParts, scope: Scope, record: ChangeRecord) {
  const proposal = await parts.engine.propose(record.id)
  const findings = [...(await parts.conflicts(record.id)), ...proposal.findings]
  const names = await parts.labels(scope, namedIn(proposal))
  const preview = previewOf(proposal, findings, await parts.records(), names)
  await parts.changes.keepPreview(record.id, preview)
  return { findings, preview }
}

/** Follows one commit: the live view, the task's log and progress, events. */
function follow(
  parts: DeskParts,
  live: Map<string, Preview>,
  record: ChangeRecord,
  taskId: string,
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
      live.set(record.id, advance(live.get(record.id) ?? EMPTY_PREVIEW, event))
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
  tasks: TaskStore,
  taskId: string,
  result: CommitResult,
  names: ReadonlyMap<string, string>,
): Promise<void> {
  if (result.outcome === 'committed') return tasks.end(taskId, 'done')
  const problem = { code: result.reason.code, detail: failureWords(result.reason, (id) => names.get(id)) }
  await tasks.end(taskId, problem.code === 'cancelled' ? 'cancelled' : 'failed', problem)
}

/** People's side of the change engine: previews that are kept, commits that run as tasks and can be watched. */
export function changeDesk(parts: DeskParts): ChangeDesk {
  const live = new Map<string, Preview>()
  const running = new Map<string, AbortController>()

  const run = async (record: ChangeRecord, preview: Preview, task: Task, forced: boolean) => {
    const controller = new AbortController()
    running.set(task.id, controller)
    live.set(record.id, preview)
    const names = new Map((await parts.records()).map(({ id, name }) => [id, name]))
    const watch = follow(parts, live, record, task.id, names)
    let result: CommitResult
    try {
      result = await parts.engine.commit(record.id, { forced, signal: controller.signal, onProgress: watch.onProgress })
    } catch (error) {
      result = {
        outcome: 'refused',
        reason: { code: 'fault', message: error instanceof Error ? error.message : String(error) },
      }
    }
    running.delete(task.id)
    await watch.settled()
    await parts.changes.keepPreview(record.id, live.get(record.id) ?? preview).catch(() => {})
    live.delete(record.id)
    await endTask(parts.tasks, task.id, result, names)
    watch.tell(result.outcome)
    for (const topic of ['network', 'datapath'] as const)
      parts.publish({ topic, kind: 'updated', ref: record.id, tenantId: record.tenantId })
  }

  const view: ChangeDesk['view'] = (scope, idOrName) => viewOf(parts, live, scope, idOrName)
  return {
    view,
    async preview(scope, id) {
      const record = await parts.changes.get(scope, id)
      if (record.state === 'draft') await previewNow(parts, scope, record)
      return view(scope, id)
    },
    async commit(scope, id, { reason, force }) {
      const record = await parts.changes.get(scope, id)
      mustBeDraft(record)
      const { findings, preview } = await previewNow(parts, scope, record)
      const errors = findings.filter(isError)
      if (errors.length > 0) throw refusalOf(record.name, errors)
      const away = preview.datapaths.filter(({ datapathId }) => !parts.isConnected(datapathId))
      if (away.length > 0 && !force)
        throw refusalOf(
          record.name,
          away.map(({ datapath, datapathId }) => awayFinding(datapath, datapathId)),
        )
      const { tenantId, name } = record
      const subject = { kind: 'change', id: record.id, name }
      const about = { kind: 'commit', title: `Commit ${name}`, unit: 'datapaths', total: preview.datapaths.length }
      const task = await parts.tasks.start({ ...about, subject, tenantId, cancellable: true })
      await parts.changes.begin(record.id, { reason, forced: force, taskId: task.id })
      void run(record, preview, task, force)
      return task
    },
    async rollback(scope, id, actor) {
      const record = await parts.changes.get(scope, id)
      const { allowed, why } = rollbackAllowed(record)
      if (!allowed) throw new Refusal('conflict', `${record.name} cannot be rolled back. ${why}`)
      const draft = await parts.engine.rollback(record.id, actor.name)
      parts.publish({ topic: 'change', kind: 'created', ref: draft, tenantId: record.tenantId })
      return parts.changes.get(EVERYTHING, draft)
    },
    async cancel(scope, taskId) {
      const task = await parts.tasks.cancel(scope, taskId)
      running.get(taskId)?.abort()
      return task
    },
  }
}

const awayFinding = (name: string, datapathId: string): Finding => ({
  severity: 'error',
  rule: 'datapath.away',
  message: `${name} is not connected.`,
  mend: 'Wait until it connects, or force the commit: its part then stays pending until it does.',
  datapathId,
})
