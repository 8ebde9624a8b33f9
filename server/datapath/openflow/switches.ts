import type { Logger } from 'pino'
import { type Endpoint, parseEndpoint } from '#server/datapath/connection/endpoint.ts'
import { type Gate, OPEN_GATE } from '#server/datapath/connection/gate.ts'
import type { Log } from '#server/datapath/connection/log.ts'
import { notTheirs, type Transport } from '#server/datapath/connection/transport.ts'
import type { Description } from '#server/datapath/driver.ts'
import type { Fleet } from '#server/datapath/fleet.ts'
import type { Outbound } from '#server/outbound/guard.ts'
import { type Custody, keepBridge } from './custody.ts'
import { type OpenflowDatapath, openflowDatapath } from './driver.ts'
import { createListeners } from './listeners.ts'
import {
  dialledSource,
  type OvsdbClient,
  type OvsdbListener,
  openOvsdbClient,
  openOvsdbListener,
  type SessionSource,
} from './ovsdb/index.ts'

/** A switch's bridge as the inventory declares it. */
export interface DeclaredBridge {
  readonly id: string
  readonly name: string
  /** 16 hexadecimal digits. */
  readonly datapathId: string
  readonly bridge: string
  readonly serverId: string
  /** Where its database is dialled; `listen`: it dials us. */
  readonly ovsdb: string
  readonly controller: string
  readonly tunnel: string | null
  readonly description: Description | null
}

/** Where declared bridges come from, and where what they say is kept. */
export interface BridgeStore {
  all(): Promise<readonly DeclaredBridge[]>
  describe(id: string, description: Description): Promise<void>
  nextGeneration(): Promise<bigint>
}

export interface SwitchesParts {
  readonly fleet: Fleet
  readonly store: BridgeStore
  readonly log: Logger
  /** Where any switch may connect by TCP; declared ones may have addresses of their own beside. */
  readonly openflow: Endpoint
  /** Where switches' databases may dial in. */
  readonly ovsdb: Endpoint
  /** Asked before a switch's database is dialled. */
  readonly outbound: Outbound
  /** Who is let in, and how databases are dialled; by default everybody, in plain. */
  readonly gate?: Gate
}

/** How a switch's database is connected; `trouble` says why it is not. */
export interface DatabaseConnection {
  readonly transport: Transport | undefined
  readonly trouble: string | undefined
}

/** Every declared switch in service. */
export interface Switches {
  /** Brings new bridges into service, moves those whose address changed, retires those that are gone. */
  sync(): Promise<void>
  /** Opens the addresses for switches. Rejects when one is taken. */
  start(): Promise<void>
  /** How the database is connected that a datapath's bridge is in. */
  database(id: string): DatabaseConnection
  close(): Promise<void>
}

/** A staged part waits while others are staged; the switch's own limit of 10 s is too near for large changes. */
const BUNDLE_IDLE_S = 60

/** Declared of a switch whose database dials us. */
const LISTEN = 'listen'

/** What a bridge is reached by: it is served anew when one of these changes. */
const addressOf = ({ datapathId, bridge, serverId, ovsdb, controller, tunnel }: DeclaredBridge): string =>
  JSON.stringify([datapathId, bridge, serverId, ovsdb, controller, tunnel])

/** The database that a bridge is in: those of one server that dial us are one. */
const databaseOf = ({ ovsdb, serverId }: DeclaredBridge): string => (ovsdb === LISTEN ? `${LISTEN}:${serverId}` : ovsdb)

/** Serves the switches that the inventory declares: OpenFlow connections in, OVSDB connections out. */
export function serveSwitches(parts: SwitchesParts): Switches {
  const { fleet, store, log: logger, outbound, gate = OPEN_GATE, ...addresses } = parts
  const log: Log = (level, message, fields) => logger[level]({ ...fields }, message)
  const served = new Map<string, DeclaredBridge>()
  const onRefused = (datapathIds: readonly string[], reason: string) => {
    for (const { id, datapathId } of served.values())
      if (datapathIds.includes(datapathId)) fleet.turnedAway(id, `a peer was refused: ${reason}`)
  }
  const unsubscribe = gate.subscribe(onRefused)
  const listeners = createListeners({ log, gate, onRefused: (datapathId, reason) => onRefused([datapathId], reason) })
  const databases = new Map<string, OvsdbClient>()
  const custodies = new Map<string, Custody>()
  let reception: OvsdbListener | undefined
  /** What a switch is told: where nothing but TLS is spoken, `tcp:` means that. */
  const controllerOf = (declared: string): string =>
    declared.startsWith('tcp:') && gate.spokenAt(parseEndpoint(declared)) === 'tls'
      ? declared.replace('tcp:', 'ssl:')
      : declared
  const bridgesAt = (database: string) => [...served.values()].filter((one) => databaseOf(one) === database)
  const sourceOf = (database: string): SessionSource | undefined => {
    const idsOf = () => bridgesAt(database).map(({ datapathId }) => datapathId)
    const doubt = (transport: Transport) => notTheirs(transport, idsOf())
    if (!database.startsWith(`${LISTEN}:`)) return dialledSource(parseEndpoint(database), { outbound, gate, doubt })
    const isOurs = (bridge: { name: string; datapathId: string | undefined }) =>
      bridgesAt(database).some((one) => one.bridge === bridge.name && one.datapathId === bridge.datapathId)
    const mustBeSecured = () =>
      bridgesAt(database).some(({ controller }) => controllerOf(controller).startsWith('ssl:'))
    return reception?.source(({ bridges }) => bridges.some(isOurs), mustBeSecured)
  }
  let syncing: Promise<void> = Promise.resolve()

  const serve = async (declared: DeclaredBridge) => {
    const { id, name, datapathId, tunnel, description } = declared
    const controller = parseEndpoint(controllerOf(declared.controller))
    // Read before anything is opened: a wrong address of one switch is no trouble of the others.
    if (declared.ovsdb !== LISTEN) parseEndpoint(declared.ovsdb)
    const driver: OpenflowDatapath = openflowDatapath({
      ...{ id, name, datapathId, listeners, log, controller, generation: store.nextGeneration },
      ...(tunnel !== null && { tunnel }),
    })
    served.set(id, declared)
    fleet.add(id, driver, description)
    await driver.start()
  }

  const retire = async (declared: DeclaredBridge) => {
    served.delete(declared.id)
    custodies.get(declared.id)?.end()
    custodies.delete(declared.id)
    await fleet.remove(declared.id)
  }

  /** One that cannot be served does not keep others from it, and is tried again with the next `sync`. */
  const tryServe = async (declared: DeclaredBridge) => {
    try {
      await serve(declared)
    } catch (error) {
      log('warn', 'A datapath cannot be served.', { datapath: declared.name, error: (error as Error).message })
      await retire(declared)
    }
  }

  const connectDatabases = async () => {
    const wanted = new Set([...served.values()].map(databaseOf))
    for (const [endpoint, client] of databases)
      if (!wanted.has(endpoint)) {
        databases.delete(endpoint)
        await client.close()
      }
    for (const name of wanted) {
      const source = databases.has(name) ? undefined : sourceOf(name)
      if (source) databases.set(name, openOvsdbClient({ source, log }))
    }
  }

  const keepBridges = () => {
    for (const one of served.values()) {
      const client = databases.get(databaseOf(one))
      if (!client || custodies.has(one.id)) continue
      const { bridge, controller, datapathId } = one
      const requirements = { bridge, controller: controllerOf(controller), datapathId, bundleIdle_s: BUNDLE_IDLE_S }
      custodies.set(one.id, keepBridge({ client, requirements, log }))
    }
  }

  const sync = async () => {
    const declared = new Map((await store.all()).map((one) => [one.id, one]))
    for (const one of [...served.values()]) {
      const now = declared.get(one.id)
      if (!now || addressOf(now) !== addressOf(one)) await retire(one)
    }
    for (const one of declared.values()) if (!served.has(one.id)) await tryServe(one)
    await connectDatabases()
    keepBridges()
  }

  const forget = fleet.subscribe((id, { type }) => {
    if (type === 'connected') custodies.get(id)?.connected()
    if (type !== 'connected' && type !== 'ports') return
    const { description } = fleet.connection(id)
    if (description)
      store
        .describe(id, description)
        .catch((error: Error) => log('warn', 'A description was not kept.', { error: error.message }))
  })

  return {
    async start() {
      await listeners.keep(addresses.openflow)
      reception = await openOvsdbListener({ endpoint: addresses.ovsdb, log, gate, onRefused })
    },
    sync() {
      syncing = syncing.catch(() => {}).then(sync)
      return syncing
    },
    database(id) {
      const declared = served.get(id)
      const client = declared && databases.get(databaseOf(declared))
      return { transport: client?.transport, trouble: client?.trouble }
    },
    async close() {
      forget()
      unsubscribe()
      await syncing.catch(() => {})
      for (const custody of custodies.values()) custody.end()
      await Promise.all([...databases.values()].map((client) => client.close()))
      await Promise.all([listeners.close(), reception?.close()])
    },
  }
}
