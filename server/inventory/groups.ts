import { v7 as uuidv7 } from 'uuid'
import type { Group } from '#server/contract/access.ts'
import { notFound, Refusal, staleRevision } from '#server/kernel/refusal.ts'
import { BINDING_JOINS, BINDING_JSON, type BindingRow, bindingOf, bindingView } from './binding-rows.ts'
import { type Database, isUniqueViolation, lock, type Scope, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { keepingAnOperator } from './operators.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'
import { mustExist } from './places.ts'

export const GROUP_FIELDS: Fields = {
  ...{ name: 'text', tenantId: 'id', tenantName: 'text', providerName: 'text', members: 'number' },
}
export const MEMBER_FIELDS: Fields = { name: 'text', displayName: 'text', source: 'text' }

const GROUPS = Prisma.sql`SELECT u.id, u.name, u.tenant_id AS "tenantId", t.name AS "tenantName", p.name AS "providerName", u.revision,
    (SELECT count(*)::int FROM group_member m WHERE m.group_id = u.id) AS members,
    coalesce((SELECT jsonb_agg(${BINDING_JSON} ORDER BY b.created_at, b.id) FROM role_binding b ${BINDING_JOINS}
      WHERE b.group_id = u.id), '[]') AS bindings
  FROM user_group u LEFT JOIN tenant t ON t.id = u.tenant_id LEFT JOIN identity_provider p ON p.id = u.provider_id`

interface GroupRow extends Omit<Group, 'bindings'> {
  readonly bindings: readonly BindingRow[]
}

const groupOf = ({ bindings, ...row }: GroupRow): Group => ({
  ...row,
  bindings: bindings.map((binding) => bindingView(bindingOf(binding))),
})

export interface Member {
  readonly id: string
  readonly name: string
  readonly displayName: string
  readonly source: 'local' | 'provider' | 'scim'
}

export interface GroupStore {
  list(scope: Scope, request: ListRequest): Promise<Page<Group>>
  get(scope: Scope, id: string): Promise<Group>
  create(scope: Scope, group: { name: string; tenantId: string | null }): Promise<Group>
  rename(scope: Scope, id: string, revision: number, name: string): Promise<Group>
  /** Throws `Refusal`: `rule` for the last operator, `conflict` for one that SCIM keeps. */
  remove(scope: Scope, id: string, revision: number): Promise<void>
  members(scope: Scope, id: string, request: ListRequest): Promise<Page<Member>>
  /** Again does nothing. */
  add(scope: Scope, id: string, accountId: string): Promise<void>
  /** Throws `Refusal`: `not-found` for whoever is not in it, `rule` for the last operator, `conflict` for what a provider gives anew. */
  drop(scope: Scope, id: string, accountId: string): Promise<void>
}

async function find(tx: Transaction, id: string): Promise<Group> {
  const [row] = await tx.$queryRaw<GroupRow[]>`SELECT * FROM (${GROUPS}) q WHERE q.id = ${id}::uuid`
  if (!row) throw notFound('group')
  return groupOf(row)
}

async function locked(tx: Transaction, id: string, revision: number): Promise<Group> {
  await lock(tx, `group/${id}`)
  const group = await find(tx, id)
  if (group.revision !== revision) throw staleRevision(revision, group.revision)
  return group
}

const mustBeOurs = ({ name, providerName }: Group): void => {
  if (providerName === null) return
  throw conflict('group.source', `${providerName} keeps ${name} by SCIM.`, 'Change it where it is kept.')
}

const MEMBERS = (id: string) => Prisma.sql`SELECT a.id, a.name, a.display_name AS "displayName", m.source
  FROM group_member m JOIN account a ON a.id = m.account_id WHERE m.group_id = ${id}::uuid`

const namedOnce = <T>(name: string, work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw isUniqueViolation(error) ? nameTaken(name) : error
  })

async function drop(tx: Transaction, id: string, accountId: string): Promise<void> {
  mustBeOurs(await find(tx, id))
  const where = { groupId_accountId: { groupId: id, accountId } }
  const member = await tx.groupMember.findUnique({ where })
  if (!member) throw notFound('member')
  if (member.source !== 'local') throw fromOutside()
  await tx.groupMember.delete({ where })
}

/** Groups of accounts, whose members hold what the group holds. */
export function groupStore(database: Database): GroupStore {
  return {
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const page = await pageOf<GroupRow>(tx, GROUPS, GROUP_FIELDS, { ...request, sort: request.sort ?? 'name' })
        return { items: page.items.map(groupOf), next: page.next }
      }),
    get: (scope, id) => database.inScope(scope, (tx) => find(tx, id)),
    create: (scope, { name, tenantId }) =>
      namedOnce(
        name,
        database.inScope(scope, async (tx) => {
          await mustExist(tx, { tenantId })
          const id = uuidv7()
          await tx.userGroup.create({ data: { id, name, tenantId } })
          return find(tx, id)
        }),
      ),
    rename: (scope, id, revision, name) =>
      namedOnce(
        name,
        database.inScope(scope, async (tx) => {
          mustBeOurs(await locked(tx, id, revision))
          await tx.userGroup.update({ where: { id }, data: { name, revision: { increment: 1 } } })
          return find(tx, id)
        }),
      ),
    remove: (scope, id, revision) =>
      database.inScope(scope, async (tx) => {
        mustBeOurs(await locked(tx, id, revision))
        await keepingAnOperator(tx, scope, () => tx.userGroup.delete({ where: { id } }))
      }),
    members: (scope, id, request) =>
      database.inScope(scope, async (tx) => {
        await find(tx, id)
        return pageOf<Member>(tx, MEMBERS(id), MEMBER_FIELDS, { ...request, sort: request.sort ?? 'name' })
      }),
    add: (scope, id, accountId) =>
      database.inScope(scope, async (tx) => {
        mustBeOurs(await find(tx, id))
        await tx.$executeRaw`INSERT INTO group_member (group_id, account_id) VALUES (${id}::uuid, ${accountId}::uuid)
          ON CONFLICT DO NOTHING`
      }),
    drop: (scope, id, accountId) =>
      database.inScope(scope, (tx) => keepingAnOperator(tx, scope, () => drop(tx, id, accountId))),
  }
}

const conflict = (rule: string, message: string, mend: string, pointer = ''): Refusal =>
  new Refusal('conflict', message, [{ pointer, rule, message, mend }])

const nameTaken = (name: string) =>
  conflict('group.name-taken', `There is a group ${name} already.`, 'Choose another name.', '/name')

const fromOutside = () =>
  conflict(
    ...(['member.source', 'The identity provider puts them in at each sign-in.'] as const),
    'Change the rules of the provider.',
  )
