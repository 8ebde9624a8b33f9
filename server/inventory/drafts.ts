import { notFound, Refusal, type RefusalDetail, staleRevision } from '#server/kernel/refusal.ts'
import { type Actor, reservedUntil, startDraft } from './changes.ts'
import { lock, type Scope, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'

/** Who writes intent, and into which draft; without one the write makes a change of its own. */
export interface Writer {
  readonly scope: Scope
  readonly actor: Actor
  readonly change?: string | undefined
}

/** The draft that a write went into. */
export interface Draft {
  readonly id: string
  readonly name: string
  /** It was made for this one edit, and is to be committed at once. */
  readonly own: boolean
}

/** What a write of intent answers: the object, and the draft that it is an edit of. */
export interface Written {
  readonly id: string
  readonly tenantId: string
  readonly draft: Draft
}

export type Kind = 'network' | 'subnet' | 'port'

/** Several things that are wrong with an edit, as one refusal: a conflict where all of them are about something taken. */
export function refuse(errors: readonly RefusalDetail[]): Refusal {
  const taken = errors.every(({ rule }) => /(-taken|in-use)$/.test(rule))
  return new Refusal(taken ? 'conflict' : 'rule', errors.map(({ message }) => message).join(' '), errors)
}

/** Refuses a request that names an object which the scope may not know of. */
export function unknown(kind: string, pointer: string): Refusal {
  const { code, message } = notFound(kind)
  return new Refusal(code, message, [
    { pointer, rule: `${kind}.unknown`, message, mend: `Name a ${kind} that exists.` },
  ])
}

const notDraft = (name: string, state: string): Refusal => {
  const message = `${name} is ${state}, no longer a draft.`
  return new Refusal('conflict', message, [
    { pointer: '/change', rule: 'change.draft', message, mend: 'Make the edit in a new draft.' },
  ])
}

const otherTenant = (name: string): Refusal => {
  const message = `${name} is a change of another tenant.`
  return refuse([
    { pointer: '/change', rule: 'change.tenant', message, mend: 'Use a draft of this tenant, or of none.' },
  ])
}

/**
 * The draft that a write goes into. One tenant's writes follow each other from here to the end of the transaction,
 * so that what they check stays true.
 */
export async function openDraft(tx: Transaction, writer: Writer, tenantId: string, title: string): Promise<Draft> {
  await lock(tx, `tenant/${tenantId}`)
  if (writer.change === undefined) {
    const draft = await startDraft(tx, { title, tenantId, actor: writer.actor })
    return { ...draft, own: true }
  }
  const [row] = await tx.$queryRaw<{ id: string; name: string; state: string; tenantId: string | null }[]>`
    SELECT id, 'C-' || number AS name, state, tenant_id AS "tenantId" FROM change WHERE id = ${writer.change}::uuid FOR UPDATE`
  if (!row) throw unknown('change', '/change')
  if (row.state !== 'draft') throw notDraft(row.name, row.state)
  if (row.tenantId !== null && row.tenantId !== tenantId) throw otherTenant(row.name)
  await tx.change.update({ where: { id: row.id }, data: { reservedUntil: reservedUntil(), previewedAt: null } })
  return { id: row.id, name: row.name, own: false }
}

/** An object as a draft sees it. */
export interface Present {
  readonly id: string
  readonly tenantId: string
  readonly revision: number
  /** Without its id, as its capability models it. */
  readonly value: object
}

interface EditOf {
  readonly kind: Kind
  readonly id: string
  readonly tenantId: string
}

const at = (draft: Draft, { kind, id }: EditOf) => ({
  changeId_kind_objectId: { changeId: draft.id, kind, objectId: id },
})
const json = (value: object) => value as Prisma.InputJsonObject

export async function putCreate(tx: Transaction, draft: Draft, edit: EditOf, after: object): Promise<void> {
  const { kind, id, tenantId } = edit
  const row = { changeId: draft.id, kind, objectId: id, tenantId, operation: 'create', revision: 1 }
  await tx.changeEdit.create({ data: { ...row, before: Prisma.DbNull, after: json(after) } })
}

export async function putUpdate(
  tx: Transaction,
  draft: Draft,
  kind: Kind,
  present: Present,
  after: object,
): Promise<void> {
  const { id, tenantId, revision, value } = present
  const fresh = { operation: 'update', baseRevision: revision, before: json(value) }
  await tx.changeEdit.upsert({
    where: at(draft, { kind, id, tenantId }),
    create: { changeId: draft.id, kind, objectId: id, tenantId, ...fresh, revision: revision + 1, after: json(after) },
    update: { after: json(after), revision: { increment: 1 } },
  })
}

/** Deletes an object in a draft. What the same draft made is simply gone from it, with what it reserved. */
export async function putDelete(tx: Transaction, draft: Draft, kind: Kind, present: Present): Promise<void> {
  const { id, tenantId, revision, value } = present
  const where = at(draft, { kind, id, tenantId })
  const made = await tx.changeEdit.findUnique({ where, select: { operation: true } })
  if (made?.operation === 'create') {
    await tx.changeEdit.delete({ where })
    if (kind === 'network') await tx.vniReservation.deleteMany({ where: { networkId: id, changeId: draft.id } })
    return
  }
  const fresh = { operation: 'delete', baseRevision: revision, before: json(value) }
  const gone = { after: Prisma.DbNull }
  await tx.changeEdit.upsert({
    where,
    create: { changeId: draft.id, kind, objectId: id, tenantId, ...fresh, revision: revision + 1, ...gone },
    update: { operation: 'delete', revision: { increment: 1 }, ...gone },
  })
}

/** Throws when the object is not at the revision that the writer knows. */
export function mustBeAt(present: Present, revision: number): void {
  if (present.revision !== revision) throw staleRevision(revision, present.revision)
}
