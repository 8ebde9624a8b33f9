import type { Overview } from '#server/contract/overview.ts'
import type { Database, Scope, Transaction } from './database.ts'

/** Servers, networks, and how many ports each network has on each server: as the scope may see it. */
export interface Weave {
  readonly sites: Overview['sites']
  readonly servers: readonly { id: string; name: string; siteId: string; profile: string | null; ports: number }[]
  readonly networks: Overview['networks']
  readonly ports: number
}

interface Knot {
  networkId: string
  serverId: string
  ports: number
}

const readServers = (tx: Transaction) => tx.$queryRaw<Weave['servers'][number][]>`
  SELECT s.id, s.name, s.site_id AS "siteId", (SELECT min(n.profile) FROM nic n WHERE n.server_id = s.id) AS profile,
    (SELECT count(*)::int FROM port p JOIN attachment a ON a.id = p.attachment_id JOIN datapath d ON d.id = a.datapath_id
      WHERE d.server_id = s.id) AS ports
  FROM server s ORDER BY s.name`

const readKnots = (tx: Transaction) => tx.$queryRaw<Knot[]>`
  SELECT p.network_id AS "networkId", d.server_id AS "serverId", count(*)::int AS ports
  FROM port p JOIN attachment a ON a.id = p.attachment_id JOIN datapath d ON d.id = a.datapath_id
  GROUP BY p.network_id, d.server_id`

const readNetworks = (tx: Transaction) => tx.$queryRaw<Omit<Overview['networks'][number], 'knots'>[]>`
  SELECT n.id, n.name, n.vni, t.name AS "tenantName", t.thread FROM network n JOIN tenant t ON t.id = n.tenant_id
  ORDER BY t.name, n.name`

/** Reads the weave. A tenant sees its own networks, the servers that they reach, and the sites of these. */
export const readWeave = (database: Database, scope: Scope): Promise<Weave> =>
  database.inScope(scope, async (tx) => {
    const [sites, servers, networks, knots] = [
      await tx.site.findMany({ orderBy: { name: 'asc' } }),
      await readServers(tx),
      await readNetworks(tx),
      await readKnots(tx),
    ]
    const reached = new Set(knots.map(({ serverId }) => serverId))
    const visible = scope.tenantId === null ? servers : servers.filter(({ id }) => reached.has(id))
    const inUse = new Set(visible.map(({ siteId }) => siteId))
    return {
      sites: sites
        .filter(({ id }) => scope.tenantId === null || inUse.has(id))
        .map(({ id, name, words }) => ({ id, name, words })),
      servers: visible,
      networks: networks.map((network) => ({
        ...network,
        knots: knots
          .filter(({ networkId }) => networkId === network.id)
          .map(({ serverId, ports }) => ({ serverId, ports })),
      })),
      ports: knots.reduce((sum, { ports }) => sum + ports, 0),
    }
  })
