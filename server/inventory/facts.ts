import type { NicLimits } from '#server/contract/inventory.ts'
import type { Description } from '#server/datapath/driver.ts'
import type {
  AttachmentFact,
  DatapathFact,
  DatapathRole,
  Infrastructure,
  ServerFact,
} from '#server/engine/infrastructure.ts'
import type { Database, EngineTransaction, Scope } from './database.ts'
import { limitsOf } from './profiles.ts'

/** A datapath as the inventory keeps it: how it is reached, and what it last said of itself. */
export interface DatapathRecord {
  readonly id: string
  readonly name: string
  readonly serverId: string
  readonly serverName: string
  readonly siteId: string
  readonly siteName: string
  readonly nic: string | null
  /** The profile of the NIC that it runs in. */
  readonly profile: string | null
  /** What the operator has corrected in that profile. */
  readonly nicLimits: NicLimits | null
  readonly role: DatapathRole
  /** 16 hexadecimal digits. */
  readonly datapathId: string
  readonly bridge: string
  readonly ovsdb: string
  readonly controller: string
  readonly uplink: string | null
  readonly fabricId: string | null
  readonly fabricPort: string | null
  readonly tunnel: string | null
  readonly description: Description | null
}

const DATAPATHS = `SELECT d.id, d.name, d.server_id AS "serverId", s.name AS "serverName", s.site_id AS "siteId", t.name AS "siteName", n.name AS nic,
    n.profile, n.limits AS "nicLimits", d.role, d.datapath_id AS "datapathId", d.bridge, d.ovsdb, d.controller, d.uplink, d.fabric_id AS "fabricId",
    d.fabric_port AS "fabricPort", d.tunnel, d.description
  FROM datapath d JOIN server s ON s.id = d.server_id JOIN site t ON t.id = s.site_id LEFT JOIN nic n ON n.id = d.nic_id
  ORDER BY d.name`

/** Every datapath, by name. */
export const readDatapaths = async (tx: Pick<EngineTransaction, 'query'>): Promise<readonly DatapathRecord[]> =>
  (await tx.query<DatapathRecord>(DATAPATHS)).rows

interface AttachmentRow {
  id: string
  name: string
  datapathId: string
  portName: string
  mac: string
}

/** Port numbers by name, as a datapath last reported them. */
const portsOf = (datapath: DatapathRecord | undefined): ReadonlyMap<string, number> =>
  new Map((datapath?.description?.ports ?? []).map((port) => [port.name, port.port]))

function datapathFact(datapath: DatapathRecord, byId: ReadonlyMap<string, DatapathRecord>): DatapathFact {
  const { id, name, serverId, profile, nicLimits, role, uplink, fabricId, fabricPort, tunnel, description } = datapath
  const own = portsOf(datapath)
  const uplinkPort = uplink === null ? undefined : own.get(uplink)
  const tunnelPort = tunnel === null ? undefined : own.get(tunnel)
  const peerPort = fabricId === null || fabricPort === null ? undefined : portsOf(byId.get(fabricId)).get(fabricPort)
  return {
    ...{ id, name, serverId, role },
    ...(uplinkPort !== undefined && { uplinkPort }),
    ...(peerPort !== undefined && { peerPort }),
    ...(tunnelPort !== undefined && { tunnelPort }),
    ...(description && {
      limits: {
        tables: description.tables,
        // A table never holds more than the NIC that it is in, whatever the device says of itself.
        tableDefault: Math.min(description.tableDefault, limitsOf(profile ?? '', nicLimits ?? {}).entries ?? Infinity),
        groupTypes: description.groupTypes,
        maxGroups: description.maxGroups,
        features: description.features,
      },
    }),
  }
}

/** Facts out of rows: names of ports become the numbers that the devices last reported. */
function infrastructureOf(
  servers: readonly ServerFact[],
  datapaths: readonly DatapathRecord[],
  attachments: readonly AttachmentRow[],
): Infrastructure {
  const byId = new Map(datapaths.map((datapath) => [datapath.id, datapath]))
  const ports = new Map(datapaths.map((datapath) => [datapath.id, portsOf(datapath)]))
  const attachment = ({ id, name, datapathId, portName, mac }: AttachmentRow): AttachmentFact => {
    const port = ports.get(datapathId)?.get(portName)
    return { id, name, datapathId, mac, ...(port !== undefined && { port }) }
  }
  return {
    servers: new Map(servers.map((server) => [server.id, server])),
    datapaths: new Map(datapaths.map((datapath) => [datapath.id, datapathFact(datapath, byId)])),
    attachments: new Map(attachments.map((one) => [one.id, attachment(one)])),
  }
}

/** The facts of one moment. */
export async function readInfrastructure(tx: Pick<EngineTransaction, 'query'>): Promise<Infrastructure> {
  const servers = await tx.query<ServerFact>(
    'SELECT id, name, vtep, underlay_mtu AS "underlayMtu" FROM server ORDER BY id',
  )
  const attachments = await tx.query<AttachmentRow>(
    'SELECT id, name, datapath_id AS "datapathId", port_name AS "portName", mac FROM attachment ORDER BY id',
  )
  return infrastructureOf(servers.rows, await readDatapaths(tx), attachments.rows)
}

export interface DatapathStore {
  all(): Promise<readonly DatapathRecord[]>
  /** Those that the scope runs: all, or its site’s. Whose ports are plugged in somewhere runs none. */
  run(scope: Scope): Promise<readonly DatapathRecord[]>
  /** The site of a datapath, as far as it was read. */
  siteOf(id: string): string | undefined
  /** Keeps what a datapath said of itself. Nothing moves when it said the same before. */
  describe(id: string, description: Description): Promise<void>
  /** A generation id greater than all before: the engine becomes master with it, and an older engine is fenced off. */
  nextGeneration(): Promise<bigint>
}

/** Datapaths as the engine needs them: to reach them, to remember them, to fence off older engines. */
export function datapathStore({ engine, inScope }: Database): DatapathStore {
  const sites = new Map<string, string>()
  const all = async () => {
    const records = await readDatapaths(engine)
    for (const { id, siteId } of records) sites.set(id, siteId)
    return records
  }
  return {
    all,
    async run(scope) {
      const rows = await inScope(
        scope,
        (tx) => tx.$queryRaw<{ id: string }[]>`SELECT d.id FROM datapath d JOIN server s ON s.id = d.server_id
          WHERE runs_site(s.site_id)`,
      )
      const run = new Set(rows.map(({ id }) => id))
      return (await all()).filter(({ id }) => run.has(id))
    },
    siteOf: (id) => sites.get(id),
    async describe(id, description) {
      await engine.query(
        'UPDATE datapath SET description = $2, description_at = now() WHERE id = $1 AND description IS DISTINCT FROM $2::jsonb',
        [id, JSON.stringify(description)],
      )
    },
    async nextGeneration() {
      const { rows } = await engine.query<{ generation: string }>(`SELECT nextval('role_generation') AS generation`)
      return BigInt(rows[0]?.generation ?? 0)
    },
  }
}
