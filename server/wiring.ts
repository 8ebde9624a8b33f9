import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { auditHandlers } from './api/audit.ts'
import { bindingHandlers } from './api/bindings.ts'
import { runCommits } from './api/changes/commits.ts'
import { changeDesk } from './api/changes/desk.ts'
import { changeHandlers } from './api/changes/index.ts'
import { datapathHandlers } from './api/datapaths.ts'
import { decisionHandlers } from './api/decisions.ts'
import { groupHandlers } from './api/groups.ts'
import { inventoryHandlers } from './api/inventory.ts'
import { keyHandlers } from './api/keys.ts'
import { networkHandlers } from './api/networks.ts'
import { observing } from './api/observed.ts'
import { overviewHandlers } from './api/overview.ts'
import { portHandlers } from './api/ports.ts'
import { repairer } from './api/repair.ts'
import { roleHandlers } from './api/roles.ts'
import { sessionHandlers } from './api/session.ts'
import { subnetHandlers } from './api/subnets.ts'
import { taskHandlers } from './api/tasks.ts'
import { tenantHandlers } from './api/tenants.ts'
import { tokenHandlers } from './api/tokens.ts'
import { userHandlers } from './api/users.ts'
import type { Config } from './config.ts'
import type { InventoryFile } from './contract/inventory.ts'
import { createFleet } from './datapath/fleet.ts'
import { serveSwitches } from './datapath/openflow/switches.ts'
import type { Capability } from './engine/capability.ts'
import { numberTables } from './engine/change/compose.ts'
import { changeEngine } from './engine/change/engine.ts'
import type { Notation } from './engine/change/failure.ts'
import { createLocks } from './engine/change/locks.ts'
import type { Timer } from './engine/change/ports.ts'
import type { ProgressEvent } from './engine/change/progress.ts'
import { createReconciler } from './engine/change/reconcile.ts'
import { createRecovery } from './engine/change/recover.ts'
import { LIMITS } from './engine/change/run.ts'
import { network } from './engine/network/index.ts'
import { entryNotation, groupNotation } from './engine/program/notation.ts'
import type { Event, EventBus } from './http/events.ts'
import { cachedTokens } from './identity/access-cache.ts'
import { type AuditKeeping, auditKeeping, checkpointKeys } from './identity/audit/keeping.ts'
import { forgetPassword } from './identity/first-operator.ts'
import { openBreachedPasswords } from './identity/known-passwords/breached.ts'
import { limitWatch } from './identity/limits.ts'
import { type PasswordCheck, passwordCheck } from './identity/password-check.ts'
import { withTokens } from './identity/tokens.ts'
import { accountStore } from './inventory/accounts.ts'
import { attachmentNames, attachmentsByPort } from './inventory/attachments.ts'
import { auditLog } from './inventory/audit.ts'
import { auditEvidence } from './inventory/audit-evidence.ts'
import { auditOutbox } from './inventory/audit-outbox.ts'
import { bindingStore } from './inventory/bindings.ts'
import { changeStore } from './inventory/changes.ts'
import { conflictsOf } from './inventory/conflicts.ts'
import { EVERYTHING, openDatabase, type Scope } from './inventory/database.ts'
import { decisionLog } from './inventory/decisions.ts'
import { datapathStore } from './inventory/facts.ts'
import { grantStore } from './inventory/grants.ts'
import { groupStore } from './inventory/groups.ts'
import { idempotencyStore } from './inventory/idempotency.ts'
import { infrastructureStore } from './inventory/infrastructure.ts'
import { intentSource } from './inventory/intent.ts'
import { databaseJournal } from './inventory/journal.ts'
import { keyStore } from './inventory/keys.ts'
import { labels } from './inventory/labels.ts'
import { networkWriter } from './inventory/networks.ts'
import { portWriter } from './inventory/ports.ts'
import { programStore } from './inventory/programs.ts'
import { provenanceStore } from './inventory/provenance.ts'
import { roleStore } from './inventory/roles.ts'
import { draftSample } from './inventory/sample.ts'
import { type TaskStoreOptions, taskStore } from './inventory/tasks.ts'
import { tenantStore } from './inventory/tenants.ts'
import { tokenStore } from './inventory/tokens.ts'
import { networkViews } from './inventory/views.ts'
import { readWeave } from './inventory/weave.ts'
import { systemClock } from './kernel/clock.ts'
import { openKeys } from './keys/open.ts'
import type { KeyService } from './keys/ports.ts'
import { outbound } from './outbound/guard.ts'
import { openFederation } from './wiring-federation.ts'
import { openSignIn } from './wiring-sign-in.ts'
import { openSwitchTls, type SwitchTls } from './wiring-switches.ts'

/** Capabilities in service. The list only grows at its end: table numbers follow from its order. */
const CAPABILITIES: readonly Capability[] = [network as Capability]

/** Changes when the same intent may compile to other programs. */
const COMPILER = 'weft-1'

const EXPIRE_MS = 600_000
/** How often providers are looked at: one whose metadata expired is closed after so long. */
const WATCH_MS = 30_000

const timer: Timer = {
  ...systemClock,
  sleep: (duration_ms, signal) => sleep(duration_ms, undefined, { signal }),
}

const notation: Notation = (mismatch) => {
  if (mismatch.kind === 'entry') {
    const entry = mismatch.wanted ?? mismatch.held
    return entry ? entryNotation(entry) : mismatch.key
  }
  const group = mismatch.wanted ?? mismatch.held
  return group ? groupNotation(group) : `group_id=${mismatch.key}`
}

/** 8 bits of an installation's name, so that two of them tell their cookies apart. */
const installationOf = (instance: string): number => createHash('sha256').update(instance).digest()[0] ?? 0

export interface WiringParts {
  readonly config: Config
  readonly log: Logger
  readonly events: EventBus
  readonly metrics: Registry
}

/** Everything that is kept in the database. */
function openStores({ config, log, events }: WiringParts) {
  const onError = (error: Error) => log.warn({ err: error }, 'database')
  const database = openDatabase(config.database.urls, { onError })
  const onMoved: TaskStoreOptions['onMoved'] = ({ id, tenantId, siteId, state }) =>
    events.publish({ topic: 'task', kind: state, ref: id, tenantId, siteId: siteId ?? undefined })
  return {
    database,
    accounts: accountStore(database),
    audit: auditLog(database),
    idempotency: idempotencyStore(database),
    changes: changeStore(database),
    tasks: taskStore(database, { onMoved }),
    tenants: tenantStore(database),
    infrastructure: infrastructureStore(database),
    datapaths: datapathStore(database),
    views: networkViews(database),
    networks: networkWriter(database),
    ports: portWriter(database),
    intent: intentSource(database),
    programs: programStore(database),
    grants: grantStore(database),
    provenance: provenanceStore(database),
    journal: databaseJournal(database),
    keys: keyStore(database),
    roles: roleStore(database),
    bindings: bindingStore(database),
    groups: groupStore(database),
    tokens: tokenStore(database),
    decisions: decisionLog(database, {
      onLost: (count, error) => log.warn({ err: error, count }, 'decisions that are not written down'),
    }),
    labels: (scope: Scope, refs: Iterable<string>) => labels(database, scope, refs),
  }
}
type Stores = ReturnType<typeof openStores>

/** The change engine with the switches that it works on. */
function openEngine({ config, log, events }: WiringParts, stores: Stores, { gate }: SwitchTls) {
  const { intent, programs, grants, provenance, journal, changes, tasks, datapaths } = stores
  const fleet = createFleet(systemClock)
  const switches = serveSwitches({
    ...{ fleet, store: stores.datapaths, log, gate, outbound: outbound(config.outbound) },
    openflow: { type: 'tcp', ...config.openflow },
    ovsdb: { type: 'tcp', ...config.ovsdb },
  })
  const locks = createLocks()
  const ports = {
    ...{ datapaths: fleet, journal, programs, timer, limits: LIMITS, notation },
    onProgress: (event: ProgressEvent) => commits.recovered(event),
  }
  const recovery = createRecovery(ports, locks)
  const reconciler = createReconciler(ports, locks)
  const { condition } = reconciler
  const observed = observing({ capabilities: CAPABILITIES, intent, grants, fleet, condition, clock: systemClock })
  // Whoever hears that something moved must not be shown how it was before.
  const publish = (event: Event) => {
    observed.forget()
    events.publish(event)
  }
  reconciler.subscribe(({ datapathId, state }) =>
    publish({ topic: 'datapath', kind: state, ref: datapathId, tenantId: null, siteId: datapaths.siteOf(datapathId) }),
  )
  const engine = changeEngine({
    ...ports,
    ...{ capabilities: CAPABILITIES, intent, grants, provenance, locks, recovery, reconciler },
    ...{ installation: installationOf(config.instance), compilerVersion: COMPILER },
  })
  const commits = runCommits({
    ...{ engine, changes, tasks, publish, records: stores.datapaths.all },
    onFault: (error) => log.error({ err: error }, 'commit'),
  })
  return { fleet, switches, recovery, reconciler, engine, commits, observed, publish }
}
type Engine = ReturnType<typeof openEngine>

/** What people do: handlers of every procedure. */
function openDoor(
  { config, log }: WiringParts,
  stores: Stores,
  parts: Engine,
  keys: KeyService,
  keeping: AuditKeeping,
  checkPassword: PasswordCheck,
  switchTls: SwitchTls,
) {
  const { fleet, switches, reconciler, engine, commits, observed, publish } = parts
  const { accounts, changes, tasks, programs, provenance, infrastructure } = stores
  const { database } = stores
  const warn = (words: string) => log.warn(words)
  const limits = limitWatch({
    ...{ audit: stores.audit, clock: systemClock },
    onFault: (error) => log.error({ err: error }, 'a limit that was reached'),
  })
  const shared = { config, database, audit: stores.audit, limits, keys, publish }
  const endSession = (hash: string) => federation.logout.end(hash)
  const local = openSignIn({ ...shared, accounts, checkPassword, warn, endSession })
  const { sessions, signIn } = local
  const federation = openFederation({ ...shared, decisions: stores.decisions, sessions })
  const { condition } = reconciler
  const desk = changeDesk({
    ...{ commits, engine, changes, tasks, publish, labels: stores.labels, conflicts: conflictsOf(database) },
    ...{ records: stores.datapaths.all, attachmentNames: (ids) => attachmentNames(database, ids) },
    isConnected: (id) => fleet.driver(id)?.connected === true,
  })
  const commit = (scope: Scope, id: string) => desk.commit(scope, id, { reason: '', force: false })
  const intentParts = { changes, observed, commit, publish, views: observed.fresh(stores.views) }
  const datapathParts = {
    ...{
      fleet,
      database: switches.database,
      programs,
      provenance,
      changes,
      condition,
      labels: stores.labels,
      records: stores.datapaths.run,
    },
    ...{ tables: numberTables(CAPABILITIES.flatMap(({ blocks }) => blocks)) },
    attachments: (id: string) => attachmentsByPort(database, id),
    readNow: async (id: string) => void (await reconciler.check(id)),
    repair: repairer({ tasks, reconciler }),
  }
  const product = { ...config.product, instance: config.instance, demo: config.demo }
  const onPasswordChanged = (name: string) => forgetPassword(config.state, name)
  const overviewParts = {
    ...datapathParts,
    records: stores.datapaths.all,
    weave: (scope: Scope) => readWeave(database, scope),
    spoofedTotal: observed.spoofedTotal,
    attention: [local.attention, federation.attention, switchTls.attention],
  }
  const router = {
    session: sessionHandlers({
      ...{ signIn, sessions, product, logout: federation.logout, onPasswordChanged },
      secondFactor: config.session.secondFactor,
      onFollowed: federation.onFollowed,
    }),
    ...local.handlers,
    users: userHandlers({
      ...{ accounts, sessions, tell: local.notices.tell },
      firstPassword_ms: config.signIn.firstPassword_ms,
    }),
    roles: roleHandlers(stores.roles),
    bindings: bindingHandlers({ accounts, roles: stores.roles, bindings: stores.bindings }),
    groups: groupHandlers({ accounts, roles: stores.roles, bindings: stores.bindings, groups: stores.groups }),
    tokens: tokenHandlers(stores.tokens, local.notices.tell),
    decisions: decisionHandlers(stores.decisions),
    inventory: inventoryHandlers({
      ...{ infrastructure, publish, outbound: outbound(config.outbound), onImported: switches.sync },
    }),
    tenants: tenantHandlers({ tenants: stores.tenants, publish }),
    networks: networkHandlers({ ...intentParts, networks: stores.networks }),
    subnets: subnetHandlers({ ...intentParts, networks: stores.networks }),
    ports: portHandlers({ ...intentParts, ports: stores.ports }),
    changes: changeHandlers({ desk, changes, publish }),
    tasks: taskHandlers({ tasks, cancel: desk.cancel }),
    datapaths: datapathHandlers(datapathParts),
    switchCertificates: switchTls.handlers(publish),
    overview: overviewHandlers(overviewParts),
    audit: auditHandlers({
      ...{ audit: stores.audit, evidence: auditEvidence(database), keys: checkpointKeys(keys).verificationKeys },
      ...{ shipped: keeping.shipped, shipping: keeping.shipping },
    }),
    keys: keyHandlers(keys),
    signIn: federation.signIn,
    identityProviders: federation.identityProviders,
    consoles: federation.consoles,
  }
  return { router, sessions, desk, federation, limits, passkeys: local.passkeys, notices: local.notices }
}

const SAMPLE_MS = 30_000

/** Waits until every datapath is connected, and what it said of its ports is kept: changes are computed from that. */
async function everyDatapath({ fleet }: Engine, { datapaths }: Stores): Promise<void> {
  const end_ms = timer.monotonic_ms() + SAMPLE_MS
  const isReady = async () =>
    fleet.ids.every((id) => fleet.driver(id)?.connected) && (await datapaths.all()).every((one) => one.description)
  while (!(await isReady())) {
    if (timer.monotonic_ms() > end_ms) throw new Error('a datapath has not connected')
    await timer.sleep(100)
  }
}

/** Joins all parts of the engine. Nothing runs before `start`. */
export async function wire(parts: WiringParts) {
  const { config, log } = parts
  const stores = openStores(parts)
  const name = `${config.product.name} ${config.instance}`
  const keys = await openKeys({ config: config.keys, store: stores.keys, clock: systemClock, log, name })
  const { breached } = config.passwords
  const checkPassword = passwordCheck({
    ...{
      product: config.product.name,
      breached: breached === undefined ? undefined : await openBreachedPasswords(breached),
    },
    onFault: (error) => log.error({ err: error }, 'breached passwords'),
  })
  const switchTls = await openSwitchTls({
    ...{ config, log, keys, database: stores.database, datapaths: stores.datapaths },
  })
  const engine = openEngine(parts, stores, switchTls)
  const keeping = auditKeeping({
    ...{ ...config.audit, outbox: auditOutbox(stores.database), keys: checkpointKeys(keys), folder: config.state },
    onFault: (words, error) => log.error({ err: error }, words),
  })
  stores.audit.subscribe(keeping.stored)
  const { router, sessions, desk, federation, limits, passkeys, notices } = openDoor(
    parts,
    stores,
    engine,
    keys,
    keeping,
    checkPassword,
    switchTls,
  )
  const { accounts, audit, idempotency, database, infrastructure, tasks, changes, decisions } = stores
  const tokens = cachedTokens(stores.tokens, { moves: database.moves, clock: systemClock })
  let expiring: NodeJS.Timeout | undefined
  let watching: NodeJS.Timeout | undefined
  const look = () => federation.watch.look().catch((error: Error) => log.error({ err: error }, 'metadata'))
  return {
    ...{
      router,
      sessions: withTokens(sessions, tokens, config.session),
      accounts,
      audit,
      limits,
      idempotency,
      keys,
      decisions,
    },
    ...{ routes: federation.routes, signInRequests: federation.requests, logout: federation.logout, passkeys },
    notices,
    importInventory: (file: InventoryFile) => infrastructure.import(EVERYTHING, file),
    health: async () => ({
      database: await database.engine.query('SELECT 1').then(
        () => true,
        () => false,
      ),
    }),
    /** Drafts and commits the demo's first network, once every datapath is there. */
    async sample() {
      const draft = await draftSample(stores)
      if (draft === undefined) return
      await everyDatapath(engine, stores)
      await desk.commit(EVERYTHING, draft, { reason: 'Something to look at.', force: false })
    },
    async start() {
      await tasks.abandon()
      await keeping.start()
      await engine.switches.start()
      await engine.switches.sync()
      engine.reconciler.start()
      // Datapaths of unfinished changes may take a while to connect; pages are served meanwhile.
      engine.recovery.start().catch((error: Error) => log.error({ err: error }, 'recovery'))
      expiring = setInterval(() => void changes.expire().catch(() => {}), EXPIRE_MS)
      watching = setInterval(look, WATCH_MS)
      void look()
    },
    async stop() {
      clearInterval(expiring)
      clearInterval(watching)
      // What is decided is finished while the switches are still there; what cannot be, the journal knows.
      await Promise.all([engine.commits.close(), engine.reconciler.close(), engine.recovery.close()])
      switchTls.close()
      await engine.switches.close()
      await engine.fleet.close()
      await notices.close()
      await keeping.close()
      await decisions.flush()
      await keys.close()
      await database.close()
    },
  }
}
export type Wired = Awaited<ReturnType<typeof wire>>
