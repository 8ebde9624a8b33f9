import { v7 as uuidv7 } from 'uuid'
import { ROLES } from '#server/contract/rights.ts'
import type { FederatedAccounts, Granted, Rule, RuleGround, Vouched } from '#server/identity/federation/ports.ts'
import { givesNothing } from '#server/identity/federation/rules.ts'
import type { AccountRecord } from '#server/identity/ports.ts'
import { ACCOUNTS, type AccountRow, accountOf } from './accounts.ts'
import { type Database, isUniqueViolation, lock, type Transaction } from './database.ts'
import { addDetailsNotice } from './notices.ts'

interface Held {
  readonly id: string
  readonly name: string
  readonly state: AccountRecord['state']
}

async function holderOf(tx: Transaction, { provider, subject }: Pick<Vouched, 'provider' | 'subject'>) {
  const [row] = await tx.$queryRaw<
    Held[]
  >`SELECT id, name, state FROM account WHERE provider_id = ${provider.id}::uuid AND subject = ${subject} FOR UPDATE`
  return row
}

/** Whether an account has this name already, or with the number that set it apart from others of its provider. */
const isOf = (held: string, name: string) =>
  held === name || (held.startsWith(`${name}-`) && /^\d+$/.test(held.slice(name.length + 1)))

/** The name, with a number where another account of the provider has it. Held until the transaction ends. */
export async function freeName(tx: Transaction, providerId: string, name: string): Promise<string> {
  await lock(tx, `account names of ${providerId}`)
  const rows = await tx.$queryRaw<{ name: string }[]>`SELECT name FROM account
    WHERE provider_id = ${providerId}::uuid AND (name = ${name} OR starts_with(name, ${`${name}-`}))`
  const taken = new Set(rows.map((row) => row.name))
  if (!taken.has(name)) return name
  let number = 2
  while (taken.has(`${name}-${number}`)) number += 1
  return `${name}-${number}`
}

async function make(tx: Transaction, vouched: Vouched): Promise<string> {
  const { provider, subject, displayName, email } = vouched
  const [id, name] = [uuidv7(), await freeName(tx, provider.id, vouched.name)]
  await tx.$executeRaw`INSERT INTO account (id, name, display_name, email, tenant_id, provider_id, subject, signed_in_at)
    VALUES (${id}::uuid, ${name}, ${displayName}, ${email}, ${provider.tenantId}::uuid, ${provider.id}::uuid, ${subject}, now())`
  return id
}

async function renew(tx: Transaction, held: Held, vouched: Vouched): Promise<void> {
  const { displayName, email, provider } = vouched
  await addDetailsNotice(tx, held.id, { displayName, email }, provider.displayName)
  const name = isOf(held.name, vouched.name) ? held.name : await freeName(tx, vouched.provider.id, vouched.name)
  await tx.$executeRaw`UPDATE account SET name = ${name}, display_name = ${displayName}, email = ${email}, signed_in_at = now(),
      revision = revision + CASE WHEN (name, display_name, email) IS DISTINCT FROM (${name}, ${displayName}, ${email}) THEN 1 ELSE 0 END
    WHERE id = ${held.id}::uuid`
}

const isBuiltin = (role: string) => (ROLES as readonly string[]).includes(role)

/**
 * What the provider gave before gives way to what it gives now; what stays keeps its id. What people here or SCIM gave is
 * theirs.
 */
async function replaceGrants(
  tx: Transaction,
  accountId: string,
  { provider }: Vouched,
  granted: Granted,
): Promise<void> {
  const roles = granted.roles.map(({ role, tenantId, siteId }) => ({
    ...{ id: uuidv7(), builtin: isBuiltin(role) ? role : null, role: isBuiltin(role) ? null : role },
    ...{ tenant_id: tenantId, site_id: siteId },
  }))
  const groups = granted.groups.map(({ group }) => group)
  await tx.$executeRaw`WITH wanted AS (
      SELECT w.id, w.builtin, r.id AS role_id, w.tenant_id, w.site_id
      FROM jsonb_to_recordset(${JSON.stringify(roles)}::jsonb) AS w(id uuid, builtin text, role text, tenant_id uuid, site_id uuid)
      LEFT JOIN LATERAL (SELECT r.id FROM role r WHERE r.name = w.role AND (r.tenant_id IS NULL OR r.tenant_id = w.tenant_id)
        ORDER BY r.tenant_id NULLS LAST LIMIT 1) r ON true
      WHERE num_nonnulls(w.builtin, r.id) = 1
    ), revoked AS (
      DELETE FROM role_binding b WHERE b.account_id = ${accountId}::uuid AND b.source = 'provider' AND NOT EXISTS (
        SELECT FROM wanted w WHERE (w.builtin, w.role_id, w.tenant_id, w.site_id)
          IS NOT DISTINCT FROM (b.builtin, b.role_id, b.tenant_id, b.site_id))
    ), given AS (
      INSERT INTO role_binding (id, account_id, builtin, role_id, tenant_id, site_id, source)
      SELECT id, ${accountId}::uuid, builtin, role_id, tenant_id, site_id, 'provider' FROM wanted ON CONFLICT DO NOTHING
    ), joined AS (
      SELECT g.id FROM user_group g WHERE g.name = ANY (${groups}::text[])
        AND g.tenant_id IS NOT DISTINCT FROM ${provider.tenantId}::uuid
        AND (g.provider_id IS NULL OR g.provider_id = ${provider.id}::uuid)
    ), abandoned AS (
      DELETE FROM group_member m WHERE m.account_id = ${accountId}::uuid AND m.source = 'provider'
        AND m.group_id NOT IN (SELECT id FROM joined)
    )
    INSERT INTO group_member (group_id, account_id, source) SELECT id, ${accountId}::uuid, 'provider' FROM joined
    ON CONFLICT DO NOTHING`
}

async function vouchIn(tx: Transaction, vouched: Vouched, granted: Granted): Promise<string | undefined> {
  const held = await holderOf(tx, vouched)
  if (!held && givesNothing(granted)) return undefined
  if (held && held.state !== 'active') return held.id
  if (held) await renew(tx, held, vouched)
  const id = held?.id ?? (await make(tx, vouched))
  await replaceGrants(tx, id, vouched, granted)
  return id
}

const named = (rules: readonly Rule[], pick: (then: Rule['then']) => string | undefined) => [
  ...new Set(rules.map(({ then }) => pick(then)).filter((name) => name !== undefined)),
]

const roleOf = (then: Rule['then']) => (then.give === 'role' ? then : undefined)

/** Accounts that identity providers vouch for. */
export function federatedAccounts(database: Database): FederatedAccounts {
  /** With all that it holds, also what people gave it outside of the provider's tenant. */
  const accountById = async (id: string): Promise<AccountRecord | undefined> => {
    const { rows } = await database.engine.query<AccountRow>(`SELECT * FROM (${ACCOUNTS.text}) q WHERE q.id = $1`, [id])
    return rows[0] && accountOf(rows[0])
  }
  return {
    async ground({ id, tenantId }, rules) {
      const { rows } = await database.engine.query<Omit<RuleGround, 'tenantId'>>(
        `SELECT
           (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name)), '[]') FROM tenant
             WHERE (name = ANY ($3) OR id::text = ANY ($3)) AND ($1::uuid IS NULL OR id = $1)) AS tenants,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name)), '[]') FROM site
             WHERE (name = ANY ($4) OR id::text = ANY ($4)) AND $1::uuid IS NULL) AS sites,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'tenantId', tenant_id)), '[]') FROM role
             WHERE name = ANY ($5) AND ($1::uuid IS NULL OR tenant_id IS NULL OR tenant_id = $1)) AS roles,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('name', g.name, 'outside', EXISTS (
               SELECT FROM role_binding b WHERE b.group_id = g.id AND b.tenant_id IS DISTINCT FROM g.tenant_id))), '[]')
             FROM user_group g WHERE g.name = ANY ($6) AND g.tenant_id IS NOT DISTINCT FROM $1
               AND (g.provider_id IS NULL OR g.provider_id = $2)) AS groups`,
        [
          ...[tenantId, id, named(rules, (then) => roleOf(then)?.tenant), named(rules, (then) => roleOf(then)?.site)],
          ...[
            named(rules, (then) => roleOf(then)?.role),
            named(rules, (then) => (then.give === 'group' ? then.group : undefined)),
          ],
        ],
      )
      const [row] = rows
      if (!row) throw new Error('a query without rows')
      return { tenantId, ...row }
    },
    async vouch(vouched, granted) {
      // In the provider's own scope: where the rules were evaluated wrongly, the database itself gives nothing elsewhere.
      const once = () =>
        database.inScope({ tenantId: vouched.provider.tenantId }, (tx) => vouchIn(tx, vouched, granted))
      // Somebody else, such as SCIM, made the account or took the name at the same moment: then it is there now.
      const id = await once().catch((error: unknown) => {
        if (isUniqueViolation(error)) return once()
        throw error
      })
      return id === undefined ? undefined : accountById(id)
    },
    async withdraw(providerId, subject) {
      await database.engine.query(
        `WITH held AS (SELECT id FROM account WHERE provider_id = $1 AND subject = $2),
           roles AS (DELETE FROM role_binding WHERE source = 'provider' AND account_id IN (SELECT id FROM held))
         DELETE FROM group_member WHERE source = 'provider' AND account_id IN (SELECT id FROM held)`,
        [providerId, subject],
      )
    },
  }
}
