import { relyingParties } from '#server/identity/credentials/relying-party.ts'
import type { SecondFactor } from '#server/identity/duties.ts'
import { createFirstOperator } from '#server/identity/first-operator.ts'
import { sessionKeeper } from '#server/identity/sessions.ts'
import { type LocalOrigin, localSignIn } from '#server/identity/sign-in.ts'
import { memoryCredentials } from './credential-stores.ts'
import { memoryAudit, memoryIdentity, memoryNotices, watchInto } from './stores.ts'

export const MINUTE_MS = 60_000
export const ORIGIN = 'http://localhost:3000'
export const from: LocalOrigin = { address: '192.0.2.1', agent: 'test', origin: ORIGIN, note: {} }

const HTTP = { host: '127.0.0.1', port: 3000, socket: '/engine', origin: 'http://127.0.0.1:3000', tls: undefined }

/** The first operator, with everything that signs them in, in memory and at a time that the test says. */
export async function ground({
  perAccount = 3,
  perAddress = 100,
  local = 'always' as 'always' | 'break-glass',
  begun_ms = 1_000_000,
  stepsApart = 0,
  secondFactor = 'optional' as SecondFactor,
  passwordEndsAt_ms = null as number | null,
} = {}) {
  let now_ms = begun_ms
  const clock = { now_ms: () => now_ms, monotonic_ms: () => now_ms }
  const stores = memoryIdentity()
  const limits = { idle_ms: 10 * MINUTE_MS, absolute_ms: 60 * MINUTE_MS, fresh_ms: 10 * MINUTE_MS, secondFactor }
  const keeper = sessionKeeper(stores.sessions, limits, clock)
  const consoles = relyingParties({ ...HTTP, trustedProxies: [], metricsToken: undefined })
  const credentials = memoryCredentials(consoles, clock, stepsApart, secondFactor)
  const announced: string[] = []
  const audit = memoryAudit()
  const notices = memoryNotices()
  const signIn = localSignIn({
    ...{ accounts: stores.accounts, sessions: keeper, local, secondFactor, clock, ...credentials },
    limits: { perAccount, perAddress, window_ms: MINUTE_MS },
    watch: watchInto(audit),
    notices,
    announce: async ({ name }, method, address) => void announced.push(`${name} ${method} ${address}`),
  })
  let password = ''
  const keep = async (made: string) => {
    password = made
  }
  await createFirstOperator(stores.accounts, 'admin', keep, passwordEndsAt_ms)
  const admin = await stores.accounts.byName('admin')
  if (!admin) throw new Error('There is no first operator.')
  const pass = (minutes: number) => {
    now_ms += minutes * MINUTE_MS
  }
  return { ...stores, ...credentials, keeper, signIn, password, pass, clock, announced, audit, admin, notices }
}
