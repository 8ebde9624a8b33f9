import { z } from 'zod'
import { Binding } from './access.ts'
import { ById, Id, ListQuery, listOf, Name, procedure, Revision, Time } from './base.ts'
import { RIGHTS, ROLES } from './rights.ts'
import { LocalProof, Signal, StepUp } from './sessions.ts'

const DUTIES = ['password', 'second-factor'] as const
const SECOND_FACTORS = ['optional', 'required', 'passkey', 'hardware'] as const

export const Account = z.object({
  id: Id,
  name: z.string(),
  displayName: z.string(),
  role: z.string().describe('The strongest role where it works: one of those in code, or one that was made'),
  tenantId: Id.nullable(),
  tenantName: z.string().nullable(),
  email: z.string().nullable(),
  state: z.enum(['active', 'disabled']),
  providerName: z.string().nullable().describe('The identity provider that vouches for it; null: it is kept here'),
  breakGlass: z.boolean().describe('For when every provider is down: its sign-ins are loud'),
  passwordEndsAt: Time.nullable().describe('When a password ends that was made for it; null: its person chose it'),
  bindings: z.array(Binding),
  signedInAt: Time.nullable(),
  revision: Revision,
})
export type Account = z.infer<typeof Account>

/** Somewhere that a person has rights: everywhere (both null), one tenant, or one site. */
export const Place = z.object({
  tenantId: Id.nullable(),
  tenantName: z.string().nullable(),
  siteId: Id.nullable(),
  siteName: z.string().nullable(),
})
export type Place = z.infer<typeof Place>

export const Session = z.object({
  account: Account,
  rights: z.array(z.enum(RIGHTS)),
  expiresAt: Time,
  method: z.string().describe('password, passkey, saml, oidc, token; a second factor after a plus'),
  authenticatedAt: Time.describe('When its person last proved who they are'),
  freshUntil: Time.describe('Until then that counts for dangerous acts, unless there are signals'),
  signals: z.array(Signal).describe('What has changed since: dangerous acts ask for a new proof'),
  idle: z.array(Binding).describe('Roles that do not count in this request, for where or when it was sent'),
  owes: z
    .array(z.enum(DUTIES))
    .describe('What has to be settled first: all else is refused (`owed`), which says by what it is settled'),
  secondFactor: z
    .enum(SECOND_FACTORS)
    .describe('What sign-in has to prove here: anything, several factors, a passkey, one that no device copies'),
  stepUpUrl: z
    .string()
    .nullable()
    .describe(
      'Where in the browser its person proves it anew, with `&returnTo=` a path; null: `POST /session/step-up`',
    ),
  place: Place.describe('Where its person works now'),
  places: z.array(Place).describe('Where its person may work'),
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
const FirstPassword = z.string().describe('Told once: to sign in with it and choose another, until `passwordEndsAt`')

export const session = {
  get: procedure({ right: 'self', settles: true, cli: { noun: 'session', verb: 'show' } })
    .route({ method: 'GET', path: '/session', tags: ['session'], summary: 'Who is signed in' })
    .output(Session),
  create: procedure({ right: 'public', secret: true, maxBody: 16_384 })
    .route({
      method: 'POST',
      path: '/session',
      tags: ['session'],
      summary: 'Sign in with a local account',
      successStatus: 201,
    })
    .input(LocalProof)
    .output(Session),
  stepUp: procedure({ right: 'self', settles: true, secret: true, maxBody: 16_384 })
    .route({
      method: 'POST',
      path: '/session/step-up',
      tags: ['session'],
      summary: 'Prove anew who one is; the session goes on under a new id',
    })
    .input(StepUp)
    .output(Session),
  remove: procedure({ right: 'self', settles: true })
    .route({ method: 'DELETE', path: '/session', tags: ['session'], summary: 'Sign out', successStatus: 204 })
    .output(z.void()),
  logout: procedure({ right: 'self', settles: true, maxBody: 4096 })
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
  place: procedure({
    ...{ right: 'self', maxBody: 4096, fields: { tenantId: 'own', siteId: 'own' } },
    cli: { noun: 'session', verb: 'place' },
  })
    .route({ method: 'PUT', path: '/session/place', tags: ['session'], summary: 'Work in another of one’s places' })
    .input(z.strictObject({ tenantId: Id.nullable().default(null), siteId: Id.nullable().default(null) }))
    .output(Session),
  password: procedure({ right: 'self', settles: true, maxBody: 4096 })
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
    .route({ method: 'GET', path: '/users', tags: ['users'], summary: 'List accounts' })
    .input(ListQuery)
    .output(listOf(Account)),
  get: procedure({ right: 'user.read', cli: { noun: 'user', verb: 'show', args: ['id'] } })
    .route({ method: 'GET', path: '/users/{id}', tags: ['users'], summary: 'One account, with what it may do where' })
    .input(ById)
    .output(Account),
  create: procedure({
    ...{ right: 'user.write', secret: true, fresh: true, maxBody: 4096, fields: { role: 'held', tenantId: 'within' } },
    cli: { noun: 'user', verb: 'create', args: ['name'] },
  })
    .route({
      ...{ method: 'POST', path: '/users', tags: ['users'], successStatus: 201 },
      summary: 'Create a local account, with a first password that is made for it',
    })
    .input(
      z.strictObject({
        name: Name,
        displayName: z.string().min(1).max(100).optional(),
        role: z.enum(ROLES),
        tenantId: Id.nullable().default(null).describe('Needed for the tenant roles, refused for the others'),
      }),
    )
    .output(Account.extend({ password: FirstPassword })),
  newPassword: procedure({
    ...{ right: 'user.write', secret: true, fresh: true, maxBody: 4096 },
    cli: { noun: 'user', verb: 'new-password', args: ['id'] },
  })
    .route({
      ...{ method: 'POST', path: '/users/{id}/password', tags: ['users'] },
      summary: 'Make another first password for an account; its sessions end',
    })
    .input(ById)
    .output(z.object({ name: z.string(), password: FirstPassword, passwordEndsAt: Time })),
  update: procedure({
    ...{ right: 'user.write', revision: true, fresh: true, maxBody: 4096, fields: { breakGlass: 'everywhere' } },
    cli: { noun: 'user', verb: 'update', args: ['id'] },
  })
    .route({ method: 'PATCH', path: '/users/{id}', tags: ['users'], summary: 'Change an account, or disable it' })
    .input(
      z.strictObject({
        id: Id,
        displayName: z.string().trim().min(1).max(100).optional(),
        email: z.email().max(254).nullable().optional(),
        state: z.enum(['active', 'disabled']).optional(),
        breakGlass: z.boolean().optional(),
      }),
    )
    .output(Account),
  remove: procedure({ right: 'user.write', fresh: true, cli: { noun: 'user', verb: 'delete', args: ['id'] } })
    .route({
      method: 'DELETE',
      path: '/users/{id}',
      tags: ['users'],
      summary: 'Remove an account with its sessions and tokens',
      successStatus: 204,
    })
    .input(z.strictObject({ id: Id }))
    .output(z.void()),
}
