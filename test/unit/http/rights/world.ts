import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { readConfig } from '#server/config.ts'
import { INSTALLATION_RIGHTS, type Right, ROLE_RIGHTS, SITE_RIGHTS } from '#server/contract/rights.ts'
import { createApp } from '#server/http/app.ts'
import { eventBus } from '#server/http/events.ts'
import { metricsRegistry } from '#server/http/metrics.ts'
import { newToken } from '#server/identity/tokens.ts'
import { auditLog } from '#server/inventory/audit.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { infrastructureStore } from '#server/inventory/infrastructure.ts'
import { databaseJournal } from '#server/inventory/journal.ts'
import { networkWriter } from '#server/inventory/networks.ts'
import { portWriter } from '#server/inventory/ports.ts'
import { taskStore } from '#server/inventory/tasks.ts'
import { type Wired, wire } from '#server/wiring.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { hardware, nothingOnDatapaths, site } from '../../inventory/fixture.ts'

/** Ids of things that belong to one tenant, or stand at one site, by what a procedure's field calls them. */
export type Ids = Readonly<Record<string, string>>

/** Somebody who calls, with what the contract's tables say that they hold. */
export interface Actor {
  readonly name: string
  /** Undefined: nobody. */
  readonly accountId: string | undefined
  readonly rights: ReadonlySet<Right>
  readonly isToken: boolean
  /** A bearer that is good now. */
  enter(): Promise<string | undefined>
}

const NETWORK_READER: readonly Right[] = ['network.read', 'change.read', 'task.read']
const TOKEN_RIGHTS: readonly Right[] = [
  ...(['network.read', 'network.write', 'user.read', 'user.write', 'role.read'] as const),
  ...(['provider.read', 'audit.read', 'token.read', 'token.end', 'group.read', 'group.write'] as const),
]

const inTenant = (rights: readonly Right[]) => new Set(rights.filter((right) => !INSTALLATION_RIGHTS.includes(right)))

type Insert = (table: string, row: Record<string, unknown>) => Promise<string>

const inserter =
  (database: TestDatabase): Insert =>
  async (table, row) => {
    const whole: Record<string, unknown> = table === 'passkey' || 'id' in row ? row : { id: uuidv7(), ...row }
    const names = Object.keys(whole)
    const { rows } = await database.engine.query<{ id: string }>(
      `INSERT INTO ${table} (${names.map((name) => `"${name}"`).join(', ')})
       VALUES (${names.map((_, at) => `$${at + 1}`).join(', ')}) RETURNING id`,
      Object.values(whole),
    )
    return String(rows[0]?.id)
  }

/** A tenant with one of everything. Every name in it has the tenant's name within. */
async function tenantWorld(database: TestDatabase, lab: Awaited<ReturnType<typeof site>>, name: string, host: string) {
  const insert = inserter(database)
  const { id: tenantId, writer } = await lab.tenant(name)
  const networks = networkWriter(database)
  const { draft, id: networkId } = await networks.createNetwork(writer, { tenantId, name: `${name}-net` })
  const within = { ...writer, change: draft.id }
  const prefix = '10.77.0.0/24'
  const { id: subnetId } = await networks.createSubnet(within, { networkId, prefix, gateway: null })
  const attachmentId = lab.attachments.get(host) as string
  const plugged = { networkId, attachmentId, vlan: null, name: `${name}-port` }
  const { id: portId } = await portWriter(database).createPort(within, plugged)
  const journal = databaseJournal(database)
  await journal.prepare(nothingOnDatapaths(draft.id))
  await journal.finish(draft.id, { outcome: 'committed', ...nothingOnDatapaths(draft.id).commitment })
  const open = await networks.createNetwork(writer, { tenantId, name: `${name}-drafted` })
  const subject = { kind: 'change', id: open.draft.id, name: `${name}-change` }
  const about = { kind: 'commit', title: `${name}-task`, total: 1, unit: 'datapaths', subject, cancellable: true }
  const task = await taskStore(database).start({ ...about, tenantId })
  await taskStore(database).step(task.id, { message: `${name}-began` })
  const person = async (role: string, builtin: string | null, roleId: string | null = null) => {
    const account = {
      name: `${name}-${role}`,
      display_name: `${name}-${role}`,
      tenant_id: tenantId,
      password_hash: null,
    }
    const accountId = await insert('account', { ...account, email: `${role}@${name}.example` })
    const binding = await insert('role_binding', {
      account_id: accountId,
      builtin,
      role_id: roleId,
      tenant_id: tenantId,
    })
    return { accountId, binding }
  }
  const roleId = await insert('role', { name: `${name}-reader`, tenant_id: tenantId, rights: NETWORK_READER })
  const administrator = await person('administrator', 'tenant-administrator')
  const member = await person('member', 'tenant-member')
  const reader = await person('reader', null, roleId)
  const groupId = await insert('user_group', { name: `${name}-group`, tenant_id: tenantId })
  const groupBinding = await insert('role_binding', {
    group_id: groupId,
    builtin: 'tenant-member',
    tenant_id: tenantId,
  })
  await database.engine.query('INSERT INTO group_member (group_id, account_id) VALUES ($1, $2)', [
    ...[groupId, member.accountId],
  ])
  const providerId = await insert('identity_provider', {
    ...{ name: `${name}-provider`, display_name: `${name}-provider`, tenant_id: tenantId, protocol: 'oidc' },
    ...{ issuer: `https://${name}.example`, client_id: `${name}-client`, client_secret: Buffer.from('sealed') },
    email_domains: [`${name}.example`],
  })
  await insert('scim_client', { provider_id: providerId, hash: `scim-${name}` })
  const consoleId = await insert('service_provider', {
    ...{ name: `${name}-console`, display_name: `${name}-console`, tenant_id: tenantId },
    ...{
      entity_id: `https://console.${name}.example`,
      metadata: `<${name}/>`,
      home_url: `https://console.${name}.example`,
    },
  })
  await insert('passkey', {
    id: `${name}-passkey`,
    account_id: member.accountId,
    name,
    public_key: Buffer.of(1),
    counter: 0,
  })
  const token = newToken()
  const tokenId = await insert('api_token', {
    ...{ account_id: administrator.accountId, name: `${name}-token`, hash: token.hash, prefix: token.prefix },
    ...{ rights: TOKEN_RIGHTS, tenant_id: tenantId, expires_at: new Date(Date.now() + 3_600_000) },
  })
  const noticeId = await insert('notice', { account_id: member.accountId, kind: 'token.made', what: `${name}-notice` })
  const sessionHash = name.padEnd(64, '0')
  const sessionId = uuidv7()
  await database.engine.query(
    `INSERT INTO session (hash, id, account_id, created_at, seen_at, address, agent)
     VALUES ($1, $2, $3, now(), now(), '192.0.2.1', $4)`,
    [sessionHash, sessionId, member.accountId, `${name}-browser`],
  )
  await insert('decision', {
    ...{
      id: 1_000_000 + name.length,
      account: `${name}-member`,
      tenant_id: tenantId,
      procedure: 'x',
      right: 'x',
      allowed: true,
    },
    because: `${name}-because`,
  })
  const line = { actor: `${name}-member`, address: '192.0.2.1', action: 'x', outcome: 'done', changeId: null } as const
  await auditLog(database).record({ ...line, subject: null, tenantId, detail: `${name}-detail`, after: { name } })
  const { rows: lines } = await database.engine.query<{ id: string }>('SELECT id FROM audit WHERE tenant_id = $1', [
    tenantId,
  ])
  const ids: Ids = {
    ...{ tenants: tenantId, tenantId, networks: networkId, networkId, subnets: subnetId, ports: portId },
    ...{ changes: open.draft.id, change: open.draft.id, tasks: task.id, attachmentId },
    ...{
      users: member.accountId,
      userId: member.accountId,
      'bindings.binding': member.binding,
      bindings: member.accountId,
    },
    ...{ groups: groupId, 'groups.binding': groupBinding, roles: roleId, tokens: tokenId, sessions: sessionId },
    ...{
      identityProviders: providerId,
      consoles: consoleId,
      credentials: `${name}-passkey`,
      notices: noticeId,
      owner: administrator.accountId,
      line: String(lines[0]?.id),
    },
  }
  return { tenantId, ids, token: token.token, people: { administrator, member, reader } }
}

/** Every id that rows of a tenant have, wherever they are. */
async function idsOf(database: TestDatabase, tenantId: string): Promise<string[]> {
  const { rows } = await database.engine.query<{ table: string; owner: string }>(
    `SELECT c.table_name AS table, max(c.column_name) AS owner FROM information_schema.columns c
     WHERE c.table_schema = 'public' AND c.column_name IN ('tenant_id', 'account_id') AND EXISTS (
       SELECT FROM information_schema.columns i WHERE i.table_schema = 'public' AND i.table_name = c.table_name
         AND i.column_name = 'id' AND i.data_type = 'uuid') GROUP BY c.table_name`,
  )
  const found = [tenantId]
  for (const { table, owner } of rows) {
    const own = owner === 'tenant_id' ? 'tenant_id = $1' : 'account_id IN (SELECT id FROM account WHERE tenant_id = $1)'
    const of = await database.engine.query<{ id: string }>(`SELECT id::text FROM "${table}" WHERE ${own}`, [tenantId])
    found.push(...of.rows.map(({ id }) => id))
  }
  return found
}

/** Two tenants with one of everything, two sites, people of every kind, and the whole API in front of them. */
export async function startWorld() {
  const database = await startTestDatabase()
  const insert = inserter(database)
  const lab = await site(database)
  await infrastructureStore(database).import(EVERYTHING, farSite())
  const red = await tenantWorld(database, lab, 'scarlet', 'host-1-1')
  const blue = await tenantWorld(database, lab, 'cobalt', 'host-1-2')
  const { rows: sites } = await database.engine.query<{ id: string; name: string }>('SELECT id, name FROM site')
  const siteId = (name: string) => sites.find((one) => one.name === name)?.id as string
  const farOf = async (from: string) => {
    const query = `SELECT x.id FROM ${from} x ${from === 'server' ? '' : 'JOIN server s ON s.id = x.server_id'}
      WHERE ${from === 'server' ? 'x' : 's'}.site_id = $1`
    return (await database.engine.query<{ id: string }>(query, [siteId('faraway')])).rows.map(({ id }) => id)
  }
  const [farServers, farDatapaths] = [await farOf('server'), await farOf('datapath')]
  const person = async (name: string, builtin: string, at: string | null = null) => {
    const id = await insert('account', { name, display_name: name, password_hash: null })
    await insert('role_binding', { account_id: id, builtin, site_id: at })
    return id
  }
  const operator = await person('zoe-operator', 'operator')
  const auditor = await person('zoe-auditor', 'auditor')
  const siteOperator = await person('lab-operator', 'operator', siteId('lab'))
  const state = mkdtempSync(path.join(tmpdir(), 'weft-rights-'))
  const urls = { owner: database.url('weft_owner'), app: database.url('weft_app'), engine: database.url('weft_engine') }
  const config = {
    ...readConfig(
      {},
      {
        WEFT_STATE: state,
        WEFT_RATE_PER_ACCOUNT: '100000',
        WEFT_RATE_PER_TOKEN: '100000',
        WEFT_RATE_PER_TENANT: '100000',
      },
    ),
    database: { embedded: false, admin: urls.owner, urls },
  }
  const log = pino({ level: process.env.VITEST_LOG ?? 'silent' })
  const events = eventBus({ epoch: 'e' })
  const wired = await wire({ config, log, events, metrics: metricsRegistry() })
  const served = (judge?: Parameters<typeof createApp>[0]['judge']) =>
    createApp({ ...wired, config, events, metrics: metricsRegistry(), log, ...(judge && { judge }) })
  const app = await served()
  const open = await served(() => ({ allowed: true, because: 'nothing is checked at the door' }))
  const actors = actorsOf(wired, { red, operator, auditor, siteOperator })
  return {
    ...{ database, wired, app, open, red, blue, actors },
    host: new URL(config.http.origin).host,
    siteIds: { own: siteId('lab'), far: siteId('faraway') },
    farIds: [siteId('faraway'), ...farServers, ...farDatapaths],
    hardware: { server: farServers[0] as string, datapath: farDatapaths[0] as string },
    installation: [operator, auditor],
    idsOf: (tenantId: string) => idsOf(database, tenantId),
    async close() {
      await Promise.all([app.close(), open.close()])
      await wired.stop()
      await database.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
}
export type World = Awaited<ReturnType<typeof startWorld>>

/** The hardware of the fixture once more, at a site of its own. */
function farSite() {
  const { servers, datapaths } = hardware(0)
  const far = (name: string) => `faraway-${name}`
  return {
    sites: [{ name: 'faraway', words: 'Another place' }],
    servers: servers.map(({ name, ...rest }, at) => ({
      ...rest,
      name: far(name),
      site: 'faraway',
      vtep: `172.17.0.${at + 1}`,
    })),
    nics: [],
    datapaths: datapaths
      .filter(({ role }) => role === 'fabric')
      .map((one) => ({
        ...one,
        name: far(one.name),
        server: far(one.server),
        datapathId: one.datapathId.replace('02', '09'),
      })),
    attachments: [],
  }
}

function actorsOf(
  wired: Wired,
  {
    red,
    operator,
    auditor,
    siteOperator,
  }: {
    red: Awaited<ReturnType<typeof tenantWorld>>
    operator: string
    auditor: string
    siteOperator: string
  },
): Actor[] {
  const signedIn = (name: string, accountId: string, rights: Iterable<Right>): Actor => ({
    ...{ name, accountId, rights: new Set(rights), isToken: false },
    async enter() {
      const account = await wired.accounts.byId(accountId)
      if (!account) throw new Error(`${name} is gone`)
      return (await wired.sessions.begin(account, { address: '127.0.0.1', agent: 'lightMyRequest' })).id
    },
  })
  const { administrator, member, reader } = red.people
  const administrators = inTenant(ROLE_RIGHTS['tenant-administrator'])
  return [
    signedIn('operator', operator, ROLE_RIGHTS.operator),
    signedIn('auditor', auditor, ROLE_RIGHTS.auditor),
    signedIn('tenant administrator', administrator.accountId, administrators),
    signedIn('tenant member', member.accountId, inTenant(ROLE_RIGHTS['tenant-member'])),
    signedIn('holder of a role that was made', reader.accountId, inTenant(NETWORK_READER)),
    signedIn(
      'operator of a site',
      siteOperator,
      ROLE_RIGHTS.operator.filter((right) => SITE_RIGHTS.includes(right)),
    ),
    {
      ...{ name: 'token of the tenant administrator', accountId: administrator.accountId, isToken: true },
      rights: new Set(TOKEN_RIGHTS.filter((right) => administrators.has(right))),
      enter: async () => red.token,
    },
    { name: 'nobody', accountId: undefined, rights: new Set(), isToken: false, enter: async () => undefined },
  ]
}

/** Calls a procedure over HTTP. */
export async function send(
  app: FastifyInstance,
  host: string,
  { method, url, body }: { method: string; url: string; body: unknown },
  bearer: string | undefined,
) {
  const { statusCode, payload } = await app.inject({
    ...{
      method: method as 'GET',
      url,
      headers: { host, 'if-match': '"1"', ...(bearer && { authorization: `Bearer ${bearer}` }) },
    },
    ...(body !== undefined && { payload: body as object }),
  })
  return { status: statusCode, text: payload }
}
