import { z } from 'zod'
import { Id, ListQuery, listOf, Name, procedure, Time } from './base.ts'
import { RIGHTS, ROLES } from './rights.ts'

export const Account = z.object({
  id: Id,
  name: z.string(),
  displayName: z.string(),
  role: z.string().describe('The strongest role where it works: one of those in code, or one that was made'),
  tenantId: Id.nullable(),
  tenantName: z.string().nullable(),
})
export type Account = z.infer<typeof Account>

export const Session = z.object({
  account: Account,
  rights: z.array(z.enum(RIGHTS)),
  expiresAt: Time,
  product: z.object({ name: z.string(), version: z.string(), instance: z.string(), demo: z.boolean() }),
})
export type Session = z.infer<typeof Session>

/** Who else took part in a session that was ended. */
export const LoggedOut = z.object({
  next: z
    .string()
    .describe('To be opened in the browser: the way to those who wait for it, then a page that says how it went'),
  participants: z.array(
    z.object({
      kind: z.enum(['provider', 'console']),
      name: z.string(),
      outcome: z.enum(['waiting', 'signed-out', 'partly', 'not-signed-out']).describe('waiting: for the browser'),
    }),
  ),
})

const Password = z.string().min(12).max(256)

export const session = {
  get: procedure({ right: 'self', cli: { noun: 'session', verb: 'show' } })
    .route({ method: 'GET', path: '/session', tags: ['session'], summary: 'Who is signed in' })
    .output(Session),
  create: procedure({ right: 'public', maxBody: 4096 })
    .route({
      method: 'POST',
      path: '/session',
      tags: ['session'],
      summary: 'Sign in with a local account',
      successStatus: 201,
    })
    .input(z.strictObject({ name: z.string().min(1).max(63), password: z.string().min(1).max(256) }))
    .output(Session),
  remove: procedure({ right: 'self' })
    .route({ method: 'DELETE', path: '/session', tags: ['session'], summary: 'Sign out', successStatus: 204 })
    .output(z.void()),
  logout: procedure({ right: 'self', maxBody: 4096 })
    .route({
      ...{ method: 'POST', path: '/session/logout', tags: ['session'] },
      summary: 'Sign out here, or everywhere that the session reaches',
    })
    .input(
      z.strictObject({
        everywhere: z.boolean().default(false).describe('Also of the identity provider, and of consoles of VNFs'),
      }),
    )
    .output(LoggedOut),
  password: procedure({ right: 'self', maxBody: 4096 })
    .route({
      method: 'PUT',
      path: '/session/password',
      tags: ['session'],
      summary: 'Change one’s own password',
      successStatus: 204,
    })
    .input(z.strictObject({ current: z.string().max(256), next: Password }))
    .output(z.void()),
}

export const users = {
  list: procedure({ right: 'user.read', cli: { noun: 'user', verb: 'list' } })
    .route({ method: 'GET', path: '/users', tags: ['users'], summary: 'List local accounts' })
    .input(ListQuery)
    .output(listOf(Account)),
  create: procedure({ right: 'user.write', maxBody: 4096, cli: { noun: 'user', verb: 'create', args: ['name'] } })
    .route({ method: 'POST', path: '/users', tags: ['users'], summary: 'Create a local account', successStatus: 201 })
    .input(
      z.strictObject({
        name: Name,
        displayName: z.string().min(1).max(100).optional(),
        role: z.enum(ROLES),
        tenantId: Id.nullable().default(null).describe('Needed for the tenant roles, refused for the others'),
        password: Password,
      }),
    )
    .output(Account),
  remove: procedure({ right: 'user.write', cli: { noun: 'user', verb: 'delete', args: ['id'] } })
    .route({
      method: 'DELETE',
      path: '/users/{id}',
      tags: ['users'],
      summary: 'Remove a local account',
      successStatus: 204,
    })
    .input(z.strictObject({ id: Id }))
    .output(z.void()),
}
