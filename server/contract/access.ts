import { z } from 'zod'
import { ById, Id, ListQuery, listOf, procedure, Revision, Time } from './base.ts'
import { RIGHTS } from './rights.ts'

const Words = z.string().max(200)
const RoleName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a to z, 0 to 9 and inner hyphens, at most 63')
const GroupName = z.string().trim().min(1).max(100)

export const RoleRecord = z.object({
  id: Id.nullable().describe('null: a role in code'),
  name: z.string(),
  words: z.string(),
  tenantId: Id.nullable().describe('The tenant that made it; null: everybody’s'),
  tenantName: z.string().nullable(),
  rights: z.array(z.enum(RIGHTS)),
  holders: z.number().int().describe('Bindings that give it'),
  revision: Revision.nullable(),
})
export type RoleRecord = z.infer<typeof RoleRecord>

const From = z.array(z.string().max(43)).max(32)
const Hours = z.string().max(120)
/** Where a request must come from, and when, for a role to count in it. */
const Conditions = {
  from: From.default([]).describe('Counts in requests from these prefixes alone, such as 10.0.0.0/8'),
  hours: Hours.nullable()
    .default(null)
    .describe('Counts at these hours alone, such as Mon-Fri 07:00-19:00 Europe/Berlin'),
}

export const Binding = z.object({
  id: Id,
  role: z.string(),
  tenantId: Id.nullable(),
  tenantName: z.string().nullable(),
  siteId: Id.nullable(),
  siteName: z.string().nullable(),
  groupName: z.string().nullable().describe('The group that it comes through'),
  source: z.enum(['local', 'provider', 'scim']),
  from: From.describe('Prefixes that it counts from; none: from everywhere'),
  hours: Hours.nullable().describe('When it counts; null: at all times'),
})
export type Binding = z.infer<typeof Binding>

const tagged = <M extends 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', P extends `/${string}`>(
  tag: string,
  method: M,
  path: P,
  summary: string,
  successStatus = 200,
) => ({ method, path, summary, successStatus, tags: [tag] })

export const roles = {
  list: procedure({ right: 'role.read', cli: { noun: 'role', verb: 'list' } })
    .route(tagged('roles', 'GET', '/roles', 'List roles: those in code, and those that were made'))
    .input(ListQuery)
    .output(listOf(RoleRecord)),
  create: procedure({
    ...{ right: 'role.write', fresh: true, fields: { rights: 'held', tenantId: 'within' } },
    cli: { noun: 'role', verb: 'create', args: ['name'] },
  })
    .route(tagged('roles', 'POST', '/roles', 'Make a role of rights that one holds oneself', 201))
    .input(
      z.strictObject({
        name: RoleName,
        words: Words.default(''),
        tenantId: Id.nullable().default(null),
        rights: z.array(z.enum(RIGHTS)).min(1).max(RIGHTS.length),
      }),
    )
    .output(RoleRecord),
  update: procedure({
    ...{ right: 'role.write', revision: true, fresh: true, fields: { rights: 'held' } },
    cli: { noun: 'role', verb: 'update', args: ['id'] },
  })
    .route(tagged('roles', 'PATCH', '/roles/{id}', 'Change what a role may do'))
    .input(z.strictObject({ id: Id, words: Words.optional(), rights: z.array(z.enum(RIGHTS)).min(1).optional() }))
    .output(RoleRecord),
  remove: procedure({
    ...{ right: 'role.write', revision: true, fresh: true },
    cli: { noun: 'role', verb: 'delete', args: ['id'] },
  })
    .route(tagged('roles', 'DELETE', '/roles/{id}', 'Remove a role that nobody holds', 204))
    .input(ById)
    .output(z.void()),
}

/** Where one does not hold the role oneself, one does not give it. */
const GIVEN = { role: 'held', tenantId: 'within', siteId: 'held' } as const

const NewBinding = {
  role: z.string().min(1).max(63),
  tenantId: Id.nullable().default(null),
  siteId: Id.nullable().default(null),
  ...Conditions,
}

export const bindings = {
  give: procedure({
    ...{ right: 'user.write', fresh: true, fields: GIVEN },
    cli: { noun: 'user', verb: 'give', args: ['id', 'role'] },
  })
    .route(tagged('users', 'POST', '/users/{id}/bindings', 'Give a person a role, somewhere', 201))
    .input(z.strictObject({ id: Id, ...NewBinding }))
    .output(Binding),
  take: procedure({ right: 'user.write', fresh: true, cli: { noun: 'user', verb: 'take', args: ['id', 'binding'] } })
    .route(tagged('users', 'DELETE', '/users/{id}/bindings/{binding}', 'Take a role from a person', 204))
    .input(z.strictObject({ id: Id, binding: Id }))
    .output(z.void()),
}

const Member = z.object({
  id: Id,
  name: z.string(),
  displayName: z.string(),
  source: z.enum(['local', 'provider', 'scim']),
})

export const Group = z.object({
  id: Id,
  name: z.string(),
  tenantId: Id.nullable(),
  tenantName: z.string().nullable(),
  providerName: z.string().nullable().describe('The provider that keeps it by SCIM'),
  members: z.number().int(),
  bindings: z.array(Binding),
  revision: Revision,
})
export type Group = z.infer<typeof Group>

export const groups = {
  list: procedure({ right: 'group.read', cli: { noun: 'group', verb: 'list' } })
    .route(tagged('groups', 'GET', '/groups', 'List groups'))
    .input(ListQuery)
    .output(listOf(Group)),
  get: procedure({ right: 'group.read', cli: { noun: 'group', verb: 'show', args: ['id'] } })
    .route(tagged('groups', 'GET', '/groups/{id}', 'One group'))
    .input(ById)
    .output(Group),
  create: procedure({
    ...{ right: 'group.write', fields: { tenantId: 'within' } },
    cli: { noun: 'group', verb: 'create', args: ['name'] },
  })
    .route(tagged('groups', 'POST', '/groups', 'Make a group', 201))
    .input(z.strictObject({ name: GroupName, tenantId: Id.nullable().default(null) }))
    .output(Group),
  rename: procedure({
    ...{ right: 'group.write', revision: true },
    cli: { noun: 'group', verb: 'rename', args: ['id', 'name'] },
  })
    .route(tagged('groups', 'PATCH', '/groups/{id}', 'Rename a group'))
    .input(z.strictObject({ id: Id, name: GroupName }))
    .output(Group),
  remove: procedure({
    ...{ right: 'group.write', revision: true, fresh: true },
    cli: { noun: 'group', verb: 'delete', args: ['id'] },
  })
    .route(tagged('groups', 'DELETE', '/groups/{id}', 'Remove a group; its members lose what it gave', 204))
    .input(ById)
    .output(z.void()),
  members: procedure({ right: 'group.read', cli: { noun: 'group', verb: 'members', args: ['id'] } })
    .route(tagged('groups', 'GET', '/groups/{id}/members', 'Who is in a group'))
    .input(ListQuery.extend({ id: Id }))
    .output(listOf(Member)),
  add: procedure({ right: 'group.write', fresh: true, cli: { noun: 'group', verb: 'add', args: ['id', 'userId'] } })
    .route(tagged('groups', 'POST', '/groups/{id}/members', 'Put a person in a group', 204))
    .input(z.strictObject({ id: Id, userId: Id }))
    .output(z.void()),
  drop: procedure({ right: 'group.write', fresh: true, cli: { noun: 'group', verb: 'drop', args: ['id', 'userId'] } })
    .route(tagged('groups', 'DELETE', '/groups/{id}/members/{userId}', 'Take a person out of a group', 204))
    .input(z.strictObject({ id: Id, userId: Id }))
    .output(z.void()),
  give: procedure({
    ...{ right: 'group.write', fresh: true, fields: GIVEN },
    cli: { noun: 'group', verb: 'give', args: ['id', 'role'] },
  })
    .route(tagged('groups', 'POST', '/groups/{id}/bindings', 'Give a group’s members a role, somewhere', 201))
    .input(z.strictObject({ id: Id, ...NewBinding }))
    .output(Binding),
  take: procedure({ right: 'group.write', fresh: true, cli: { noun: 'group', verb: 'take', args: ['id', 'binding'] } })
    .route(tagged('groups', 'DELETE', '/groups/{id}/bindings/{binding}', 'Take a role from a group', 204))
    .input(z.strictObject({ id: Id, binding: Id }))
    .output(z.void()),
}

export const ApiToken = z.object({
  id: Id,
  name: z.string(),
  prefix: z.string().describe('Its first characters, by which people tell tokens apart'),
  ownerId: Id,
  ownerName: z.string(),
  rights: z.array(z.enum(RIGHTS)),
  tenantId: Id.nullable(),
  tenantName: z.string().nullable(),
  siteId: Id.nullable(),
  siteName: z.string().nullable(),
  createdAt: Time,
  expiresAt: Time,
  usedAt: Time.nullable(),
  usedFrom: z.string().nullable(),
})
export type ApiToken = z.infer<typeof ApiToken>

export const tokens = {
  own: procedure({ right: 'self', cli: { noun: 'token', verb: 'list' } })
    .route(tagged('tokens', 'GET', '/tokens', 'List one’s own API tokens'))
    .input(ListQuery)
    .output(listOf(ApiToken)),
  create: procedure({
    ...{ right: 'self', fresh: true, secret: true, fields: { rights: 'held', tenantId: 'within' } },
    cli: { noun: 'token', verb: 'create', args: ['name'] },
  })
    .route(tagged('tokens', 'POST', '/tokens', 'Make an API token of rights that one holds; it is shown once', 201))
    .input(
      z.strictObject({
        name: z.string().trim().min(1).max(63),
        rights: z.array(z.enum(RIGHTS)).min(1).max(RIGHTS.length),
        tenantId: Id.nullable().default(null).describe('Confines it to a tenant; else it counts where one works now'),
        days: z.number().int().min(1).max(366).default(90),
      }),
    )
    .output(ApiToken.extend({ token: z.string().describe('Shown once, kept nowhere') })),
  end: procedure({ right: 'self', cli: { noun: 'token', verb: 'end', args: ['id'] } })
    .route(tagged('tokens', 'DELETE', '/tokens/{id}', 'End one of one’s own tokens', 204))
    .input(ById)
    .output(z.void()),
  all: procedure({ right: 'token.read', cli: { noun: 'token', verb: 'list-all' } })
    .route(tagged('tokens', 'GET', '/all-tokens', 'List everybody’s API tokens'))
    .input(ListQuery)
    .output(listOf(ApiToken)),
  endAny: procedure({ right: 'token.end', cli: { noun: 'token', verb: 'end-any', args: ['id'] } })
    .route(tagged('tokens', 'DELETE', '/all-tokens/{id}', 'End anybody’s token', 204))
    .input(ById)
    .output(z.void()),
}

export const Decision = z.object({
  id: z.string(),
  at: Time,
  lastAt: Time.describe('Of reads that are alike: when the last of the hour was'),
  count: z.number().int().describe('Reads that are alike share a line for an hour'),
  kind: z.enum(['read', 'write']),
  account: z.string(),
  tenantId: Id.nullable(),
  address: z.string(),
  procedure: z.string(),
  right: z.string(),
  allowed: z.boolean(),
  because: z.string().describe('The binding or token that gave the right, or what was missing'),
})
export type Decision = z.infer<typeof Decision>

export const decisions = {
  list: procedure({ right: 'decision.read', cli: { noun: 'decision', verb: 'list' } })
    .route(tagged('decisions', 'GET', '/decisions', 'Why calls were let in or refused, newest first'))
    .input(ListQuery)
    .output(listOf(Decision)),
}
