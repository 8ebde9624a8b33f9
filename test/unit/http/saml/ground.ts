import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { sessionHandlers } from '#server/api/session.ts'
import { sessionListHandlers } from '#server/api/sessions.ts'
import { userHandlers } from '#server/api/users.ts'
import { readConfig } from '#server/config.ts'
import { createApp } from '#server/http/app.ts'
import { eventBus } from '#server/http/events.ts'
import { metricsRegistry } from '#server/http/metrics.ts'
import { relyingParties } from '#server/identity/credentials/relying-party.ts'
import { endedEach } from '#server/identity/ending.ts'
import type { ProviderOptions, ProviderRecord, Rule } from '#server/identity/federation/ports.ts'
import type { AuditSink, Decision } from '#server/identity/ports.ts'
import { sessionKeeper } from '#server/identity/sessions.ts'
import { localSignIn } from '#server/identity/sign-in.ts'
import { accountStore } from '#server/inventory/accounts.ts'
import { type Database, EVERYTHING } from '#server/inventory/database.ts'
import { sessionRegister, sessionStore } from '#server/inventory/sessions.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { openFederation } from '#server/wiring-federation.ts'
import { startTestDatabase } from '#test/peers/postgres.ts'
import { memoryCredentials } from '../../identity/credential-stores.ts'
import { type Credential, rsaCredential, signerOf } from '../../identity/saml/credentials.ts'
import {
  encryptAssertion,
  ISSUER,
  NOW_ms,
  OWN,
  type SignedBy,
  signElement,
  writeResponse,
} from '../../identity/saml/forge.ts'
import { memoryAudit, memoryIdempotency, memoryNotices, watchInto } from '../../identity/stores.ts'

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

export interface Provider extends ProviderRecord {
  readonly key: Credential
}

export const member: Rule = { when: [], then: { give: 'role', role: 'tenant-member' } }
export const operator: Rule = { when: [], then: { give: 'role', role: 'operator' } }

export interface Said {
  readonly requestId?: string | undefined
  readonly by?: SignedBy
  readonly encrypted?: boolean
  readonly nameId?: string
  readonly assertionId?: string
  /** Changes the response before it is signed. */
  readonly change?: (xml: string) => string
}

const bodyOf = (certificate: string) => certificate.replace(/-----[^-]+-----|\s/g, '')

export const metadataOf = (issuer: string, { certificate }: Credential) =>
  `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${issuer}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
<ds:X509Certificate>${bodyOf(certificate)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${issuer}/sso"/>
</md:IDPSSODescriptor></md:EntityDescriptor>`

/** A console with a database whose people sign in through providers that tests speak for. */
export async function startSignIn(environment: Record<string, string> = {}, log?: (database: Database) => AuditSink) {
  const database = await startTestDatabase()
  const [port, state] = [await freePort(), mkdtempSync(path.join(tmpdir(), 'weft-saml-'))]
  // Many keys are made here: short ones, which is quicker.
  const chosen = { WEFT_PORT: String(port), WEFT_STATE: state, WEFT_RSA_BITS: '2048' }
  const config = readConfig({}, { ...chosen, ...environment })
  const { origin } = config.http
  const own = rsaCredential()
  const audit = memoryAudit()
  const kept = log?.(database)
  const sink: AuditSink = {
    record: async (entry) => {
      await audit.record(entry)
      await kept?.record(entry)
    },
  }
  const watch = watchInto(sink)
  const decisions: Decision[] = []
  const accounts = accountStore(database)
  const sessions = sessionKeeper(sessionStore(database), config.session)
  const certificates = async () => ({ active: own.certificate, others: [] })
  const signer = async () => ({ ...signerOf(own), publicKey: '' })
  const privateKeys = async () => [own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()]
  const federation = openFederation({
    config,
    database,
    audit: sink,
    limits: watch,
    decisions: { record: (one) => void decisions.push(one) },
    sessions,
    keys: {
      certificates,
      signer,
      privateKeys,
      seal: async (_context, plain) => plain,
      open: async (_context, sealed) => sealed,
    },
    publish: () => undefined,
  })
  const product = { ...config.product, instance: config.instance, demo: false }
  const { local, ...limits } = config.signIn
  const notices = memoryNotices()
  const register = sessionRegister(database)
  const told = endedEach(sessions, register, federation.logout.end)
  const signIn = localSignIn({
    notices,
    ...{ accounts, sessions, limits, watch, local, announce: async () => undefined },
    ...{ secondFactor: config.session.secondFactor, ...memoryCredentials(relyingParties(config.http)) },
  })
  const app = await createApp({
    ...{ config, sessions, audit, limits: watch, events: eventBus({ epoch: 'e1' }), metrics: metricsRegistry() },
    ...{ idempotency: memoryIdempotency(), log: pino({ level: 'silent' }), health: async () => ({}) },
    router: {
      session: sessionHandlers({
        ...{ signIn, sessions, product, logout: federation.logout, onFollowed: federation.onFollowed },
        secondFactor: config.session.secondFactor,
      }),
      sessions: sessionListHandlers({
        ...{ register, sessions: told, endSession: federation.logout.end, tell: notices.tell },
      }),
      users: userHandlers({
        ...{ accounts, sessions: told, tell: notices.tell, firstPassword_ms: 60_000 },
      }),
      ...{ signIn: federation.signIn, identityProviders: federation.identityProviders },
      consoles: federation.consoles,
    },
    routes: federation.routes,
  })
  await app.listen({ port, host: '127.0.0.1' })
  const tenant = await tenantStore(database).create(EVERYTHING, { name: 'red', quotas: { networks: 1, ports: 1 } })

  async function provider(
    more: {
      rules?: Rule[]
      options?: Partial<ProviderOptions>
      tenantId?: string | null
      metadata?: string
      state?: string
      issuer?: string
    } = {},
  ): Promise<Provider> {
    const [id, name, key] = [uuidv7(), `idp-${randomBytes(4).toString('hex')}`, rsaCredential(2_048)]
    const { issuer = `https://${name}.example.org` } = more
    const {
      rules = [member],
      options = {},
      tenantId = tenant.id,
      metadata = metadataOf(issuer, key),
      state = 'open',
    } = more
    await database.engine.query(
      `INSERT INTO identity_provider (id, name, display_name, tenant_id, protocol, issuer, email_domains, rules, options, metadata, state)
       VALUES ($1, $2, $2, $3, 'saml', $4, $5, $6, $7, $8, $9)`,
      [
        id,
        name,
        tenantId,
        issuer,
        [`${name}.example`],
        JSON.stringify(rules),
        JSON.stringify(options),
        metadata,
        state,
      ],
    )
    const made = await federation.providers.byId(id)
    if (!made) throw new Error('There is no provider.')
    return { ...made, key }
  }

  /** A response of that provider, of now, as the form of its page has it. */
  async function respond(of: Provider, said: Said = {}): Promise<string> {
    const { requestId, by = 'both', nameId = 'alice@example.org', change = (xml: string) => xml } = said
    const assertionId = said.assertionId ?? `_a${randomBytes(8).toString('hex')}`
    const written = writeResponse(requestId)
      .replaceAll(OWN.acsUrl, `${origin}/saml/acs`)
      .replaceAll(OWN.entityId, `${origin}/saml/metadata`)
      .replaceAll(ISSUER, of.issuer)
      .replaceAll('"_assertion"', `"${assertionId}"`)
      .replace('>alice@example.org</saml:NameID>', `>${nameId}</saml:NameID>`)
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) => new Date(Date.parse(time) - NOW_ms + Date.now()).toISOString())
    // Without a request there is nothing that it answers.
    let xml = change(requestId === undefined ? written.replaceAll(/ InResponseTo="[^"]*"/g, '') : written)
    if (by !== 'response') xml = signElement(xml, assertionId, of.key)
    if (said.encrypted) xml = await encryptAssertion(xml, own.certificate)
    if (by !== 'assertion') xml = signElement(xml, '_response', of.key)
    return Buffer.from(xml).toString('base64')
  }

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(origin + path, { redirect: 'manual', headers })
  const post = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${origin}/saml/acs`, {
      ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams(fields) },
      headers: { origin: 'https://idp.example.org', 'sec-fetch-site': 'cross-site', ...headers },
    })
  /** What somebody answers who waits at the door, in the browser that `answer` went to. */
  const atTheDoor = (id: string, answer: string, headers: Record<string, string>) =>
    fetch(`${origin}/sign-in/arrival`, {
      ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams({ id, answer }) },
      headers: { origin, 'sec-fetch-site': 'same-origin', ...headers },
    })
  /** Who was kept at the door by an answer: the id on the page, and the cookie that it is bound by. */
  const keptBy = (answer: Response) => ({
    id: /^\/sign-in\/arrival\?id=([\w-]{43})$/.exec(answer.headers.get('location') ?? '')?.[1] ?? '',
    cookie: cookieOf(answer, /^__Host-weft-login/),
  })
  const cookieOf = (answer: Response, name: RegExp) =>
    answer.headers
      .getSetCookie()
      .find((line) => name.test(line))
      ?.split(';')[0] ?? ''

  /** Sets out to a provider: the request that a browser is sent with, and the cookie that it keeps. */
  async function setOut(of: Provider, query = '', headers: Record<string, string> = {}) {
    const answer = await get(`/saml/login?idp=${of.name}${query}`, headers)
    const location = answer.headers.get('location') ?? ''
    const relayState = location === '' ? '' : (new URL(location).searchParams.get('RelayState') ?? '')
    return { answer, location, requestId: relayState, relayState, cookie: cookieOf(answer, /^__Host-weft-login/) }
  }

  /** A whole sign-in that the console began. */
  async function enter(of: Provider, said: Said = {}, query = '', headers: Record<string, string> = {}) {
    const { requestId, relayState, cookie } = await setOut(of, query, headers)
    const response = await respond(of, { ...said, requestId })
    const answer = await post({ SAMLResponse: response, RelayState: relayState }, { cookie })
    return { answer, response, requestId, relayState, cookie, session: cookieOf(answer, /^__Host-weft=/) }
  }

  return {
    ...{ origin, port, database, audit, decisions, accounts, sessions, federation, tenant, config, own },
    ...{ provider, respond, get, post, setOut, enter, cookieOf, atTheDoor, keptBy, told: notices.told },
    whoIs: async (cookie: string) => {
      const answer = await get('/api/v1/session', { cookie })
      return answer.status === 200
        ? ((await answer.json()) as { account: { name: string; role: string } }).account
        : undefined
    },
    async close() {
      await app.close()
      await database.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
}
export type SignInGround = Awaited<ReturnType<typeof startSignIn>>
