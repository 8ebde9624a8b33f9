import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { AnyRouter } from '@orpc/server'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { credentialHandlers } from '#server/api/credentials.ts'
import { api } from '#server/api/door.ts'
import { noticeHandlers } from '#server/api/notices.ts'
import { sessionHandlers } from '#server/api/session.ts'
import { sessionListHandlers } from '#server/api/sessions.ts'
import { userHandlers } from '#server/api/users.ts'
import { readConfig } from '#server/config.ts'
import type { Role } from '#server/contract/rights.ts'
import { createApp } from '#server/http/app.ts'
import { eventBus } from '#server/http/events.ts'
import { metricsRegistry } from '#server/http/metrics.ts'
import { listenOnSocket } from '#server/http/socket.ts'
import { relyingParties } from '#server/identity/credentials/relying-party.ts'
import { attemptsByAddress } from '#server/identity/federation/attempts.ts'
import { createFirstOperator } from '#server/identity/first-operator.ts'
import { hashPassword } from '#server/identity/password.ts'
import type { Decision } from '#server/identity/ports.ts'
import { sessionKeeper } from '#server/identity/sessions.ts'
import { localSignIn } from '#server/identity/sign-in.ts'
import { systemClock } from '#server/kernel/clock.ts'
import { notFound, staleRevision } from '#server/kernel/refusal.ts'
import { memoryCredentials } from '../identity/credential-stores.ts'
import {
  memoryAudit,
  memoryIdempotency,
  memoryIdentity,
  memoryNotices,
  toldMoves,
  watchInto,
} from '../identity/stores.ts'

export const PASSWORD = 'twelve letters at least'
const listening = (server: Server) =>
  new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })

/** A state folder of its own, in which what stands for the web server answers what it was sent. */
async function startWeb(environment: Record<string, string>) {
  const state = mkdtempSync(path.join(tmpdir(), 'weft-http-'))
  const { web } = readConfig({}, { WEFT_STATE: state, ...environment })
  const server = createServer((request, response) => {
    response.setHeader('content-security-policy', "default-src 'unsafe-inline'")
    response.end(JSON.stringify({ url: request.url, method: request.method, headers: request.headers }))
  })
  await listenOnSocket(server, web.socket)
  onTestFinished(async () => {
    await new Promise((closed) => server.close(closed).closeAllConnections())
    rmSync(state, { recursive: true, force: true })
  })
  return { state, server }
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

const TENANT = '0190a0a0-0000-7000-8000-000000000001'
/** One tenant that has revision 3 and can only be renamed: what a revision is checked on. */
function tenantHandlers() {
  const tenant = {
    ...{ id: TENANT, name: 'red', displayName: 'Red', thread: 1, quotas: { networks: 1, ports: 1 } },
    ...{ used: { networks: 0, ports: 0 }, revision: 3 },
  }
  let created = 0
  return {
    get: api.tenants.get.handler(({ input }) => {
      if (input.id !== TENANT) throw notFound('tenant')
      return tenant
    }),
    update: api.tenants.update.handler(({ context, input }) => {
      if (context.ifMatch !== 3) throw staleRevision(context.ifMatch ?? 0, 3)
      return { ...tenant, displayName: input.displayName ?? 'Red', revision: 4 }
    }),
    list: api.tenants.list.handler(({ input }) => {
      if (input.filter === 'fault') throw new Error('the secret of the database')
      return { items: [], next: JSON.stringify(input) }
    }),
    create: api.tenants.create.handler(({ input, context }) => {
      created += 1
      context.note.subject = `tenant/${TENANT}`
      return { ...tenant, name: input.name, displayName: `number ${created}` }
    }),
  }
}

/** A console with sign-in, users, one tenant and what is added, in memory, behind a real port; gone when the test ends. */
export async function startConsole(environment: Record<string, string> = {}, more: Record<string, AnyRouter> = {}) {
  const [port, { state, server: web }] = [await freePort(), await startWeb(environment)]
  const config = readConfig({}, { WEFT_PORT: String(port), WEFT_STATE: state, ...environment })
  const stores = memoryIdentity()
  const audit = memoryAudit()
  const watch = watchInto(audit)
  const word = toldMoves()
  const sessions = sessionKeeper(stores.sessions, config.session, systemClock, word.moves)
  const { secondFactor } = config.session
  const credentials = memoryCredentials(relyingParties(config.http), systemClock, 0, secondFactor)
  const announced: string[] = []
  const decisions: Decision[] = []
  const notices = memoryNotices()
  const { local, ...limits } = config.signIn
  const signIn = localSignIn({
    ...{ accounts: stores.accounts, sessions, limits: { ...limits, perAccount: 5 }, watch, local, secondFactor },
    ...credentials,
    announce: async ({ name }) => void announced.push(name),
    notices,
  })
  let password = ''
  const keep = async (made: string) => {
    password = made
  }
  // As if its person had chosen it.
  await createFirstOperator(stores.accounts, 'admin', keep, null)
  const product = { ...config.product, instance: config.instance, demo: false }
  const events = eventBus({ epoch: 'e1' })
  // Nobody else takes part in sessions of local accounts.
  const logout = {
    signOut: async ({ session }: { session: string }) => {
      await sessions.end(session)
      return { next: '/signed-out', participants: [] }
    },
  }
  const challenges = attemptsByAddress({ name: 'passkey.challenges', perAddress: 20, window_ms: 60_000 }, watch)
  // Lists are the database's: here nobody finds a session by its name.
  const register = {
    ...{ own: async () => [], list: async () => ({ items: [], next: null }) },
    ...{ findOwn: async () => undefined, findAny: async () => undefined },
  }
  const router = {
    session: sessionHandlers({ signIn, sessions, product, secondFactor, logout }),
    sessions: sessionListHandlers({ register, sessions, endSession: sessions.end, tell: notices.tell }),
    credentials: credentialHandlers({ ...credentials, sessions, challenges, tell: notices.tell }),
    users: userHandlers({
      ...{ accounts: stores.accounts, sessions, tell: notices.tell },
      firstPassword_ms: config.signIn.firstPassword_ms,
    }),
    notices: noticeHandlers({ list: async () => ({ items: [], next: null }), read: async () => 0 }),
    tenants: tenantHandlers(),
    ...more,
  }
  const app = await createApp({
    ...{ config, router, sessions, audit, decisions: { record: (one: Decision) => void decisions.push(one) } },
    ...{ limits: watch, events, metrics: metricsRegistry() },
    ...{ idempotency: memoryIdempotency(), log: pino({ level: 'silent' }), health: async () => ({ database: true }) },
  })
  await app.listen({ port, host: config.http.host })
  onTestFinished(() => app.close())
  const origin = `http://127.0.0.1:${port}`
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(origin + path, {
      method,
      redirect: 'manual',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  const enter = async (name = 'admin', secret = password) => {
    const answer = await send('POST', '/api/v1/session', { name, password: secret })
    const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? ''
    return { answer, cookie, headers: { cookie } }
  }
  const person = async (role: Role) => {
    const tenantId = role.startsWith('tenant-') ? TENANT : null
    const passwordHash = await hashPassword(PASSWORD)
    await stores.accounts.create({ tenantId: null }, { name: role, displayName: role, role, tenantId, passwordHash })
    return enter(role, PASSWORD)
  }
  return {
    port,
    web,
    origin,
    send,
    enter,
    person,
    audit,
    decisions,
    events,
    password,
    stores,
    config,
    announced,
    credentials,
    tell: word.tell,
    TENANT,
  }
}
