import { v7 as uuidv7 } from 'uuid'
import type { ScimClient, ScimShelf, ScimUser, ScimUserWrite } from '#server/identity/scim/ports.ts'
import { brokenRules, Refusal } from '#server/kernel/refusal.ts'
import type { Transaction } from './database.ts'
import { freeName } from './federation.ts'
import { Prisma } from './generated/client.ts'
import { addDetailsNotice } from './notices.ts'
import { type Askable, conditionOf, isId } from './scim-query.ts'
import { everywhere } from './scim-scope.ts'

/** An account of the provider, with those that it removed: they are there for the audit log. */
interface UserRow extends ScimUser {
  readonly deleted: boolean
}

/** The name that is said at sign-in is the account's subject; the other one is kept beside it. */
const usersOf = ({ providerId, subject }: ScimClient): Prisma.Sql => {
  const names =
    subject === 'userName'
      ? Prisma.sql`a.subject AS "userName", a.scim_id AS "externalId"`
      : Prisma.sql`coalesce(a.scim_id, a.name) AS "userName", a.subject AS "externalId"`
  return Prisma.sql`SELECT a.id, ${names}, a.display_name AS "displayName", a.email, a.state = 'active' AS active,
      a.disabled_by IS NOT DISTINCT FROM 'scim-deleted' AS deleted, a.created_at AS "createdAt",
      (SELECT coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name) ORDER BY g.name), '[]')
        FROM group_member m JOIN user_group g ON g.id = m.group_id
        WHERE m.account_id = a.id AND m.source = 'scim' AND g.provider_id = a.provider_id) AS groups
    FROM account a WHERE a.provider_id = ${providerId}::uuid`
}

const text = (sql: Prisma.Sql, exact = false) => ({ sql, exact })
const ASKABLE: Askable = {
  id: text(Prisma.sql`q.id::text`),
  username: text(Prisma.sql`q."userName"`),
  externalid: text(Prisma.sql`q."externalId"`, true),
  displayname: text(Prisma.sql`q."displayName"`),
  'name.formatted': text(Prisma.sql`q."displayName"`),
  emails: text(Prisma.sql`q.email`),
  'emails.value': text(Prisma.sql`q.email`),
  // The one address that is kept is the one for work.
  'emails.type': text(Prisma.sql`CASE WHEN q.email IS NOT NULL THEN 'work' END`),
  active: 'boolean',
}

const taken = (userName: string) =>
  new Refusal('conflict', `There is a user ${userName} already.`, [
    {
      ...{ pointer: '/userName', rule: 'scim.taken', message: `There is a user ${userName} already.` },
      mend: 'Change the one that is there.',
    },
  ])

function subjectOf(
  { subject }: ScimClient,
  { userName, externalId }: ScimUserWrite,
): [subject: string, other: string | null] {
  if (subject === 'userName') return [userName, externalId]
  if (externalId !== null) return [externalId, userName]
  throw brokenRules([
    {
      ...{ pointer: '/externalId', rule: 'scim.subject', message: 'The user has no externalId, which it signs in by.' },
      mend: 'Send one.',
    },
  ])
}

/** Takes away all that somebody held who is gone for good: who comes after them under the same name must not find any of it. */
async function strip(tx: Transaction, client: ScimClient, accountId: string): Promise<void> {
  const where = { accountId }
  await everywhere(tx, client, async () => {
    await tx.roleBinding.deleteMany({ where })
    await tx.groupMember.deleteMany({ where })
    await tx.apiToken.deleteMany({ where })
    await tx.passkey.deleteMany({ where })
    await tx.totp.deleteMany({ where })
  })
}

/** Users of one provider: accounts that sign in through it. `ended`: told the sessions of those who are disabled. */
export function scimUsers(
  tx: Transaction,
  client: ScimClient,
  ended: (hashes: readonly string[]) => void,
): ScimShelf<ScimUser, ScimUserWrite> {
  const { providerId, tenantId } = client
  const find = async (where: Prisma.Sql): Promise<UserRow | undefined> => {
    const [row] = await tx.$queryRaw<UserRow[]>`SELECT * FROM (${usersOf(client)}) q WHERE ${where}`
    return row
  }
  const get = async (id: string) => (isId(id) ? find(Prisma.sql`NOT q.deleted AND q.id = ${id}::uuid`) : undefined)
  const reread = async (id: string): Promise<ScimUser> => {
    const user = await get(id)
    if (!user) throw new Error('a user is not there after it was written')
    return user
  }

  async function mustBeFree({ userName }: ScimUserWrite, id: string | null): Promise<void> {
    const other = await find(
      Prisma.sql`NOT q.deleted AND lower(q."userName") = lower(${userName}) AND q.id IS DISTINCT FROM ${id}::uuid`,
    )
    if (other) throw taken(userName)
  }

  async function endSessions(accountId: string): Promise<void> {
    const sessions = await tx.session.findMany({ where: { accountId }, select: { hash: true } })
    ended(sessions.map(({ hash }) => hash))
  }

  async function write(id: string, user: ScimUserWrite): Promise<ScimUser> {
    const [subject, other] = subjectOf(client, user)
    await addDetailsNotice(tx, id, user, client.name)
    // What people here disabled stays so.
    await tx.$executeRaw`UPDATE account SET subject = ${subject}, scim_id = ${other}, display_name = ${user.displayName},
        email = ${user.email}, revision = revision + 1,
        disabled_by = CASE WHEN ${user.active === false} AND state = 'active' THEN 'scim' ELSE disabled_by END,
        state = CASE WHEN ${user.active === false} THEN 'disabled'
          WHEN ${user.active === true} AND disabled_by = 'scim' THEN 'active' ELSE state END
      WHERE id = ${id}::uuid AND provider_id = ${providerId}::uuid`
    const written = await reread(id)
    if (!written.active) await endSessions(id)
    return written
  }

  return {
    async list(query) {
      const where = Prisma.sql`NOT q.deleted AND (${conditionOf(query, ASKABLE)})`
      const [counted] = await tx.$queryRaw<
        { total: number }[]
      >`SELECT count(*)::int AS total FROM (${usersOf(client)}) q
        WHERE ${where}`
      const items = await tx.$queryRaw<UserRow[]>`SELECT * FROM (${usersOf(client)}) q WHERE ${where}
        ORDER BY q."createdAt", q.id OFFSET ${query.offset} LIMIT ${query.limit}`
      return { items, total: counted?.total ?? 0 }
    },
    get,
    async create(user) {
      await mustBeFree(user, null)
      const [subject, other] = subjectOf(client, user)
      const held = await find(Prisma.sql`q.id IN (SELECT id FROM account WHERE provider_id = ${providerId}::uuid
        AND subject = ${subject})`)
      if (held && !held.deleted) throw taken(user.userName)
      if (held) {
        await tx.$executeRaw`UPDATE account SET state = 'active', display_name = ${user.displayName}, email = ${user.email}
          WHERE id = ${held.id}::uuid`
        return write(held.id, user)
      }
      const [id, name] = [uuidv7(), await freeName(tx, providerId, user.userName)]
      await tx.$executeRaw`INSERT INTO account (id, name, display_name, email, tenant_id, provider_id, subject, scim_id)
        VALUES (${id}::uuid, ${name}, ${user.displayName}, ${user.email}, ${tenantId}::uuid, ${providerId}::uuid, ${subject}, ${other})`
      return write(id, user)
    },
    async replace(id, user) {
      if (!(await get(id))) return undefined
      await mustBeFree(user, id)
      return write(id, user)
    },
    async remove(id) {
      if (!(await get(id))) return false
      await tx.$executeRaw`UPDATE account SET state = 'disabled', disabled_by = 'scim-deleted', revision = revision + 1
        WHERE id = ${id}::uuid AND provider_id = ${providerId}::uuid`
      await endSessions(id)
      await strip(tx, client, id)
      return true
    },
  }
}
