import SCIMMY from 'scimmy'
import { Refusal, type RefusalCode } from '#server/kernel/refusal.ts'
import { queryOf } from './filter.ts'
import type {
  ScimDirectory,
  ScimFound,
  ScimGroup,
  ScimGroupWrite,
  ScimShelf,
  ScimUser,
  ScimUserWrite,
} from './ports.ts'

/** What one request works on, and what it leaves behind. */
export interface ScimContext {
  readonly directory: ScimDirectory
  /** Where users and groups are: `https://weft.example.net/scim/v2`. */
  readonly base: string
  /** What was written, for the audit log. */
  readonly note: { id?: string; before?: unknown; after?: unknown }
  /** A fault of ours: the caller is told none of it. */
  fault?: unknown
}

const { Resources, Schemas, Config } = SCIMMY
const ScimError = SCIMMY.Types.Error

const PAGE_MAX = 200
const NAME_MAX = 200
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u
const MEMBERS_MAX = 20_000

const STATUS: Partial<Record<RefusalCode, readonly [number, string | null]>> = {
  conflict: [409, 'uniqueness'],
  rule: [400, 'invalidValue'],
  forbidden: [403, null],
  'not-found': [404, null],
}

function errorOf(error: Refusal): Error {
  const [status, kind] = STATUS[error.code] ?? [400, null]
  const type = error.errors[0]?.rule === 'scim.filter' ? 'invalidFilter' : kind
  return new ScimError(status, type as string, error.message)
}

/** The library takes any other error of a handler for an answer that there is none: ours are told apart before that. */
async function guarded<T>(context: ScimContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ScimError) throw error
    if (error instanceof Refusal) throw errorOf(error)
    context.fault = error
    throw new ScimError(500, null as unknown as string, 'Something went wrong on our side. It has been logged.')
  }
}

const missing = (id: string) => new ScimError(404, null as unknown as string, `Resource ${id.slice(0, 100)} not found`)

/** A name as it can be shown in a line. */
function plain(text: string, attribute: string): string {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.length > NAME_MAX || CONTROL.test(trimmed))
    throw new ScimError(400, 'invalidValue', `${attribute} is empty, too long, or no plain text.`)
  return trimmed
}

const optional = (text: string | undefined, attribute: string): string | null =>
  text === undefined || text === '' ? null : plain(text, attribute)

function userWrite(user: SCIMMY.Schemas.User): ScimUserWrite {
  const { userName, externalId, displayName, name, emails = [], active } = user
  const parts = [name?.givenName, name?.familyName].filter(Boolean).join(' ')
  const { value: email } =
    emails.find(({ primary }) => primary) ?? emails.find(({ type }) => type === 'work') ?? emails[0] ?? {}
  return {
    userName: plain(userName, 'userName'),
    externalId: optional(externalId, 'externalId'),
    displayName: plain(displayName || name?.formatted || parts || userName, 'displayName').slice(0, NAME_MAX),
    email: optional(email, 'emails'),
    active,
  }
}

const metaOf = (context: ScimContext, path: string, createdAt: Date) => ({
  created: createdAt,
  location: `${context.base}${path}`,
})

const userView = (
  context: ScimContext,
  { id, userName, externalId, displayName, email, active, groups, createdAt }: ScimUser,
) => ({
  ...{ id, userName, displayName, active, name: { formatted: displayName } },
  ...(externalId !== null && { externalId }),
  ...(email !== null && { emails: [{ value: email, type: 'work', primary: true }] }),
  ...(groups.length > 0 && {
    groups: groups.map((group) => ({
      ...{ value: group.id, display: group.name, $ref: `${context.base}/Groups/${group.id}`, type: 'direct' },
    })),
  }),
  meta: metaOf(context, `/Users/${id}`, createdAt),
})

function groupWrite({
  displayName,
  externalId,
  members = [],
}: SCIMMY.Schemas.Group & { externalId?: string }): ScimGroupWrite {
  if (members.length > MEMBERS_MAX)
    throw new ScimError(400, 'invalidValue', `A group has at most ${MEMBERS_MAX} members.`)
  if (members.some(({ type }) => type === 'Group'))
    throw new ScimError(400, 'invalidValue', 'Groups have no groups in them.')
  return {
    displayName: plain(displayName, 'displayName'),
    externalId: optional(externalId, 'externalId'),
    members: members.map(({ value }) => String(value)),
  }
}

const groupView = (context: ScimContext, { id, displayName, externalId, members, createdAt }: ScimGroup) => ({
  ...{ id, displayName },
  ...(externalId !== null && { externalId }),
  ...(members.length > 0 && {
    members: members.map((member) => ({
      ...{ value: member.id, display: member.name, $ref: `${context.base}/Users/${member.id}`, type: 'User' },
    })),
  }),
  meta: metaOf(context, `/Groups/${id}`, createdAt),
})

/** How the library reads and writes one kind: a shelf of the directory, and how it is shown and read. */
interface Kind<T, W, S> {
  readonly shelf: (directory: ScimDirectory) => ScimShelf<T, W>
  readonly view: (context: ScimContext, item: T) => object
  readonly write: (instance: S) => W
}

interface Asked {
  readonly id?: string
  readonly filter?: SCIMMY.Types.Filter
  constraints?: { startIndex?: number; count?: number; totalResults?: number }
}

function handlersOf<T extends { id: string }, W, S>({ shelf, view, write }: Kind<T, W, S>) {
  const list = async (asked: Asked, context: ScimContext) => {
    const { startIndex = 1, count = PAGE_MAX } = asked.constraints ?? {}
    const limit = Math.min(count, PAGE_MAX)
    const found: ScimFound<T> = await shelf(context.directory).list(queryOf(asked.filter, startIndex - 1, limit))
    // One page is what was read: the library must not cut a page out of it again.
    asked.constraints = { count: limit, totalResults: found.total }
    return found.items.map((item) => view(context, item))
  }
  return {
    egress: (asked: Asked, context: ScimContext) =>
      guarded(context, async () => {
        if (asked.id === undefined) return list(asked, context)
        const item = await shelf(context.directory).get(asked.id)
        if (!item) throw missing(asked.id)
        return view(context, item)
      }),
    ingress: (asked: Asked, instance: S, context: ScimContext) =>
      guarded(context, async () => {
        const { id } = asked
        const kept = shelf(context.directory)
        const before = id === undefined ? undefined : await kept.get(id)
        const after = id === undefined ? await kept.create(write(instance)) : await kept.replace(id, write(instance))
        if (!after) throw missing(id ?? '')
        Object.assign(context.note, { id: after.id, after, ...(before && { before }) })
        return view(context, after)
      }),
    degress: (asked: Asked, context: ScimContext) =>
      guarded(context, async () => {
        const { id = '' } = asked
        const kept = shelf(context.directory)
        const before = await kept.get(id)
        if (!(await kept.remove(id))) throw missing(id)
        Object.assign(context.note, { id, before })
      }),
  }
}

const users = handlersOf<ScimUser, ScimUserWrite, SCIMMY.Schemas.User>({
  ...{ shelf: ({ users: shelf }) => shelf, view: userView, write: userWrite },
})
const groups = handlersOf<ScimGroup, ScimGroupWrite, SCIMMY.Schemas.Group>({
  ...{ shelf: ({ groups: shelf }) => shelf, view: groupView, write: groupWrite },
})

// The library keeps one of each for the whole process: all that differs between requests goes along as their context.
Resources.declare(Resources.User, {
  ...(users as object),
  extensions: [{ schema: Schemas.EnterpriseUser, required: false }],
})
Resources.declare(Resources.Group, groups as object)
Config.set({
  patch: { supported: true },
  filter: { supported: true, maxResults: PAGE_MAX },
  authenticationSchemes: [
    { type: 'oauthbearertoken', name: 'Bearer token', description: 'The token that was shown when SCIM was allowed.' },
  ],
} as Parameters<typeof Config.set>[0])

export type ScimKind = 'Users' | 'Groups'

/** One user or group, or all of them, as the library works on them. */
export interface ScimResource {
  read(context: ScimContext): Promise<object>
  /** Creates without an id, replaces with one. */
  write(body: unknown, context: ScimContext): Promise<{ readonly meta?: { readonly location?: string } }>
  /** Undefined: nothing changed. */
  patch(body: unknown, context: ScimContext): Promise<object | undefined>
  dispose(context: ScimContext): Promise<void>
}

/** Parameters of a question, as the library reads them. */
export interface ScimQuestion {
  readonly filter?: unknown
  readonly attributes?: unknown
  readonly excludedAttributes?: unknown
  readonly startIndex?: number
  readonly count?: number
}

type MakesResource = new (...parameters: readonly unknown[]) => ScimResource
const MAKES: Readonly<Record<ScimKind, MakesResource>> = {
  Users: Resources.User as unknown as MakesResource,
  Groups: Resources.Group as unknown as MakesResource,
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The library stumbles over some of what it cannot read: that is the fault of whoever wrote it. */
async function speaking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new ScimError(400, 'invalidSyntax', `It cannot be read: ${error.message.slice(0, 200)}`)
  }
}

/** Throws SCIM's error for what is no id: the library would put it in a filter. */
export function resourceOf(kind: ScimKind, id?: string, question: ScimQuestion = {}): ScimResource {
  if (id !== undefined && !UUID.test(id)) throw missing(id)
  const made = async () => (id === undefined ? new MAKES[kind](question) : new MAKES[kind](id, question))
  return {
    read: (context) => speaking(async () => (await made()).read(context)),
    write: (body, context) => speaking(async () => (await made()).write(body, context)),
    patch: (body, context) => speaking(async () => (await made()).patch(body, context)),
    dispose: (context) => speaking(async () => (await made()).dispose(context)),
  }
}

/** A page of a list, numbered as it was asked for. */
export async function pageOf(kind: ScimKind, question: ScimQuestion, context: ScimContext): Promise<object> {
  const page = (await resourceOf(kind, undefined, question).read(context)) as { readonly Resources: readonly unknown[] }
  return Object.assign(page, { startIndex: Math.max(question.startIndex ?? 1, 1), itemsPerPage: page.Resources.length })
}

/** What the service can do, and how users and groups look: by the name of the endpoint. `base`: where all of it is. */
export function describing(base: string) {
  const { Schema, ResourceType, ServiceProviderConfig } = Resources
  for (const described of [Schema, ResourceType, ServiceProviderConfig]) described.basepath(base)
  type Reads = new (...parameters: readonly unknown[]) => { read(): Promise<object> }
  const reading = (Described: Reads) => (id: string | undefined, question: ScimQuestion) =>
    new Described(id ?? question).read()
  return {
    config: (): Promise<object> => new ServiceProviderConfig().read(),
    schemas: reading(Schema as unknown as Reads),
    types: reading(ResourceType as unknown as Reads),
  }
}
