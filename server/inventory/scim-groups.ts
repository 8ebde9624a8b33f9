import { v7 as uuidv7 } from 'uuid'
import type { ScimClient, ScimGroup, ScimGroupWrite, ScimShelf } from '#server/identity/scim/ports.ts'
import { brokenRules, Refusal } from '#server/kernel/refusal.ts'
import type { Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type Askable, conditionOf, isId } from './scim-query.ts'
import { everywhere } from './scim-scope.ts'

const groupsOf = ({ providerId }: ScimClient): Prisma.Sql =>
  Prisma.sql`SELECT g.id, g.name AS "displayName", g.scim_id AS "externalId", g.created_at AS "createdAt"
    FROM user_group g WHERE g.provider_id = ${providerId}::uuid`

const MEMBERS = Prisma.sql`(SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'name', a.display_name) ORDER BY a.display_name, a.id), '[]')
  FROM group_member m JOIN account a ON a.id = m.account_id WHERE m.group_id = q.id AND m.source = 'scim') AS members`

const text = (sql: Prisma.Sql, exact = false) => ({ sql, exact })
const ASKABLE: Askable = {
  id: text(Prisma.sql`q.id::text`),
  displayname: text(Prisma.sql`q."displayName"`),
  externalid: text(Prisma.sql`q."externalId"`, true),
}

const refuse = (pointer: string, rule: string, message: string, mend: string) =>
  brokenRules([{ pointer, rule, message, mend }])

const taken = (name: string) =>
  new Refusal('conflict', `There is a group ${name} already.`, [
    {
      ...{ pointer: '/displayName', rule: 'scim.taken', message: `There is a group ${name} already.` },
      mend: 'Choose another name.',
    },
  ])

/** Groups of one provider. What they may do is said by people here. */
export function scimGroups(tx: Transaction, client: ScimClient): ScimShelf<ScimGroup, ScimGroupWrite> {
  const { providerId, tenantId } = client
  const get = async (id: string): Promise<ScimGroup | undefined> => {
    if (!isId(id)) return undefined
    const [row] = await tx.$queryRaw<
      ScimGroup[]
    >`SELECT q.*, ${MEMBERS} FROM (${groupsOf(client)}) q WHERE q.id = ${id}::uuid`
    return row
  }
  const reread = async (id: string): Promise<ScimGroup> => {
    const group = await get(id)
    if (!group) throw new Error('a group is not there after it was written')
    return group
  }

  /** A group of the tenant that an operator gave something elsewhere: its provider must not say who gets that. */
  async function mustStayInside(id: string, added: number): Promise<void> {
    if (tenantId === null || added === 0) return
    const outside = await everywhere(
      tx,
      client,
      () => tx.$queryRaw<unknown[]>`SELECT b.id FROM role_binding b WHERE b.group_id = ${id}::uuid
        AND b.tenant_id IS DISTINCT FROM ${tenantId}::uuid`,
    )
    if (outside.length > 0)
      throw new Refusal('forbidden', 'The group holds a role outside of the tenant, which its provider cannot give.')
  }

  async function setMembers(id: string, members: readonly string[]): Promise<void> {
    const wanted = [...new Set(members.map((member) => member.toLowerCase()))]
    const strange = wanted.find((member) => !isId(member))
    const known = strange
      ? []
      : await tx.$queryRaw<{ id: string }[]>`SELECT id FROM account WHERE id = ANY (${wanted}::uuid[])
          AND provider_id = ${providerId}::uuid AND disabled_by IS DISTINCT FROM 'scim-deleted'`
    if (known.length < wanted.length)
      throw refuse(
        ...(['/members', 'scim.member', 'A member is no user that this provider pushed.'] as const),
        'Push the user first; groups have no groups in them.',
      )
    await tx.$executeRaw`DELETE FROM group_member WHERE group_id = ${id}::uuid AND source = 'scim'
      AND account_id <> ALL (${wanted}::uuid[])`
    const added = await tx.$executeRaw`INSERT INTO group_member (group_id, account_id, source)
      SELECT ${id}::uuid, w, 'scim' FROM unnest(${wanted}::uuid[]) AS w
      ON CONFLICT (group_id, account_id) DO UPDATE SET source = 'scim' WHERE group_member.source <> 'scim'`
    await mustStayInside(id, added)
  }

  async function mustBeFree({ displayName }: ScimGroupWrite, id: string | null): Promise<void> {
    const others = await tx.$queryRaw<
      unknown[]
    >`SELECT id FROM user_group WHERE tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid
      AND (name = ${displayName} OR (provider_id = ${providerId}::uuid AND lower(name) = lower(${displayName})))
      AND id IS DISTINCT FROM ${id}::uuid`
    if (others.length > 0) throw taken(displayName)
  }

  return {
    async list(query) {
      const where = conditionOf(query, ASKABLE)
      const [counted] = await tx.$queryRaw<
        { total: number }[]
      >`SELECT count(*)::int AS total FROM (${groupsOf(client)}) q
        WHERE ${where}`
      const items = await tx.$queryRaw<ScimGroup[]>`SELECT q.*, ${MEMBERS} FROM (${groupsOf(client)}) q WHERE ${where}
        ORDER BY q."createdAt", q.id OFFSET ${query.offset} LIMIT ${query.limit}`
      return { items, total: counted?.total ?? 0 }
    },
    get,
    async create(group) {
      await mustBeFree(group, null)
      const id = uuidv7()
      const { displayName: name, externalId: scimId } = group
      await tx.userGroup.create({ data: { id, name, tenantId, providerId, scimId } })
      await setMembers(id, group.members)
      return reread(id)
    },
    async replace(id, group) {
      if (!(await get(id))) return undefined
      await mustBeFree(group, id)
      const { displayName: name, externalId: scimId } = group
      await tx.userGroup.updateMany({ where: { id, providerId }, data: { name, scimId, revision: { increment: 1 } } })
      await setMembers(id, group.members)
      return reread(id)
    },
    async remove(id) {
      if (!(await get(id))) return false
      await tx.userGroup.deleteMany({ where: { id, providerId } })
      return true
    },
  }
}
