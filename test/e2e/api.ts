import type { Problem } from '#server/contract/base.ts'
import type { Change, ChangeSummary, Task } from '#server/contract/changes.ts'
import type { Account } from '#server/contract/session.ts'

export interface Reply<T = unknown> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

export interface Asked {
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  /** Sent as `If-Match`. */
  readonly revision?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that nobody expected. */
export class Unexpected extends Error {
  readonly reply: Reply

  constructor(asked: string, reply: Reply) {
    super(`${asked}: ${reply.status} ${JSON.stringify(reply.body)}`)
    this.reply = reply
  }
}

/** The public API in somebody's name. */
export interface Api {
  /** The answer, whatever it is. */
  ask<T = Problem>(method: string, path: string, asked?: Asked): Promise<Reply<T>>
  /** These throw `Unexpected` for anything but success. */
  get<T>(path: string, query?: Asked['query']): Promise<T>
  post<T>(path: string, body?: unknown): Promise<T>
  patch<T>(path: string, revision: number, body: unknown): Promise<T>
  remove<T>(path: string, revision?: number, body?: unknown): Promise<T>
}

const queryOf = (query: Asked['query'] = {}): string => {
  const given = Object.entries(query).filter((pair): pair is [string, string | number] => pair[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

/** The API as whoever has that session; as nobody without one. */
export function apiAt(address: string, session?: string): Api {
  const ask = async <T>(method: string, path: string, { query, body, revision, headers }: Asked = {}) => {
    const response = await fetch(`${address}/api/v1${path}${queryOf(query)}`, {
      method,
      headers: {
        ...(session !== undefined && { authorization: `Bearer ${session}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(revision !== undefined && { 'if-match': `"${revision}"` }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const { status, headers: answered } = response
    return { status, headers: answered, body: (text === '' ? undefined : JSON.parse(text)) as T }
  }
  const expectSuccess = async <T>(method: string, path: string, asked: Asked): Promise<T> => {
    const reply = await ask<T>(method, path, asked)
    if (reply.status >= 300) throw new Unexpected(`${method} ${path}`, reply)
    return reply.body
  }
  return {
    ask,
    get: (path, query) => expectSuccess('GET', path, { query }),
    post: (path, body = {}) => expectSuccess('POST', path, { body }),
    patch: (path, revision, body) => expectSuccess('PATCH', path, { revision, body }),
    remove: (path, revision, body) => expectSuccess('DELETE', path, { revision, body }),
  }
}

/** Signs in as a browser does: a session in a cookie. Answers the session's id. */
export async function signIn(address: string, name: string, password: string): Promise<string> {
  const reply = await apiAt(address).ask('POST', '/session', { body: { name, password } })
  const session = /^__Host-weft[^=]*=([^;]+);/.exec(reply.headers.get('set-cookie') ?? '')?.[1]
  if (reply.status !== 201 || session === undefined) throw new Unexpected('POST /session', reply)
  return session
}

/** Makes an account, whose person then chooses a password of their own. */
export async function makePerson(
  api: Api,
  address: string,
  person: { readonly name: string } & Readonly<Record<string, unknown>>,
  password: string,
): Promise<Account> {
  const made = await api.post<Account & { password: string }>('/users', person)
  const theirs = apiAt(address, await signIn(address, person.name, made.password))
  const changed = await theirs.ask('PUT', '/session/password', { body: { current: made.password, next: password } })
  if (changed.status !== 204) throw new Unexpected('PUT /session/password', changed)
  await theirs.remove('/session')
  return made
}

/** Looks again until it is there. Throws with `what` when it does not come. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  { within_ms = 20_000, every_ms = 50 } = {},
): Promise<T> {
  const deadline_ms = performance.now() + within_ms
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline_ms) throw new Error(`waited ${within_ms} ms in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, every_ms))
  }
}

/** Follows a task to its end. */
export const ended = (api: Api, { id }: Pick<Task, 'id'>, within_ms = 30_000): Promise<Task> =>
  until(
    `task ${id} to end`,
    async () => {
      const task = await api.get<Task>(`/tasks/${id}`)
      return task.finishedAt !== null && task
    },
    { within_ms },
  )

/** Commits a change, follows it to its end and answers how it stands then. */
export async function commit(api: Api, change: string, options: { reason?: string; force?: boolean } = {}) {
  const task = await ended(api, await api.post<Task>(`/changes/${change}/commit`, options))
  return { task, change: await api.get<Change>(`/changes/${change}`) }
}

/** Drafts what takes a change back and commits it. */
export async function rollBack(api: Api, change: string) {
  const draft = await api.post<ChangeSummary>(`/changes/${change}/rollback`)
  return commit(api, draft.id, { reason: 'take it back' })
}
