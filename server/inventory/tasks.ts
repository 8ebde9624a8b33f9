import { v7 as uuidv7 } from 'uuid'
import type { Task } from '#server/contract/changes.ts'
import { notFound, Refusal } from '#server/kernel/refusal.ts'
import type { Database, Scope } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'

export const TASK_FIELDS: Fields = {
  ...{ kind: 'text', title: 'text', state: 'text', createdAt: 'time', finishedAt: 'time', subjectId: 'id' },
}

const TASKS = Prisma.sql`SELECT t.id, t.kind, t.title, t.state, t.done, t.total, t.unit, t.subject_kind AS "subjectKind",
    t.subject_id AS "subjectId", t.subject_name AS "subjectName", t.problem_code AS "problemCode", t.problem_detail AS "problemDetail",
    t.cancellable, t.created_at AS "createdAt", t.finished_at AS "finishedAt",
    coalesce((SELECT jsonb_agg(jsonb_build_object('at', to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'message', l.message)
      ORDER BY l.id) FROM task_log l WHERE l.task_id = t.id), '[]') AS log
  FROM task t`

interface TaskRow
  extends Pick<Task, 'id' | 'kind' | 'title' | 'state' | 'done' | 'total' | 'unit' | 'log' | 'cancellable'> {
  subjectKind: string | null
  subjectId: string | null
  subjectName: string | null
  problemCode: string | null
  problemDetail: string | null
  createdAt: Date
  finishedAt: Date | null
}

function taskOf(row: TaskRow): Task {
  const { id, kind, title, state, done, total, unit, log, cancellable, createdAt, finishedAt } = row
  const { subjectKind, subjectId, subjectName, problemCode, problemDetail } = row
  return {
    ...{ id, kind, title, state, done, total, unit, log, cancellable },
    subject: subjectKind && subjectId ? { kind: subjectKind, id: subjectId, name: subjectName ?? '' } : null,
    problem: problemCode ? { code: problemCode, detail: problemDetail ?? '' } : null,
    ...{ createdAt: createdAt.toISOString(), finishedAt: finishedAt?.toISOString() ?? null },
  }
}

export interface NewTask {
  readonly kind: string
  readonly title: string
  readonly total: number
  readonly unit: string
  readonly subject: Task['subject']
  readonly tenantId: string | null
  /** Of hardware: whoever runs that site sees it too. */
  readonly siteId?: string
  readonly cancellable: boolean
}

/** What may be written of a task that runs. */
export interface TaskStep {
  readonly done?: number
  readonly total?: number
  readonly cancellable?: boolean
  /** A line for its log. */
  readonly message?: string
}

export interface TaskStore {
  /** Newest first unless sorted otherwise. */
  list(scope: Scope, request: ListRequest): Promise<Page<Task>>
  get(scope: Scope, id: string): Promise<Task>
  /** Begins a task, running. */
  start(task: NewTask): Promise<Task>
  step(id: string, step: TaskStep): Promise<void>
  /** Ends it; again does nothing. */
  end(id: string, state: 'done' | 'failed' | 'cancelled', problem?: Task['problem']): Promise<void>
  /** Marks it as being cancelled. Throws `Refusal` (`conflict`) when it cannot be, or no longer. */
  cancel(scope: Scope, id: string): Promise<Task>
  /**
   * Ends the tasks that a process left running when it ended: as their change did, else failed, with that as their
   * problem. Those of changes that are not at their end go on with them. Answers the ids of those that were ended.
   */
  abandon(): Promise<string[]>
}

export interface TaskStoreOptions {
  /** Told after every write of a task. */
  readonly onMoved?: (moved: {
    id: string
    tenantId: string | null
    siteId: string | null
    state: Task['state']
  }) => void
}

const RETURNING = 'RETURNING task.id, task.tenant_id AS "tenantId", task.site_id AS "siteId", task.state'

const ABANDON = `UPDATE task SET finished_at = now(), cancellable = false,
    state = CASE WHEN stand.state IN ('committed', 'pending') THEN 'done' ELSE 'failed' END,
    done = CASE WHEN stand.state IN ('committed', 'pending') THEN total ELSE done END,
    problem_code = CASE WHEN stand.state IN ('committed', 'pending') THEN NULL WHEN stand.state = 'undone' THEN 'undone' ELSE 'abandoned' END,
    problem_detail = CASE WHEN stand.state IN ('committed', 'pending') THEN NULL WHEN stand.state = 'undone' THEN stand.outcome
      ELSE 'The engine ended before the task did.' END
  FROM (SELECT t.id AS task, c.state, c.outcome FROM task t LEFT JOIN change c ON c.task_id = t.id) stand
  WHERE stand.task = task.id AND task.finished_at IS NULL AND stand.state IS DISTINCT FROM 'committing' AND stand.state IS DISTINCT FROM 'undoing'`

type Moved = { id: string; tenantId: string | null; siteId: string | null; state: Task['state'] }

export function taskStore(database: Database, { onMoved = () => {} }: TaskStoreOptions = {}): TaskStore {
  const { engine } = database
  const write = async (sql: string, values: unknown[]): Promise<Moved[]> => {
    const { rows } = await engine.query<Moved>(`${sql} ${RETURNING}`, values)
    for (const row of rows) onMoved(row)
    return rows
  }
  const log = (id: string, message: string) =>
    engine.query(
      'INSERT INTO task_log (task_id, tenant_id, message) SELECT id, tenant_id, $2 FROM task WHERE id = $1',
      [...[id, message]],
    )
  const get: TaskStore['get'] = (scope, id) =>
    database.inScope(scope, async (tx) => {
      const [row] = await tx.$queryRaw<TaskRow[]>`SELECT * FROM (${TASKS}) q WHERE q.id = ${id}::uuid`
      if (!row) throw notFound('task')
      return taskOf(row)
    })
  return {
    get,
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const page = await pageOf<TaskRow>(tx, TASKS, TASK_FIELDS, { ...request, sort: request.sort ?? '-createdAt' })
        return { items: page.items.map(taskOf), next: page.next }
      }),
    async start({ kind, title, total, unit, subject, tenantId, siteId, cancellable }) {
      const id = uuidv7()
      await write(
        `INSERT INTO task (id, kind, title, state, total, unit, subject_kind, subject_id, subject_name, tenant_id, cancellable, site_id)
         VALUES ($1, $2, $3, 'running', $4, $5, $6, $7, $8, $9, $10, $11)`,
        [id, kind, title, total, unit, subject?.kind, subject?.id, subject?.name, tenantId, cancellable, siteId],
      )
      return get({ tenantId: null }, id)
    },
    async step(id, { done, total, cancellable, message }) {
      if (message !== undefined) await log(id, message)
      await write(
        `UPDATE task SET done = coalesce($2, done), total = coalesce($3, total), cancellable = coalesce($4, cancellable)
         WHERE id = $1 AND finished_at IS NULL`,
        [id, done, total, cancellable],
      )
    },
    async end(id, state, problem) {
      await write(
        `UPDATE task SET state = $2, problem_code = $3, problem_detail = $4, finished_at = now(), cancellable = false,
           done = CASE WHEN $2 = 'done' THEN total ELSE done END WHERE id = $1 AND finished_at IS NULL`,
        [id, state, problem?.code, problem?.detail],
      )
    },
    async cancel(scope, id) {
      const task = await get(scope, id)
      const moved = await write(
        `UPDATE task SET state = 'cancelling', cancellable = false WHERE id = $1 AND cancellable AND finished_at IS NULL`,
        [id],
      )
      if (moved.length === 0) throw tooLate(task)
      return get(scope, id)
    },
    abandon: async () => (await write(ABANDON, [])).map((row) => row.id),
  }
}

function tooLate({ title, finishedAt }: Task): Refusal {
  const message = finishedAt === null ? `${title}: it is decided, and is being finished.` : `${title}: it has ended.`
  const mend = finishedAt === null ? 'Wait for its end, then roll it back.' : 'Nothing has to be cancelled.'
  return new Refusal('conflict', message, [{ pointer: '', rule: 'task.cancel', message, mend }])
}
