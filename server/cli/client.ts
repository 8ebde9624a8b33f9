import type { Config } from '#server/config.ts'
import { Problem } from '#server/contract/base.ts'
import { CommandFailure, EXIT, failureOf } from './exit.ts'
import { keepSession, keptSession } from './session-file.ts'

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
  /** Signs in as nobody yet, and answers the session's id. */
  enter(name: string): Promise<string>
}

/** What a person is asked for, when it is needed. */
export interface Secrets {
  password(): Promise<string>
  /** Of the second factor. */
  code(): Promise<string>
}

/** In the list of sessions it says what signed in; another one later would be another program with the same session. */
const AGENT = { 'user-agent': 'weft' }

function queryOf(fields: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(name, String(one))
  return query.size === 0 ? '' : `?${query}`
}

/** Why the API refused; undefined where it did not say. */
const problemOf = async (response: Response): Promise<Problem | undefined> =>
  Problem.safeParse(await response.json().catch(() => undefined)).data

const failure = (response: Response, problem: Problem | undefined): CommandFailure =>
  problem
    ? failureOf(problem)
    : new CommandFailure(EXIT.fault, `The engine answered ${response.status} without saying why.`)

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

/** Nothing is sent that nobody typed. */
async function typed(secret: Promise<string>, otherwise: CommandFailure): Promise<string> {
  const text = await secret
  if (text === '') throw otherwise
  return text
}

/** A client of the API at the configured address, in the name of whoever is signed in there. */
export function apiClient(config: Config, secrets?: Secrets): Client {
  const base = `${config.url}/api/v1`
  const bearerOf = async () => config.token ?? (await keptSession(config))

  /** Sends a password, and its code where one is asked for; answers the session's new id. */
  async function prove(path: string, proof: Record<string, string>, bearer: string | undefined): Promise<string> {
    const response = await reach(`${base}${path}`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', 'x-weft-session': 'header', ...AGENT },
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
      body: JSON.stringify(proof),
    })
    if (response.ok) return response.headers.get('x-weft-session') ?? ''
    const problem = await problemOf(response)
    const refused = failure(response, problem)
    if (problem?.code !== 'code-required' || proof.code !== undefined || !secrets) throw refused
    return prove(path, { ...proof, code: await typed(secrets.code(), refused) }, bearer)
  }

  async function send({ method, path, fields = {}, revision }: Call): Promise<Response> {
    const bearer = await bearerOf()
    const reads = method === 'GET'
    return reach(`${base}${path}${reads ? queryOf(fields) : ''}`, {
      method,
      headers: {
        ...AGENT,
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(revision !== undefined && { 'if-match': `"${revision}"` }),
        ...(!reads && { 'content-type': 'application/json', 'x-weft-session': 'header' }),
      },
      ...(!reads && { body: JSON.stringify(fields) }),
    })
  }

  return {
    async call(call) {
      let response = await send(call)
      let problem = response.ok ? undefined : await problemOf(response)
      if (problem?.code === 'step-up-required' && secrets) {
        const password = await typed(secrets.password(), failure(response, problem))
        await keepSession(config, await prove('/session/step-up', { password }, await bearerOf()))
        response = await send(call)
        problem = response.ok ? undefined : await problemOf(response)
      }
      if (!response.ok) throw failure(response, problem)
      // What proves something more goes on under a new id.
      const renewed = response.headers.get('x-weft-session')
      if (renewed !== null && config.token === undefined) await keepSession(config, renewed)
      const text = await response.text()
      return text === '' ? undefined : JSON.parse(text)
    },
    async enter(name) {
      const password = (await secrets?.password()) ?? ''
      return prove('/session', { name, password }, undefined)
    },
  }
}
