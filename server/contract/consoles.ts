import { z } from 'zod'
import { ById, Id, ListQuery, listOf, Name, procedure, Revision, Time } from './base.ts'

/** Attributes that may be released to a console. */
export const RELEASABLE = ['name', 'displayName', 'email', 'roles', 'groups', 'tenant'] as const

/** The console of a VNF (a SAML service provider), to which Weft is the identity provider. */
export const VnfConsole = z.object({
  id: Id,
  name: Name,
  displayName: z.string(),
  tenantId: Id.nullable().describe('Whose people may use it; null: everybody'),
  tenantName: z.string().nullable(),
  state: z.enum(['open', 'closed']),
  entityId: z.string(),
  assertionConsumers: z.array(z.string()),
  singleLogout: z.array(z.string()),
  homeUrl: z.string().nullable(),
  release: z.array(z.enum(RELEASABLE)),
  encrypt: z.boolean(),
  certificateNotAfter: Time.nullable(),
  revision: Revision,
})
export type VnfConsole = z.infer<typeof VnfConsole>

const METADATA_LIMIT = 1024 * 1024
const Metadata = z.string().min(1).max(METADATA_LIMIT).describe('SAML metadata, XML')
const HomeUrl = z.url({ protocol: /^https?$/ }).max(2048)

const route = <M extends 'GET' | 'POST' | 'PATCH' | 'DELETE', P extends `/${string}`>(
  method: M,
  path: P,
  summary: string,
  successStatus = 200,
) => ({ method, path, summary, successStatus, tags: ['consoles'] })

export const consoles = {
  list: procedure({ right: 'console.read', cli: { noun: 'console', verb: 'list' } })
    .route(route('GET', '/consoles', 'List consoles that Weft signs people in to'))
    .input(ListQuery)
    .output(listOf(VnfConsole)),
  get: procedure({ right: 'console.read', cli: { noun: 'console', verb: 'show', args: ['id'] } })
    .route(route('GET', '/consoles/{id}', 'One console'))
    .input(ById)
    .output(VnfConsole),
  register: procedure({
    ...{ right: 'console.write', maxBody: 2 * METADATA_LIMIT, fresh: true, fields: { tenantId: 'within' } },
    cli: { noun: 'console', verb: 'register', args: ['name'], files: ['metadata'] },
  })
    .route(route('POST', '/consoles', 'Register a console from its metadata', 201))
    .input(
      z.strictObject({
        name: Name,
        displayName: z.string().min(1).max(100).optional(),
        tenantId: Id.nullable().default(null),
        metadata: Metadata,
        homeUrl: HomeUrl.optional().describe('Where people open it'),
        release: z.array(z.enum(RELEASABLE)).default([]).describe('Attributes that it is told; nothing unless said'),
        encrypt: z.boolean().default(false),
      }),
    )
    .output(VnfConsole),
  update: procedure({
    ...{ right: 'console.write', revision: true, maxBody: 2 * METADATA_LIMIT, fresh: true },
    cli: { noun: 'console', verb: 'update', args: ['id'], files: ['metadata'] },
  })
    .route(route('PATCH', '/consoles/{id}', 'Change a console'))
    .input(
      z.strictObject({
        id: Id,
        displayName: z.string().min(1).max(100).optional(),
        state: z.enum(['open', 'closed']).optional(),
        metadata: Metadata.optional(),
        homeUrl: HomeUrl.nullable().optional(),
        release: z.array(z.enum(RELEASABLE)).optional(),
        encrypt: z.boolean().optional(),
      }),
    )
    .output(VnfConsole),
  remove: procedure({
    ...{ right: 'console.write', revision: true, fresh: true },
    cli: { noun: 'console', verb: 'delete', args: ['id'] },
  })
    .route(route('DELETE', '/consoles/{id}', 'Forget a console', 204))
    .input(ById)
    .output(z.void()),
  mine: procedure({ right: 'self', cli: { noun: 'console', verb: 'mine' } })
    .route(route('GET', '/my-consoles', 'Consoles that one may open, and those one is signed in to'))
    .output(
      z.object({
        items: z.array(z.object({ id: Id, displayName: z.string(), url: z.string(), signedInAt: Time.nullable() })),
      }),
    ),
}
