import { hashPassword } from '#server/identity/password.ts'
import type { AccountStore } from '#server/identity/ports.ts'
import { brokenRules, notFound } from '#server/kernel/refusal.ts'
import { api, publicAccount } from './door.ts'

/** Refuses a tenant role without a tenant, and a tenant with a role that sees all of them. */
function checkTenant(role: string, tenantId: string | null): void {
  const confined = role.startsWith('tenant-')
  if (confined === (tenantId !== null)) return
  throw brokenRules([
    confined
      ? {
          ...{ pointer: '/tenantId', rule: 'user.tenant', message: `The role ${role} is held inside a tenant.` },
          mend: 'Say which tenant.',
        }
      : {
          ...{ pointer: '/tenantId', rule: 'user.tenant', message: `The role ${role} sees all tenants.` },
          mend: 'Leave the tenant out, or choose a tenant role.',
        },
  ])
}

/** Local accounts. */
export function userHandlers(accounts: AccountStore) {
  return {
    list: api.users.list.handler(async ({ input, context }) => {
      const { items, next } = await accounts.list(context.scope, input)
      return { items: items.map((account) => publicAccount(account)), next }
    }),
    create: api.users.create.handler(async ({ input, context }) => {
      const { name, role, tenantId, password, displayName = name } = input
      context.note.detail = `${name}, ${role}`
      checkTenant(role, tenantId)
      const passwordHash = await hashPassword(password)
      const account = await accounts.create(context.scope, { name, role, tenantId, displayName, passwordHash })
      context.note.subject = `user/${account.id}`
      context.note.after = publicAccount(account)
      return publicAccount(account)
    }),
    remove: api.users.remove.handler(async ({ input, context }) => {
      context.note.subject = `user/${input.id}`
      if (input.id === context.account.id)
        throw brokenRules([
          {
            ...{ pointer: '/id', rule: 'user.self', message: 'One’s own account stays.' },
            mend: 'Let another operator remove it.',
          },
        ])
      const account = await accounts.byId(input.id)
      if (!(await accounts.remove(context.scope, input.id))) throw notFound('user')
      context.note.before = account && publicAccount(account)
    }),
  }
}
