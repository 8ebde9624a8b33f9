import type { Network, Port, Subnet } from '#server/contract/networks.ts'
import { reservedOf } from '#server/engine/network/addresses.ts'
import { formatIp } from '#server/kernel/ip.ts'
import { lastOf, parsePrefix } from '#server/kernel/prefix.ts'
import { notFound } from '#server/kernel/refusal.ts'
import type { Database, Scope, Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'

export const NETWORK_FIELDS: Fields = {
  ...{ name: 'text', vni: 'number', mtu: 'number', tenantId: 'id', tenantName: 'text', ports: 'number' },
}
export const SUBNET_FIELDS: Fields = { prefix: 'text', networkId: 'id', gateway: 'text' }
export const PORT_FIELDS: Fields = {
  ...{ name: 'text', mac: 'text', networkId: 'id', networkName: 'text', tenantId: 'id', attachmentId: 'id' },
  ...{
    attachmentName: 'text',
    serverId: 'id',
    serverName: 'text',
    datapathId: 'id',
    vlan: 'number',
    address: 'text',
  },
}

/** An object without what is only known by looking at datapaths. */
export type NetworkView = Omit<Network, 'state'> & { readonly drafted: boolean }
export type SubnetView = Subnet
export type PortView = Omit<Port, 'state' | 'spoofed'> & { readonly drafted: boolean }

const subnetsSql = (
  change: string | null,
) => Prisma.sql`SELECT s.id, s.tenant_id, s.network_id AS "networkId", s.prefix, s.gateway, s.revision,
    (SELECT count(DISTINCT a)::int FROM port_in(${change}::uuid) p, unnest(p.addresses) a
      WHERE p.network_id = s.network_id AND a::inet <<= s.prefix::inet) AS used
  FROM subnet_in(${change}::uuid) s`

const networksSql = (
  change: string | null,
) => Prisma.sql`SELECT n.id, n.tenant_id AS "tenantId", t.name AS "tenantName", t.thread, n.name, n.vni, n.mtu,
    coalesce((SELECT jsonb_agg(to_jsonb(s) - 'tenant_id' ORDER BY s.prefix) FROM (${subnetsSql(change)}) s WHERE s."networkId" = n.id), '[]') AS subnets,
    (SELECT count(*)::int FROM port_in(${change}::uuid) p WHERE p.network_id = n.id) AS ports,
    coalesce((SELECT jsonb_agg(jsonb_build_object('id', v.id, 'name', v.name, 'ports', v.ports) ORDER BY v.name) FROM (
      SELECT s.id, s.name, count(*)::int AS ports FROM port_in(${change}::uuid) p JOIN attachment a ON a.id = p.attachment_id
      JOIN datapath d ON d.id = a.datapath_id JOIN server s ON s.id = d.server_id WHERE p.network_id = n.id GROUP BY s.id, s.name) v), '[]') AS servers,
    n.revision, n.drafted
  FROM network_in(${change}::uuid) n JOIN tenant t ON t.id = n.tenant_id`

const portsSql = (
  change: string | null,
) => Prisma.sql`SELECT p.id, p.network_id AS "networkId", n.name AS "networkName", p.tenant_id AS "tenantId", p.name,
    p.attachment_id AS "attachmentId", a.name AS "attachmentName", s.id AS "serverId", s.name AS "serverName", d.id AS "datapathId", p.mac,
    p.addresses, array_to_string(p.addresses, ' ') AS address, p.vlan, p.revision, p.drafted
  FROM port_in(${change}::uuid) p JOIN network_in(${change}::uuid) n ON n.id = p.network_id
  JOIN attachment a ON a.id = p.attachment_id JOIN datapath d ON d.id = a.datapath_id JOIN server s ON s.id = d.server_id`

interface SubnetRow extends Omit<Subnet, 'free'> {
  used: number
}

/** How many addresses ports could still get, as decimal text: an IPv6 subnet passes 53 bits. */
function free({ prefix, gateway, used }: Pick<SubnetRow, 'prefix' | 'gateway' | 'used'>): string {
  const range = parsePrefix(prefix)
  if (!range.ok) return '0'
  const all = lastOf(range.value).value - range.value.value + 1n
  const reserved = new Set(reservedOf(range.value).map(formatIp))
  if (gateway !== null) reserved.add(gateway)
  const left = all - BigInt(reserved.size) - BigInt(used)
  return String(left < 0n ? 0n : left)
}

function subnet({ id, networkId, prefix, gateway, revision, used }: SubnetRow): Subnet {
  return { id, networkId, prefix, gateway, revision, free: free({ prefix, gateway, used }) }
}

type NetworkRow = Omit<NetworkView, 'subnets'> & { subnets: SubnetRow[] }
const network = (row: NetworkRow): NetworkView => ({ ...row, subnets: row.subnets.map(subnet) })

type PortRow = PortView & { address: string | null }
const port = ({ address, ...row }: PortRow): PortView => row

/** A list, or one object, as a draft sees it; without a draft: what is committed. */
export interface NetworkViews {
  networks(scope: Scope, request: ListRequest, change?: string): Promise<Page<NetworkView>>
  network(scope: Scope, id: string, change?: string): Promise<NetworkView>
  subnets(scope: Scope, request: ListRequest, of: { networkId?: string; change?: string }): Promise<Page<SubnetView>>
  subnet(scope: Scope, id: string, change?: string): Promise<SubnetView>
  ports(scope: Scope, request: ListRequest, of: { networkId?: string; change?: string }): Promise<Page<PortView>>
  port(scope: Scope, id: string, change?: string): Promise<PortView>
}

export function networkViews(database: Database): NetworkViews {
  /** A draft that the scope may not know of is refused; it would otherwise look like one without edits. */
  const within = <T>(scope: Scope, change: string | undefined, work: (tx: Transaction) => Promise<T>): Promise<T> =>
    database.inScope(scope, async (tx) => {
      if (change && !(await tx.change.findUnique({ where: { id: change }, select: { id: true } })))
        throw notFound('change')
      return work(tx)
    })
  const list = <T extends { id: string }>(
    scope: Scope,
    change: string | undefined,
    query: (change: string | null) => Prisma.Sql,
    fields: Fields,
    request: ListRequest & { sort: string },
  ) => within(scope, change, (tx) => pageOf<T>(tx, query(change ?? null), fields, request))
  const one = async <T extends { id: string }>(
    scope: Scope,
    kind: string,
    id: string,
    change: string | undefined,
    query: (change: string | null) => Prisma.Sql,
  ): Promise<T> => {
    const [item] = await within(scope, change, (tx) => {
      return tx.$queryRaw<T[]>`SELECT * FROM (${query(change ?? null)}) q WHERE q.id = ${id}::uuid`
    })
    if (!item) throw notFound(kind)
    return item
  }
  const inNetwork = (networkId: string | undefined, request: ListRequest): ListRequest =>
    networkId === undefined
      ? request
      : { ...request, conditions: [...request.conditions, { field: 'networkId', operator: 'eq', value: networkId }] }
  return {
    async networks(scope, request, change) {
      const sorted = { ...request, sort: request.sort ?? 'name' }
      const { items, next } = await list<NetworkRow>(scope, change, networksSql, NETWORK_FIELDS, sorted)
      return { items: items.map(network), next }
    },
    network: async (scope, id, change) => network(await one<NetworkRow>(scope, 'network', id, change, networksSql)),
    async subnets(scope, request, { networkId, change }) {
      const sorted = { ...inNetwork(networkId, request), sort: request.sort ?? 'prefix' }
      const { items, next } = await list<SubnetRow>(scope, change, subnetsSql, SUBNET_FIELDS, sorted)
      return { items: items.map(subnet), next }
    },
    subnet: async (scope, id, change) => subnet(await one<SubnetRow>(scope, 'subnet', id, change, subnetsSql)),
    async ports(scope, request, { networkId, change }) {
      const sorted = { ...inNetwork(networkId, request), sort: request.sort ?? 'name' }
      const { items, next } = await list<PortRow>(scope, change, portsSql, PORT_FIELDS, sorted)
      return { items: items.map(port), next }
    },
    port: async (scope, id, change) => port(await one<PortRow>(scope, 'port', id, change, portsSql)),
  }
}
