import type { Change, ChangeSummary, Task } from '#server/contract/changes.ts'
import type { ChangeEngine } from '#server/engine/change/engine.ts'
import type { Finding } from '#server/engine/finding.ts'
import type { Event } from '#server/http/events.ts'
import type { Actor, ChangeRecord, ChangeStore, EditRow } from '#server/inventory/changes.ts'
import { EVERYTHING, type Scope } from '#server/inventory/database.ts'
import type { DatapathRecord } from '#server/inventory/facts.ts'
import type { Label } from '#server/inventory/labels.ts'
import type { TaskStore } from '#server/inventory/tasks.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import type { Commits } from './commits.ts'
import { referencesOf, viewEdit } from './edits.ts'
import { namedIn, previewOf } from './preview.ts'
import { agreeing, type Preview } from './progress.ts'

export interface DeskParts {
  readonly commits: Commits
  readonly engine: Pick<ChangeEngine, 'propose' | 'rollback'>
  readonly changes: ChangeStore
  readonly tasks: TaskStore
  readonly conflicts: (change: string) => Promise<readonly Finding[]>
  readonly records: () => Promise<readonly DatapathRecord[]>
  readonly labels: (scope: Scope, refs: Iterable<string>) => Promise<ReadonlyMap<string, Label>>
  /** Names of attachments by id. */
  readonly attachmentNames: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>
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

/** A change is committed once, however often somebody presses. */
const mustBeFree = ({ name }: ChangeRecord, isTaken: boolean): void => {
  if (!isTaken) return
  const message = `${name} is being committed already.`
  throw new Refusal('conflict', message, [
    { pointer: '', rule: 'change.draft', message, mend: 'Wait for the end of its task.' },
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

async function viewOf(parts: DeskParts, scope: Scope, idOrName: string): Promise<Change> {
  const record = await parts.changes.get(scope, idOrName)
  const edits = await parts.changes.edits(scope, record.id)
  const kept = parts.commits.live(record.id) ?? (record.preview as Preview | null) ?? EMPTY_PREVIEW
  const preview = agreeing(kept, record.state)
  const refs = referencesOf(edits)
  const plugged = refs.filter((ref) => ref.startsWith('attachment/')).map((ref) => ref.slice('attachment/'.length))
  const [labels, attachments] = await Promise.all([parts.labels(scope, refs), parts.attachmentNames(plugged)])
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

/** An edit that cannot be made any more overwrites nothing. */
function joined(conflicts: readonly Finding[], proposed: readonly Finding[]): Finding[] {
  const moved = new Set(conflicts.map(({ subject }) => subject))
  return [...conflicts, ...proposed.filter(({ rule, subject }) => rule !== 'change.overwrites' || !moved.has(subject))]
}

/** Compiles a draft and keeps what it would do. */
async function previewNow(parts: DeskParts, scope: Scope, record: ChangeRecord) {
  const proposal = await parts.engine.propose(record.id)
  const findings = joined(await parts.conflicts(record.id), proposal.findings)
  const names = await parts.labels(scope, namedIn(proposal))
  const preview = previewOf(proposal, findings, await parts.records(), names)
  await parts.changes.keepPreview(record.id, preview)
  return { findings, preview }
}

/** People's side of the change engine: previews that are kept, commits that run as tasks and can be watched. */
export function changeDesk(parts: DeskParts): ChangeDesk {
  const { engine, changes, tasks, commits, publish } = parts
  /** Changes that are about to become tasks. */
  const claimed = new Set<string>()

  /** Previews once more, begins a task, and leaves the rest to run. */
  const begin = async (scope: Scope, record: ChangeRecord, { reason, force }: CommitOptions): Promise<Task> => {
    if ((await changes.edits(scope, record.id)).length === 0) throw refusalOf(record.name, [EMPTY])
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
    const task = await tasks.start({ ...about, subject, tenantId, cancellable: true })
    try {
      await changes.begin(record.id, { reason, forced: force, taskId: task.id })
    } catch (error) {
      await tasks.end(task.id, 'failed', { code: 'fault', detail: (error as Error).message }).catch(() => {})
      throw error
    }
    commits.run({ record, preview, task, forced: force })
    return task
  }

  const view: ChangeDesk['view'] = (scope, idOrName) => viewOf(parts, scope, idOrName)
  return {
    view,
    async preview(scope, id) {
      const record = await changes.get(scope, id)
      if (record.state === 'draft') await previewNow(parts, scope, record)
      return view(scope, id)
    },
    async commit(scope, id, options) {
      const record = await changes.get(scope, id)
      mustBeDraft(record)
      mustBeFree(record, claimed.has(record.id) || commits.live(record.id) !== undefined)
      claimed.add(record.id)
      try {
        return await begin(scope, record, options)
      } finally {
        claimed.delete(record.id)
      }
    },
    async rollback(scope, id, actor) {
      const record = await changes.get(scope, id)
      const { allowed, why } = rollbackAllowed(record)
      if (!allowed) throw new Refusal('conflict', `${record.name} cannot be rolled back. ${why}`)
      const draft = await engine.rollback(record.id, actor.name)
      publish({ topic: 'change', kind: 'created', ref: draft, tenantId: record.tenantId })
      return changes.get(EVERYTHING, draft)
    },
    async cancel(scope, taskId) {
      const task = await tasks.cancel(scope, taskId)
      commits.cancel(taskId)
      return task
    },
  }
}

const EMPTY: Finding = {
  severity: 'error',
  rule: 'change.empty',
  message: 'It edits nothing yet.',
  mend: 'Edit something in this draft, or discard it.',
}

const awayFinding = (name: string, datapathId: string): Finding => ({
  severity: 'error',
  rule: 'datapath.away',
  message: `${name} is not connected.`,
  mend: 'Wait until it connects, or force the commit: its part then stays pending until it does.',
  datapathId,
})
