import { z } from 'zod'
import { ById, Id, ListQuery, listOf, procedure, Time } from './base.ts'

export const Finding = z.object({
  severity: z.enum(['error', 'warning', 'info']),
  rule: z.string(),
  message: z.string(),
  mend: z.string(),
  subject: z.string().optional(),
  pointer: z.string().optional(),
  limit: z.string().optional(),
  datapathId: z.string().optional(),
  witness: z.array(z.string()).optional(),
})
export type Finding = z.infer<typeof Finding>

export const CHANGE_STATES = ['draft', 'committing', 'undoing', 'pending', 'committed', 'undone', 'discarded'] as const
export const ChangeState = z.enum(CHANGE_STATES)
export type ChangeState = z.infer<typeof ChangeState>

export const ChangeSummary = z.object({
  id: Id,
  name: z.string().describe('C-17'),
  title: z.string(),
  reason: z.string(),
  state: ChangeState,
  tenantId: Id.nullable(),
  actor: z.string(),
  createdAt: Time,
  finishedAt: Time.nullable(),
  /** Why it was undone, in one sentence; or null. */
  outcome: z.string().nullable(),
  rollbackOf: z.object({ id: Id, name: z.string() }).nullable(),
  taskId: Id.nullable(),
})
export type ChangeSummary = z.infer<typeof ChangeSummary>

export const Edit = z.object({
  kind: z.string(),
  id: Id,
  operation: z.enum(['create', 'update', 'delete']),
  label: z.string().describe('The object’s name'),
  /** What changes, field by field; absent before: new, absent after: gone. */
  fields: z.array(z.object({ field: z.string(), before: z.string().nullable(), after: z.string().nullable() })),
})
export type Edit = z.infer<typeof Edit>

/** One line of a datapath's difference, in ovs-ofctl notation. */
export const DifferenceLine = z.object({
  mark: z.enum(['+', '-', '~']),
  before: z.string().nullable(),
  after: z.string().nullable(),
  table: z.number().int().nullable(),
  wave: z.number().int(),
  because: z.string().describe('In words'),
})

export const STEP_STATES = [
  'waits',
  'staging',
  'staged',
  'committing',
  'committed',
  'observed',
  'undoing',
  'undone',
  'failed',
  'pending',
] as const
export const DatapathDifference = z.object({
  datapathId: Id,
  datapath: z.string(),
  server: z.string(),
  added: z.number().int(),
  removed: z.number().int(),
  replaced: z.number().int(),
  state: z.enum(STEP_STATES),
  staged_ms: z.number().nullable(),
  committed_ms: z.number().nullable(),
  observed_ms: z.number().nullable(),
  /** At most 500 lines; `truncated` says how many more there are. */
  lines: z.array(DifferenceLine),
  truncated: z.number().int(),
  tables: z.array(z.object({ table: z.number().int(), name: z.string(), words: z.string() })),
})
export type DatapathDifference = z.infer<typeof DatapathDifference>

export const Change = ChangeSummary.extend({
  edits: z.array(Edit),
  findings: z.array(Finding),
  waves: z.array(
    z.object({
      name: z.string(),
      words: z.string(),
      datapaths: z.number().int(),
      state: z.enum(['waits', 'running', 'done', 'undone', 'failed']),
    }),
  ),
  datapaths: z.array(DatapathDifference),
  /** How long old and new lived side by side over all datapaths. */
  mixedWindow_ms: z.number().nullable(),
  settled_ms: z.number().nullable(),
  /** Whether it can be committed now, and if not, why. */
  commit: z.object({ allowed: z.boolean(), why: z.string().nullable() }),
  rollback: z.object({ allowed: z.boolean(), why: z.string().nullable() }),
  previewedAt: Time.nullable(),
})
export type Change = z.infer<typeof Change>

export const TASK_STATES = ['queued', 'running', 'cancelling', 'done', 'failed', 'cancelled'] as const
export const Task = z.object({
  id: Id,
  kind: z.string(),
  title: z.string(),
  state: z.enum(TASK_STATES),
  done: z.number().int(),
  total: z.number().int(),
  unit: z.string(),
  log: z.array(z.object({ at: Time, message: z.string() })),
  subject: z.object({ kind: z.string(), id: Id, name: z.string() }).nullable(),
  problem: z.object({ code: z.string(), detail: z.string() }).nullable(),
  cancellable: z.boolean(),
  createdAt: Time,
  finishedAt: Time.nullable(),
})
export type Task = z.infer<typeof Task>

/** The answer to every write of intent. `task` is null inside a draft, else it is the commit of this one edit. */
export const written = <T extends z.ZodType>(item: T) =>
  z.object({ item, change: z.object({ id: Id, name: z.string() }), task: Task.nullable() })

export const changes = {
  list: procedure({ right: 'change.read', cli: { noun: 'change', verb: 'list' } })
    .route({ method: 'GET', path: '/changes', tags: ['changes'], summary: 'List changes, newest first' })
    .input(ListQuery)
    .output(listOf(ChangeSummary)),
  get: procedure({ right: 'change.read', cli: { noun: 'change', verb: 'show', args: ['id'] } })
    .route({
      method: 'GET',
      path: '/changes/{id}',
      tags: ['changes'],
      summary: 'One change: edits, findings, differences, progress',
    })
    .input(z.strictObject({ id: z.string().max(64).describe('Its id, or its name such as C-17') }))
    .output(Change),
  create: procedure({
    ...{ right: 'change.write', fields: { tenantId: 'within' } },
    cli: { noun: 'change', verb: 'create' },
  })
    .route({ method: 'POST', path: '/changes', tags: ['changes'], summary: 'Start a draft', successStatus: 201 })
    .input(z.strictObject({ title: z.string().max(200).default(''), tenantId: Id.nullable().default(null) }))
    .output(ChangeSummary),
  preview: procedure({ right: 'change.read', cli: { noun: 'change', verb: 'preview', args: ['id'] } })
    .route({
      method: 'POST',
      path: '/changes/{id}/preview',
      tags: ['changes'],
      summary: 'Compile, check and show what every datapath will hold',
    })
    .input(ById)
    .output(Change),
  commit: procedure({ right: 'change.commit', cli: { noun: 'change', verb: 'commit', args: ['id'] } })
    .route({
      method: 'POST',
      path: '/changes/{id}/commit',
      tags: ['changes'],
      summary: 'Commit on all datapaths',
      successStatus: 202,
    })
    .input(
      z.strictObject({
        id: Id,
        reason: z.string().max(500).default(''),
        force: z.boolean().default(false).describe('Go on although a datapath is away; its part stays pending'),
      }),
    )
    .output(Task),
  rollback: procedure({ right: 'change.write', cli: { noun: 'change', verb: 'rollback', args: ['id'] } })
    .route({
      method: 'POST',
      path: '/changes/{id}/rollback',
      tags: ['changes'],
      summary: 'Draft the change that takes this one back',
      successStatus: 201,
    })
    .input(ById)
    .output(ChangeSummary),
  discard: procedure({ right: 'change.write', cli: { noun: 'change', verb: 'discard', args: ['id'] } })
    .route({
      method: 'DELETE',
      path: '/changes/{id}',
      tags: ['changes'],
      summary: 'Discard a draft',
      successStatus: 204,
    })
    .input(ById)
    .output(z.void()),
}

export const tasks = {
  list: procedure({ right: 'task.read', cli: { noun: 'task', verb: 'list' } })
    .route({ method: 'GET', path: '/tasks', tags: ['tasks'], summary: 'List tasks, newest first' })
    .input(ListQuery)
    .output(listOf(Task)),
  get: procedure({ right: 'task.read', cli: { noun: 'task', verb: 'show', args: ['id'] } })
    .route({ method: 'GET', path: '/tasks/{id}', tags: ['tasks'], summary: 'One task with its log' })
    .input(ById)
    .output(Task),
  cancel: procedure({ right: 'task.cancel', cli: { noun: 'task', verb: 'cancel', args: ['id'] } })
    .route({
      method: 'POST',
      path: '/tasks/{id}/cancel',
      tags: ['tasks'],
      summary: 'Cancel a task; refused once a change is decided',
    })
    .input(ById)
    .output(Task),
}
