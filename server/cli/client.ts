import type { Config } from '#server/config.ts'
import { Problem } from '#server/contract/base.ts'
import { CommandFailure, EXIT, failureOf } from './exit.ts'
import { keptSession } from './session-file.ts'

export interface Call {
  readonly method: string
  /** Below `/api/v1`, filled in. */
  readonly path: string
  /** Fields for the query of a GET, else for the body. */
  readonly fields?: Readonly<Record<string, unknown>>
  readonly revision?: number | undefined
}

export interface Client {
  /** Calls the API; answers the body. Throws `CommandFailure`. */
  call(call: Call): Promise<unknown>
  /** Calls it as nobody, and answers the headers. */
  enter(name: string, password: string): Promise<string>
}

function queryOf(fields: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(name, String(one))
  return query.size === 0 ? '' : `?${query}`
}

async function refusal(response: Response): Promise<CommandFailure> {
  const problem = Problem.safeParse(await response.json().catch(() => undefined))
  if (problem.success) return failureOf(problem.data)
  return new CommandFailure(EXIT.fault, `The engine answered ${response.status} without saying why.`)
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    const { cause } = error as { cause?: { code?: string; message?: string } }
    const why = cause?.code ?? cause?.message ?? String(error)
    throw new CommandFailure(
      EXIT.fault,
      `${new URL(url).origin} does not answer (${why}). Is it running? \`./weft up\` starts it.`,
    )
  }
}

/** A client of the API at the configured address, in the name of whoever is signed in there. */
export function apiClient(config: Config): Client {
  const base = `${config.url}/api/v1`
  return {
    async call({ method, path, fields = {}, revision }) {
      const bearer = config.token ?? (await keptSession(config))
      const reads = method === 'GET'
      const response = await reach(`${base}${path}${reads ? queryOf(fields) : ''}`, {
        method,
        headers: {
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...(revision !== undefined && { 'if-match': `"${revision}"` }),
          ...(!reads && { 'content-type': 'application/json' }),
        },
        ...(!reads && { body: JSON.stringify(fields) }),
      })
      if (!response.ok) throw await refusal(response)
      const text = await response.text()
      return text === '' ? undefined : JSON.parse(text)
    },
    async enter(name, password) {
      const response = await reach(`${base}/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-weft-session': 'header' },
        body: JSON.stringify({ name, password }),
      })
      if (!response.ok) throw await refusal(response)
      return response.headers.get('x-weft-session') ?? ''
    },
  }
}
