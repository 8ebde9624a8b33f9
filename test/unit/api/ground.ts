import type { DatapathParts } from '#server/api/datapaths.ts'
import type { RequestContext } from '#server/api/door.ts'
import { observing } from '#server/api/observed.ts'
import { ROLE_RIGHTS, type Role } from '#server/contract/rights.ts'
import { createFleet } from '#server/datapath/fleet.ts'
import type { Capability } from '#server/engine/capability.ts'
import { numberTables } from '#server/engine/change/compose.ts'
import { grant } from '#server/engine/change/grants.ts'
import type { CommittedProgram } from '#server/engine/change/journal.ts'
import type { GrantStore, Provenance } from '#server/engine/change/ports.ts'
import { compileAll, cookieOf } from '#server/engine/change/propose.ts'
import { network } from '#server/engine/network/index.ts'
import { accessOf } from '#server/identity/access.ts'
import type { AccountRecord, Binding } from '#server/identity/ports.ts'
import type { Caller } from '#server/identity/sessions.ts'
import { attachmentsByPort } from '#server/inventory/attachments.ts'
import { changeStore } from '#server/inventory/changes.ts'
import type { Scope } from '#server/inventory/database.ts'
import { datapathStore } from '#server/inventory/facts.ts'
import { intentSource } from '#server/inventory/intent.ts'
import { databaseJournal } from '#server/inventory/journal.ts'
import { labels } from '#server/inventory/labels.ts'
import { networkWriter } from '#server/inventory/networks.ts'
import { portWriter } from '#server/inventory/ports.ts'
import { startTestDatabase } from '#test/peers/postgres.ts'
import { createDevice, type Device } from '../engine/change/fake-driver.ts'
import { describeAll, nothingOnDatapaths, site } from '../inventory/fixture.ts'

const CAPABILITIES = [network as Capability]

/** Somebody who asks, in a role; tenants' people belong to `tenantId`. */
export function callerIn(role: Role, tenantId: string | null = null, ifMatch?: number): { context: RequestContext } {
  const place = {
    tenantId: role.startsWith('tenant') ? tenantId : null,
    tenantName: null,
    siteId: null,
    siteName: null,
  }
  const binding: Binding = {
    ...{ id: '019ab000-0000-7000-8000-00000000000b', role, rights: ROLE_RIGHTS[role], ...place },
    ...{ groupName: null, source: 'local', from: [], hours: null },
  }
  const account: AccountRecord = {
    ...{ id: '019ab000-0000-7000-8000-00000000000a', name: 'anna', displayName: 'Anna', email: null, passwordHash: '' },
    passwordEndsAt_ms: null,
    ...{ tenantId: place.tenantId, tenantName: null, providerId: null, providerName: null, state: 'active' },
    ...{ breakGlass: false, signedInAt_ms: null, failedAt_ms: null, revision: 1, bindings: [binding] },
  }
  const access = accessOf(account.bindings)
  const { rights, tenantId: ofTenant, siteId } = access
  const begun = {
    session: '',
    expiresAt_ms: 0,
    method: 'password',
    authenticatedAt_ms: 0,
    freshUntil_ms: Number.POSITIVE_INFINITY,
    owes: [],
  }
  const caller: Caller = {
    account,
    ...begun,
    access,
    rights,
    scope: { tenantId: ofTenant, siteId },
    idle: [],
    signals: [],
  }
  return {
    context: {
      ...{ caller, address: '::1', agent: 'test', origin: 'http://localhost', ifMatch, note: {} },
      audit: { record: async () => undefined },
      keepSession: () => undefined,
    },
  }
}

/** Two servers whose devices hold what the networks of two tenants, `red` and `blue`, want of them. */
export async function twoTenants() {
  const database = await startTestDatabase()
  const lab = await site(database)
  await describeAll(database)
  const journal = databaseJournal(database)
  const make = async (name: string, ...hosts: readonly string[]) => {
    const { id, writer } = await lab.tenant(name)
    const { draft, id: networkId } = await networkWriter(database).createNetwork(writer, { tenantId: id, name })
    const inDraft = { ...writer, change: draft.id }
    await networkWriter(database).createSubnet(inDraft, { networkId, prefix: '10.0.0.0/24', gateway: null })
    for (const host of hosts) {
      const attachmentId = lab.attachments.get(host) as string
      await portWriter(database).createPort(inDraft, { networkId, attachmentId, vlan: null })
    }
    await journal.prepare(nothingOnDatapaths(draft.id))
    await journal.finish(draft.id, { outcome: 'committed', ...nothingOnDatapaths(draft.id).commitment })
    return { id, networkId, change: draft.id }
  }
  const red = await make('red', 'host-1-1', 'host-2-1')
  const blue = await make('blue', 'host-1-2')
  const [intent, records] = [intentSource(database), datapathStore(database)]
  const snapshot = await intent.snapshot()
  const granting = grant(network.demand(network.model(snapshot.rows), snapshot.facts), [], [])
  const grants: GrantStore = { granted: async () => granting.taken, reserve: async () => undefined }
  const { composed } = compileAll(CAPABILITIES, snapshot, granting.numbers)
  const provenance = new Map<bigint, Provenance>()
  const committed = new Map<string, CommittedProgram>()
  for (const [datapathId, { program, origins }] of composed) {
    const entries = [...program.entries].map(([key, entry]) => {
      const row = BigInt(provenance.size + 1)
      provenance.set(row, { change: red.change, because: origins.get(key)?.because ?? [] })
      return [key, { ...entry, cookie: cookieOf(1, row) }] as const
    })
    committed.set(datapathId, { datapathId, program: { ...program, entries: new Map(entries) }, hash: '' })
  }
  let at_ms = 1_800_000_000_000
  const clock = { now_ms: () => at_ms, monotonic_ms: () => at_ms }
  const fleet = createFleet(clock)
  const devices = new Map<string, Device>()
  const all = await records.all()
  for (const { id, name } of all) {
    const device = createDevice(id, { sleep: async () => undefined })
    device.program = committed.get(id)?.program ?? device.program
    devices.set(name, device)
    fleet.add(id, device.driver, null)
    device.disconnect()
    device.connect()
  }
  const conditions = new Map<string, Partial<ReturnType<DatapathParts['condition']>>>()
  const condition = (id: string) => {
    const [state, drift] = [fleet.connection(id).connected ? ('held' as const) : ('away' as const), undefined]
    return { state, drift, driftSince_ms: null, read_ms: null, ...conditions.get(id) }
  }
  const observed = observing({ capabilities: CAPABILITIES, intent, grants, fleet, condition, clock })
  const parts: DatapathParts = {
    ...{ fleet, condition, records: records.all, changes: changeStore(database) },
    database: () => ({ transport: undefined, trouble: undefined }),
    programs: {
      committed: async (ids) => new Map([...committed].filter(([id]) => ids.includes(id))),
      settled: async () => undefined,
    },
    provenance: {
      allocate: async () => [],
      look: async (ids) =>
        new Map(ids.flatMap((id) => (provenance.has(id) ? [[id, provenance.get(id) as Provenance]] : []))),
    },
    tables: numberTables(CAPABILITIES.flatMap(({ blocks }) => blocks)),
    labels: (scope: Scope, refs) => labels(database, scope, refs),
    attachments: (id) => attachmentsByPort(database, id),
    readNow: async () => undefined,
    repair: () => Promise.reject(new Error('not asked for')),
  }
  const idOf = (name: string): string => all.find((one) => one.name === name)?.id ?? ''
  const pass = (ms: number) => {
    at_ms += ms
  }
  return { database, lab, red, blue, fleet, devices, conditions, observed, parts, committed, idOf, pass }
}
