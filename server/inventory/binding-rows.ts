import type { Binding as BindingView } from '#server/contract/access.ts'
import { RIGHTS, type Right, ROLE_RIGHTS, ROLES, type Role } from '#server/contract/rights.ts'
import type { Binding } from '#server/identity/ports.ts'
import { Prisma } from './generated/client.ts'

/** A row of `role_binding b`, joined as `BINDING_JOINS` says. */
export const BINDING_JSON = Prisma.sql`jsonb_build_object('id', b.id, 'builtin', b.builtin, 'role', coalesce(r.name, b.builtin), 'rights', r.rights,
        'tenantId', b.tenant_id, 'tenantName', bt.name, 'siteId', b.site_id, 'siteName', s.name, 'groupName', g.name, 'source', b.source,
        'from', b."from", 'hours', b.hours)`
export const BINDING_JOINS = Prisma.sql`LEFT JOIN role r ON r.id = b.role_id LEFT JOIN user_group g ON g.id = b.group_id
      LEFT JOIN tenant bt ON bt.id = b.tenant_id LEFT JOIN site s ON s.id = b.site_id`

export interface BindingRow extends Omit<Binding, 'rights'> {
  readonly builtin: string | null
  readonly rights: string[] | null
}

/** Whether a role is one of those in code. */
export const isBuiltin = (role: string | null): role is Role => (ROLES as readonly (string | null)[]).includes(role)

/** The rights among words: one that a later version no longer knows gives nothing. */
export const rightsAmong = (words: readonly string[]): Right[] =>
  words.filter((word): word is Right => (RIGHTS as readonly string[]).includes(word))

/** A binding as everybody else has it: what a role in code may do stands in code. */
export const bindingOf = ({ builtin, rights, ...binding }: BindingRow): Binding => ({
  ...binding,
  rights: isBuiltin(builtin) ? ROLE_RIGHTS[builtin] : rightsAmong(rights ?? []),
})

/** A binding as the API shows it. */
export const bindingView = ({ rights: _, from, ...binding }: Binding): BindingView => ({ ...binding, from: [...from] })
