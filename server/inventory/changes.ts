import { v7 as uuidv7 } from 'uuid'
import type { ChangeState, ChangeSummary } from '#server/contract/changes.ts'
import type { IntentEdit } from '#server/engine/change/ports.ts'
import { notFound, Refusal } from '#server/kernel/refusal.ts'
import type { Database, EngineTransaction, Scope, Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { dropClaims } from './grants.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'

/** How long a draft keeps what it reserved after its last edit. */
const RESERVED_MS = 24 * 3_600_000

/** Who writes, as history says it. */
export interface Actor {
  readonly name: string
  readonly role: string
}

export interface NewDraft {
  readonly title: string
  readonly tenantId: string | null
  readonly actor: Actor
  readonly rollbackOf?: string
}

export const reservedUntil = (): Date => new Date(Date.now() + RESERVED_MS)

/** Starts an empty draft; answers its id and its number. */
export async function startDraft(tx: Transaction, draft: NewDraft): Promise<{ id: string; name: string }> {
  const { title, tenantId, actor, rollbackOf } = draft
  const row = await tx.change.create({
    data: {
      ...{ id: uuidv7(), title, tenantId, actor: actor.name, actorRole: actor.role },
      ...{ rollbackOf: rollbackOf ?? null, reservedUntil: reservedUntil() },
    },
    select: { id: true, number: true },
  })
  return { id: row.id, name: `C-${row.number}` }
}

/** A change with what only its own page shows. */
export interface ChangeRecord extends ChangeSummary {
  readonly actorRole: string
  readonly forced: boolean
  readonly mixed_ms: number | null
  readonly settled_ms: number | null
  readonly previewedAt: string | null
  /** The last preview, as it was kept. */
  readonly preview: unknown
}

const CHANGE = Prisma.sql`SELECT c.id, 'C-' || c.number AS name, c.number, c.title, c.reason, c.state, c.tenant_id AS "tenantId", c.actor,
  c.created_at AS "createdAt", c.finished_at AS "finishedAt", c.outcome, c.task_id AS "taskId", c.actor_role AS "actorRole",
  r.id AS "rollbackId", 'C-' || r.number AS "rollbackName", c.forced, round(c.mixed_ms::numeric, 1)::float8 AS mixed_ms, round(c.settled_ms::numeric, 1)::float8 AS settled_ms, c.previewed_at AS "previewedAt"
  FROM change c LEFT JOIN change r ON r.id = c.rollback_of`

interface ChangeRow {
  id: string
  name: string
  title: string
  reason: string
  state: ChangeState
  tenantId: string | null
  actor: string
  actorRole: string
  createdAt: Date
  finishedAt: Date | null
  outcome: string | null
  taskId: string | null
  rollbackId: string | null
  rollbackName: string | null
  forced: boolean
  mixed_ms: number | null
  settled_ms: number | null
  previewedAt: Date | null
}

function summary(row: ChangeRow): ChangeSummary {
  const { id, name, title, reason, state, tenantId, actor, outcome, taskId, rollbackId, rollbackName } = row
  return {
    ...{ id, name, title, reason, state, tenantId, actor, outcome, taskId },
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    rollbackOf: rollbackId && rollbackName ? { id: rollbackId, name: rollbackName } : null,
  }
}

/** Fields by which changes can be filtered and sorted. */
export const CHANGE_FIELDS: Fields = {
  name: 'text',
  number: 'number',
  title: 'text',
  state: 'text',
  actor: 'text',
  tenantId: 'id',
  createdAt: 'time',
  finishedAt: 'time',
}

export interface EditRow {
  readonly kind: string
  readonly id: string
  readonly operation: 'create' | 'update' | 'delete'
  readonly before: unknown
  readonly after: unknown
}

export interface ChangeStore {
  /** Newest first unless sorted otherwise. */
  list(scope: Scope, request: ListRequest): Promise<Page<ChangeSummary>>
  /** By id or by name such as `C-17`. Throws `Refusal` when there is none that the scope may know of. */
  get(scope: Scope, idOrName: string): Promise<ChangeRecord>
  create(scope: Scope, draft: NewDraft): Promise<ChangeSummary>
  /** Discards a draft and gives back what it reserved. Refused for any other state. */
  discard(scope: Scope, id: string): Promise<void>
  /** Discards the drafts that nobody edited for 24 h; answers their ids. */
  expire(): Promise<string[]>
  edits(scope: Scope, id: string): Promise<readonly EditRow[]>
  keepPreview(id: string, preview: unknown): Promise<void>
  /** Notes why, by force or not, and as which task a draft is committed. */
  begin(id: string, about: { reason: string; forced: boolean; taskId: string }): Promise<void>
  /** Names of changes by id. */
  names(ids: readonly string[]): Promise<ReadonlyMap<string, string>>
}

async function discardDraft(tx: EngineTransaction, id: string, outcome: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `UPDATE change SET state = 'discarded', finished_at = now(), outcome = $2 WHERE id = $1 AND state = 'draft'`,
    [id, outcome],
  )
  if (!rowCount) return false
  await giveBack(tx, id)
  return true
}

/** Pools get back what a change reserved. */
export async function giveBack(tx: EngineTransaction, change: string): Promise<void> {
  await tx.query('DELETE FROM vni_reservation WHERE change_id = $1', [change])
  await dropClaims(tx, change)
}

const isName = (text: string): boolean => /^c-\d{1,9}$/i.test(text)
const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

async function findChange(tx: Transaction, idOrName: string): Promise<ChangeRow & { preview: unknown }> {
  if (!isName(idOrName) && !isId(idOrName)) throw notFound('change')
  const which = isName(idOrName)
    ? Prisma.sql`c.number = ${Number(idOrName.slice(2))}`
    : Prisma.sql`c.id = ${idOrName}::uuid`
  const [row] = await tx.$queryRaw<ChangeRow[]>`${CHANGE} WHERE ${which}`
  if (!row) throw notFound('change')
  const kept = await tx.change.findUnique({ where: { id: row.id }, select: { preview: true } })
  return { ...row, preview: kept?.preview ?? null }
}

export function changeStore(database: Database): ChangeStore {
  const get: ChangeStore['get'] = (scope, idOrName) =>
    database.inScope(scope, async (tx) => {
      const row = await findChange(tx, idOrName)
      const { actorRole, forced, mixed_ms, settled_ms, preview } = row
      const previewedAt = row.previewedAt?.toISOString() ?? null
      return { ...summary(row), actorRole, forced, mixed_ms, settled_ms, preview, previewedAt }
    })
  return {
    get,
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const page = await pageOf<ChangeRow>(tx, CHANGE, CHANGE_FIELDS, { ...request, sort: request.sort ?? '-number' })
        return { items: page.items.map(summary), next: page.next }
      }),
    async create(scope, draft) {
      if (scope.tenantId !== null && draft.tenantId !== scope.tenantId) throw notFound('tenant')
      const id = await database.inScope(scope, async (tx) => {
        if (draft.tenantId && !(await tx.tenant.findUnique({ where: { id: draft.tenantId } }))) throw notFound('tenant')
        return (await startDraft(tx, draft)).id
      })
      return get(scope, id)
    },
    async discard(scope, id) {
      const { state, name } = await get(scope, id)
      const gone = await database.asEngine((tx) => discardDraft(tx, id, 'Discarded.'))
      if (!gone)
        throw new Refusal('conflict', `${name} is ${state}.`, [
          {
            ...{ pointer: '', rule: 'change.draft', message: `Only a draft can be discarded; ${name} is ${state}.` },
            mend: state === 'committed' ? 'Roll it back instead.' : 'Nothing has to be done.',
          },
        ])
    },
    expire: () =>
      database.asEngine(async (tx) => {
        const { rows } = await tx.query<{ id: string }>(
          `SELECT id FROM change WHERE state = 'draft' AND reserved_until < now() FOR UPDATE SKIP LOCKED`,
        )
        for (const { id } of rows) await discardDraft(tx, id, 'Expired: nobody edited it for 24 hours.')
        return rows.map(({ id }) => id)
      }),
    edits: (scope, id) => database.inScope(scope, (tx) => readEdits(tx, id)),
    async keepPreview(id, preview) {
      await database.engine.query('UPDATE change SET preview = $2, previewed_at = now() WHERE id = $1', [
        id,
        JSON.stringify(preview),
      ])
    },
    async begin(id, { reason, forced, taskId }) {
      await database.engine.query('UPDATE change SET reason = $2, forced = $3, task_id = $4 WHERE id = $1', [
        ...[id, reason, forced, taskId],
      ])
    },
    async names(ids) {
      const { rows } = await database.engine.query<{ id: string; name: string }>(
        `SELECT id, 'C-' || number AS name FROM change WHERE id = ANY($1::uuid[])`,
        [ids],
      )
      return new Map(rows.map(({ id, name }) => [id, name]))
    },
  }
}

async function readEdits(tx: Transaction, changeId: string): Promise<readonly EditRow[]> {
  const rows = await tx.changeEdit.findMany({ where: { changeId }, orderBy: [{ kind: 'asc' }, { objectId: 'asc' }] })
  return rows.map(({ kind, objectId, operation, before, after }) => {
    return { kind, id: objectId, operation: operation as EditRow['operation'], before, after }
  })
}

/** An edit as the engine reads it: what is absent is left out. */
export const engineEdit = ({ kind, id, before, after }: Omit<EditRow, 'operation'>): IntentEdit => ({
  ...{ kind, id },
  ...(before !== null && { before }),
  ...(after !== null && { after }),
})
