import type { AnyContractRouter } from '@orpc/contract'
import { z } from 'zod'
import { contract } from '#server/contract/index.ts'
import { type HttpProcedure, proceduresOf } from '#server/http/procedures.ts'
import type { Ids } from './world.ts'

/** Every procedure that there is, or will be. */
export const PROCEDURES: readonly HttpProcedure[] = proceduresOf(contract as AnyContractRouter)

const inputOf = (name: string): z.ZodType | undefined => {
  const found = name.split('.').reduce<unknown>((below, part) => (below as Record<string, unknown>)[part], contract)
  return (found as { '~orpc': { inputSchema?: z.ZodType } })['~orpc'].inputSchema
}

interface Schema {
  readonly type?: string
  readonly format?: string
  readonly pattern?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly minItems?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

const TEXTS: readonly string[] = [
  ...['probe', '10.99.0.0/24', '52:54:00:99:99:99', '000000', '1', 'probe.example', 'probe@probe.example'],
  ...[
    'https://probe.example/x',
    '192.0.2.77',
    'twelve letters at least',
    '2030-01-01T00:00:00Z',
    'unix:/run/probe',
    '0'.repeat(16),
  ],
]

/** What the path in a procedure calls an object is the area's; any other id is named by its field. */
function idFor(procedure: string, field: string, ids: Ids): string | undefined {
  const [area = ''] = procedure.split('.')
  const named = field === 'id' ? ids[area] : (ids[`${area}.${field}`] ?? ids[field])
  // Of what nobody told us of yet: some id of the same tenant is better than none.
  return named ?? (/^(id|.+Id)$/.test(field) ? ids.tenantId : undefined)
}

function text(schema: Schema): string | undefined {
  const fits = (one: string) =>
    (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(one)) &&
    one.length >= (schema.minLength ?? 0) &&
    one.length <= (schema.maxLength ?? Number.POSITIVE_INFINITY)
  const format = { email: /@/, uri: /^https:/, 'date-time': /T/, ipv4: /^192/ }[schema.format ?? '']
  return TEXTS.find((one) => fits(one) && (format === undefined || format.test(one)))
}

/** What fits a schema: every field is filled, ids with those that are given. */
function fill(schema: Schema, id: (field: string) => string | undefined, field = ''): unknown {
  const options = schema.anyOf ?? schema.oneOf
  if (options) return fill(options.find(({ type }) => type !== 'null') ?? {}, id, field)
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).flatMap(([name, below]) => {
          const value = fill(below, id, name)
          return value === undefined ? [] : [[name, value]]
        }),
      )
    case 'array':
      return (schema.minItems ?? 0) > 0 && schema.items ? [fill(schema.items, id, field)] : []
    case 'boolean':
      return schema.default ?? false
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 1, 1)
    case 'string':
      return id(field) ?? (schema.format === 'uuid' ? undefined : text(schema))
    default:
      return undefined
  }
}

type Fields = Readonly<Record<string, unknown>>

/** Where a schema alone does not say what makes sense. */
const OWN: Readonly<Record<string, (ids: Ids) => Fields>> = {
  'session.create': () => ({ name: 'probe', password: 'twelve letters at least' }),
  'session.stepUp': () => ({ password: 'twelve letters at least' }),
  'users.create': ({ tenantId }) => ({ name: 'probe', role: 'tenant-member', tenantId }),
  'bindings.give': ({ users, tenantId }) => ({ id: users, role: 'tenant-member', tenantId, siteId: null }),
  'groups.give': ({ groups, tenantId }) => ({ id: groups, role: 'tenant-member', tenantId, siteId: null }),
  'roles.create': ({ tenantId }) => ({ name: 'probe', words: '', tenantId, rights: ['network.read'] }),
  'roles.update': ({ roles }) => ({ id: roles, words: 'probe', rights: ['network.read'] }),
  'tokens.create': ({ tenantId }) => ({ name: `probe-${Math.random()}`, rights: ['network.read'], tenantId, days: 1 }),
  'session.place': ({ tenantId }) => ({ tenantId, siteId: null }),
  'inventory.import': () => ({
    sites: [{ name: 'faraway', words: 'taken over' }],
    servers: [{ name: 'faraway-server-1', site: 'faraway', vtep: '192.0.2.1', underlayMtu: 9000 }],
    ...{ nics: [], datapaths: [], attachments: [] },
  }),
  'identityProviders.import': ({ tenantId }) => ({ name: 'probe', tenantId, metadata: '<probe/>' }),
  'identityProviders.addOidc': ({ tenantId }) => ({
    ...{ name: 'probe-oidc', tenantId, issuer: 'https://probe.example', clientId: 'probe', clientSecret: 'probe' },
  }),
  'signIn.arrival': () => ({ id: 'a'.repeat(43) }),
  // Nothing is fetched from anywhere for a test.
  'identityProviders.update': ({ identityProviders }) => ({ id: identityProviders, displayName: 'probe' }),
  'identityProviders.renew': ({ identityProviders }) => ({ id: identityProviders, metadata: '<probe/>' }),
}

const LISTING = new Set(['filter', 'sort', 'cursor', 'limit', 'search'])

export interface Example {
  readonly method: HttpProcedure['method']
  readonly url: string
  readonly body: unknown
  /** Everything that is sent, as text. */
  readonly sent: string
  /** Whether it names something by an id that was given. */
  readonly names: boolean
}

/** A request for a procedure with the ids that are given. Throws where none could be made that its schema takes. */
export function exampleOf({ name, method, path, pathFields }: HttpProcedure, ids: Ids): Example {
  const schema = inputOf(name)
  const used = new Set<string>()
  const id = (field: string) => {
    const found = idFor(name, field, ids)
    if (found !== undefined) used.add(found)
    return found
  }
  const own = OWN[name]?.(ids)
  const filled =
    schema && !own
      ? (fill(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema, id) as Fields)
      : own
  const fields = Object.fromEntries(Object.entries(filled ?? {}).filter(([field]) => !LISTING.has(field)))
  const parsed = schema?.safeParse(fields)
  if (parsed && !parsed.success)
    throw new Error(`${name}: no example, ${parsed.error.issues[0]?.path} ${parsed.error.message}`)
  const filledPath = path.replace(/\{(\w+)\}/g, (_, field: string) => encodeURIComponent(String(fields[field])))
  const rest = Object.entries(fields).filter(([field]) => !pathFields.includes(field))
  const given = new Set(Object.values(ids))
  const names = Object.values(fields).some((value) => given.has(String(value)))
  const inQuery = method === 'GET' || method === 'DELETE'
  const query = new URLSearchParams(rest.flatMap(([field, value]) => (value === null ? [] : [[field, String(value)]])))
  const url = `/api/v1${filledPath}${inQuery && query.size > 0 ? `?${query}` : ''}`
  const body = inQuery || !schema ? undefined : Object.fromEntries(rest)
  return { method, url, body, sent: `${url} ${JSON.stringify(body ?? {})}`, names }
}
