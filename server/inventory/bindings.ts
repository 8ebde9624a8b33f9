import { v7 as uuidv7 } from 'uuid'
import { UNCONDITIONAL } from '#server/identity/context/conditions.ts'
import type { Binding, Conditions, Whose } from '#server/identity/ports.ts'
import { notFound, Refusal } from '#server/kernel/refusal.ts'
import { BINDING_JOINS, BINDING_JSON, type BindingRow, bindingOf } from './binding-rows.ts'
import { type Database, EVERYTHING, isUniqueViolation, type Scope, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { keepingAnOperator } from './operators.ts'
import { mustExist } from './places.ts'
import { type BindableRole, lockRole } from './roles.ts'

/** Who holds a role: an account or a group. */
export type Holder = { readonly accountId: string } | { readonly groupId: string }

export interface BindingStore {
  /** Throws `Refusal`: `conflict` where it is held there already, under the same conditions or under none; `rule` where there is no such place. */
  give(scope: Scope, holder: Holder, role: BindableRole, place: Whose, conditions?: Conditions): Promise<Binding>
  /** A binding of that holder. Throws `Refusal` (`not-found`). */
  get(scope: Scope, holder: Holder, id: string): Promise<Binding>
  /** Throws `Refusal`: `rule` for the last operator, `conflict` for what a provider gives anew each time. */
  take(scope: Scope, holder: Holder, id: string): Promise<void>
  /** All that a group gives, wherever that counts. */
  ofGroup(groupId: string): Promise<Binding[]>
  /** The same of groups by their names: of a tenant, or (null) the installation’s. */
  ofGroups(tenantId: string | null, names: readonly string[]): Promise<Binding[]>
  /** All that the people of an identity provider hold, or may by the groups that it keeps: each role once for each place. */
  ofProvider(providerId: string): Promise<Binding[]>
}

const ofHolder = (holder: Holder): Prisma.Sql =>
  'accountId' in holder
    ? Prisma.sql`b.account_id = ${holder.accountId}::uuid`
    : Prisma.sql`b.group_id = ${holder.groupId}::uuid`

const read = async (tx: Transaction, where: Prisma.Sql): Promise<Binding[]> => {
  const rows = await tx.$queryRaw<{ binding: BindingRow }[]>`SELECT ${BINDING_JSON} AS binding
    FROM role_binding b ${BINDING_JOINS} WHERE ${where} ORDER BY b.created_at, b.id`
  return rows.map(({ binding }) => bindingOf(binding))
}

async function find(tx: Transaction, holder: Holder, id: string): Promise<Binding> {
  const [binding] = await read(tx, Prisma.sql`b.id = ${id}::uuid AND ${ofHolder(holder)}`)
  if (!binding) throw notFound('binding')
  return binding
}

async function give(tx: Transaction, holder: Holder, role: BindableRole, place: Whose, conditions: Conditions) {
  if (role.id !== null) await lockRole(tx, role.id)
  await mustExist(tx, place)
  const id = uuidv7()
  const of = role.id === null ? { builtin: role.name } : { roleId: role.id }
  const data = { ...holder, ...of, tenantId: place.tenantId, siteId: place.siteId ?? null }
  // Conditions beside a binding that has none would be thought to confine it.
  const free = { ...data, source: 'local', from: { isEmpty: true }, hours: null }
  if (await tx.roleBinding.findFirst({ where: free })) throw heldAlready(role.name)
  await tx.roleBinding.create({ data: { id, ...data, from: [...conditions.from], hours: conditions.hours } })
  return find(tx, holder, id)
}

/** Roles of accounts and groups, and where they count. */
export function bindingStore(database: Database): BindingStore {
  const everybodys = (where: Prisma.Sql) => database.inScope(EVERYTHING, (tx) => read(tx, where))
  return {
    give: (scope, holder, role, place, conditions = UNCONDITIONAL) =>
      database
        .inScope(scope, (tx) => give(tx, holder, role, place, conditions))
        .catch((error: unknown) => {
          throw isUniqueViolation(error) ? heldAlready(role.name) : error
        }),
    get: (scope, holder, id) => database.inScope(scope, (tx) => find(tx, holder, id)),
    take: (scope, holder, id) =>
      database.inScope(scope, async (tx) => {
        const { source } = await find(tx, holder, id)
        if (source !== 'local') throw fromOutside(source)
        await keepingAnOperator(tx, scope, () => tx.roleBinding.deleteMany({ where: { id } }))
      }),
    ofGroup: (groupId) => everybodys(ofHolder({ groupId })),
    ofGroups: (tenantId, names) =>
      everybodys(Prisma.sql`b.group_id IN (SELECT u.id FROM user_group u WHERE u.name = ANY (${names}::text[])
        AND u.tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid)`),
    ofProvider: (providerId) =>
      everybodys(Prisma.sql`b.id IN (SELECT DISTINCT ON (h.builtin, h.role_id, h.tenant_id, h.site_id, h."from", h.hours) h.id FROM role_binding h
        WHERE h.account_id IN (SELECT a.id FROM account a WHERE a.provider_id = ${providerId}::uuid)
          OR h.group_id IN (SELECT m.group_id FROM group_member m JOIN account a ON a.id = m.account_id
            WHERE a.provider_id = ${providerId}::uuid)
          OR h.group_id IN (SELECT u.id FROM user_group u WHERE u.provider_id = ${providerId}::uuid))`),
  }
}

const conflict = (rule: string, message: string, mend: string): Refusal =>
  new Refusal('conflict', message, [{ pointer: '', rule, message, mend }])

const heldAlready = (role: string) =>
  conflict('binding.held', `The role ${role} is held there already.`, 'Nothing has to be given.')

const fromOutside = (source: 'provider' | 'scim') =>
  source === 'provider'
    ? conflict('binding.source', 'The identity provider gives it at each sign-in.', 'Change the rules of the provider.')
    : conflict('binding.source', 'It is kept by SCIM.', 'Take it away where it is kept.')
