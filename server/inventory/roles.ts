import { v7 as uuidv7 } from 'uuid'
import type { RoleRecord } from '#server/contract/access.ts'
import { type Right, ROLE_RIGHTS, ROLES, type Role } from '#server/contract/rights.ts'
import type { GivenRole } from '#server/identity/grants.ts'
import { notFound, Refusal, staleRevision } from '#server/kernel/refusal.ts'
import { isBuiltin, rightsAmong } from './binding-rows.ts'
import { type Database, EVERYTHING, isUniqueViolation, lock, type Scope, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'
import { mustExist } from './places.ts'

export const ROLE_FIELDS: Fields = {
  ...{ name: 'text', words: 'text', tenantId: 'id', tenantName: 'text', holders: 'number', builtin: 'text' },
}

const WORDS: Readonly<Record<Role, string>> = {
  operator: 'Does everything.',
  auditor: 'Reads everything, changes nothing.',
  'tenant-administrator': 'Runs the networks and the people of one tenant.',
  'tenant-member': 'Reads the networks of one tenant.',
}

const IN_CODE = JSON.stringify(ROLES.map((name) => ({ name, words: WORDS[name], rights: ROLE_RIGHTS[name] })))

// Roles in code have no id of their own; pages need one.
const ROLE_ROWS = Prisma.sql`SELECT md5(c.name)::uuid AS id, true AS builtin, c.name, c.words, NULL::uuid AS "tenantId", NULL AS "tenantName",
    c.rights, (SELECT count(*)::int FROM role_binding b WHERE b.builtin = c.name) AS holders, NULL::int AS revision
  FROM jsonb_to_recordset(${IN_CODE}::jsonb) AS c (name text, words text, rights jsonb)
  UNION ALL
  SELECT r.id, false, r.name, r.words, r.tenant_id, t.name, to_jsonb(r.rights),
    (SELECT count(*)::int FROM role_binding b WHERE b.role_id = r.id), r.revision
  FROM role r LEFT JOIN tenant t ON t.id = r.tenant_id`

interface RoleRow extends Omit<RoleRecord, 'id' | 'rights'> {
  readonly id: string
  readonly builtin: boolean
  readonly rights: readonly string[]
}

const recordOf = ({ id, builtin, rights, ...row }: RoleRow): RoleRecord => ({
  ...row,
  id: builtin ? null : id,
  rights: rightsAmong(rights),
})

export interface NewRole {
  readonly name: string
  readonly words: string
  readonly tenantId: string | null
  readonly rights: readonly Right[]
}

/** A role that can be bound: `id` is null for those in code. */
export interface BindableRole extends GivenRole {
  readonly id: string | null
}

export interface RoleStore {
  /** Those in code, and those that were made. */
  list(scope: Scope, request: ListRequest): Promise<Page<RoleRecord>>
  /** One that was made. Throws `Refusal` (`not-found`). */
  get(scope: Scope, id: string): Promise<RoleRecord>
  /** By name, for use at a place: one in code, the tenant’s own, or everybody’s. Throws `Refusal` (`rule`, pointer `/role`). */
  named(scope: Scope, name: string, tenantId: string | null): Promise<BindableRole>
  create(scope: Scope, role: NewRole): Promise<RoleRecord>
  update(
    scope: Scope,
    id: string,
    revision: number,
    patch: { words?: string | undefined; rights?: readonly Right[] | undefined },
  ): Promise<RoleRecord>
  /** Throws `Refusal` (`conflict`) while somebody holds it. */
  remove(scope: Scope, id: string, revision: number): Promise<void>
}

async function find(tx: Transaction, id: string): Promise<RoleRecord> {
  const [row] = await tx.$queryRaw<RoleRow[]>`SELECT * FROM (${ROLE_ROWS}) q WHERE q.id = ${id}::uuid AND NOT q.builtin`
  if (!row) throw notFound('role')
  return recordOf(row)
}

/** As long as the transaction lasts, nobody gives the role, nor changes or removes it. */
export const lockRole = (tx: Transaction, id: string): Promise<unknown> => lock(tx, `role/${id}`)

/** The role, which nobody else changes meanwhile, if its writer has seen its present state. */
async function locked(tx: Transaction, id: string, revision: number): Promise<RoleRecord> {
  await lockRole(tx, id)
  const role = await find(tx, id)
  if (role.revision !== revision) throw staleRevision(revision, role.revision ?? 0)
  return role
}

async function named(tx: Transaction, name: string, tenantId: string | null): Promise<BindableRole> {
  if (isBuiltin(name)) return { id: null, name, rights: ROLE_RIGHTS[name], builtin: true, tenantId: null }
  const [row] = await tx.$queryRaw<{ id: string; rights: string[]; tenantId: string | null }[]>`
    SELECT r.id, r.rights, r.tenant_id AS "tenantId" FROM role r
    WHERE r.name = ${name} AND (r.tenant_id IS NULL OR r.tenant_id = ${tenantId}::uuid) ORDER BY r.tenant_id NULLS LAST LIMIT 1`
  if (!row) throw unknownRole(name)
  return { ...row, name, rights: rightsAmong(row.rights), builtin: false }
}

export function roleStore(database: Database): RoleStore {
  return {
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const page = await pageOf<RoleRow>(tx, ROLE_ROWS, ROLE_FIELDS, { ...request, sort: request.sort ?? 'name' })
        return { items: page.items.map(recordOf), next: page.next }
      }),
    get: (scope, id) => database.inScope(scope, (tx) => find(tx, id)),
    named: (scope, name, tenantId) => database.inScope(scope, (tx) => named(tx, name, tenantId)),
    async create(scope, { name, words, tenantId, rights }) {
      if (isBuiltin(name)) throw nameTaken(name)
      const work = async (tx: Transaction) => {
        await mustExist(tx, { tenantId })
        const id = uuidv7()
        await tx.role.create({ data: { id, name, words, tenantId, rights: [...rights] } })
        return find(tx, id)
      }
      return database.inScope(scope, work).catch((error: unknown) => {
        throw isUniqueViolation(error) ? nameTaken(name) : error
      })
    },
    update: (scope, id, revision, { words, rights }) =>
      database.inScope(scope, async (tx) => {
        await locked(tx, id, revision)
        const given = { ...(words !== undefined && { words }), ...(rights && { rights: [...rights] }) }
        const { count } = await tx.role.updateMany({ where: { id }, data: { ...given, revision: { increment: 1 } } })
        if (count === 0) throw notYours()
        return find(tx, id)
      }),
    remove: (scope, id, revision) =>
      database.inScope(scope, async (tx) => {
        const role = await locked(tx, id, revision)
        // Everybody's are counted, whoever asks: one that nobody of ours holds may be held by others.
        const holders = await database.inScope(EVERYTHING, (all) => all.roleBinding.count({ where: { roleId: id } }))
        if (holders > 0) throw isHeld(role.name, holders)
        const { count } = await tx.role.deleteMany({ where: { id } })
        if (count === 0) throw notYours()
      }),
  }
}

const refusal = (
  code: 'conflict' | 'rule' | 'forbidden',
  pointer: string,
  rule: string,
  message: string,
  mend: string,
) => new Refusal(code, message, [{ pointer, rule, message, mend }])

const nameTaken = (name: string) =>
  refusal('conflict', '/name', 'role.name-taken', `There is a role ${name} already.`, 'Choose another name.')

const isHeld = (name: string, holders: number) =>
  refusal(
    ...(['conflict', '', 'role.in-use', `The role ${name} is held ${holders} times.`] as const),
    'Take it from those who hold it first.',
  )

const notYours = () =>
  refusal('forbidden', '/id', 'scope', 'That role is everybody’s, not your tenant’s.', 'Make a role of your own.')

const unknownRole = (name: string) =>
  refusal('rule', '/role', 'role.unknown', `There is no role ${name}.`, 'List roles, and name one of them.')
