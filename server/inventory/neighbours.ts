import type { NicLimits } from '#server/contract/inventory.ts'
import type { Finding } from '#server/engine/finding.ts'
import type { AttachmentFact, DatapathFact, DatapathRole, Infrastructure } from '#server/engine/infrastructure.ts'
import type { Network, NetworkIntent, Port, Subnet } from '#server/engine/network/model.ts'
import { validate } from '#server/engine/network/validate.ts'
import type { RefusalDetail } from '#server/kernel/refusal.ts'
import type { Transaction } from './database.ts'
import type { Draft, Kind, Present } from './drafts.ts'
import { Prisma } from './generated/client.ts'

const NETWORK = Prisma.sql`n.id, n.tenant_id AS "tenantId", n.name, n.vni, n.mtu`
const SUBNET = Prisma.sql`s.id, s.network_id AS "networkId", s.prefix, s.gateway`
const PORT = Prisma.sql`p.id, p.network_id AS "networkId", p.name, p.attachment_id AS "attachmentId", p.mac, p.addresses, p.vlan`

type Row<T> = T & { tenantId: string; revision: number }

function presentOf(row: Row<{ id: string }> | undefined, keepTenant: boolean): Present | undefined {
  if (!row) return undefined
  const { id, tenantId, revision, ...value } = row
  return { id, tenantId, revision, value: keepTenant ? { tenantId, ...value } : value }
}

/** An object as a draft (or, without one, everybody) sees it; undefined when the scope may not know of it. */
export async function findPresent(
  tx: Transaction,
  kind: Kind,
  id: string,
  change: string | undefined,
): Promise<Present | undefined> {
  const within = change ?? null
  if (kind === 'network') {
    const rows = await tx.$queryRaw<Row<Network>[]>`
      SELECT ${NETWORK}, n.revision FROM network_in(${within}::uuid) n WHERE n.id = ${id}::uuid`
    return presentOf(rows[0], true)
  }
  if (kind === 'subnet') {
    const rows = await tx.$queryRaw<Row<Subnet>[]>`
      SELECT ${SUBNET}, s.tenant_id AS "tenantId", s.revision FROM subnet_in(${within}::uuid) s WHERE s.id = ${id}::uuid`
    return presentOf(rows[0], false)
  }
  const rows = await tx.$queryRaw<Row<Port>[]>`
    SELECT ${PORT}, p.tenant_id AS "tenantId", p.revision FROM port_in(${within}::uuid) p WHERE p.id = ${id}::uuid`
  return presentOf(rows[0], false)
}

/** Subnets and ports of a network as a draft sees them. */
export async function contentsOf(tx: Transaction, draft: Draft, networkId: string): Promise<[Kind, Present][]> {
  const subnets = await tx.$queryRaw<Row<Subnet>[]>`
    SELECT ${SUBNET}, s.tenant_id AS "tenantId", s.revision FROM subnet_in(${draft.id}::uuid) s WHERE s.network_id = ${networkId}::uuid`
  const ports = await tx.$queryRaw<Row<Port>[]>`
    SELECT ${PORT}, p.tenant_id AS "tenantId", p.revision FROM port_in(${draft.id}::uuid) p WHERE p.network_id = ${networkId}::uuid`
  const all = (kind: Kind, rows: readonly Row<Subnet | Port>[]): [Kind, Present][] =>
    rows.flatMap((row): [Kind, Present][] => {
      const present = presentOf(row, false)
      return present ? [[kind, present]] : []
    })
  return [...all('port', ports), ...all('subnet', subnets)]
}

/** What open drafts beside this one would make of the tenant's objects. They count as if they were there already. */
async function beside(tx: Transaction, draft: Draft, tenantId: string): Promise<NetworkIntent> {
  const rows = await tx.$queryRaw<{ kind: Kind; id: string; after: object }[]>`
    SELECT kind, id, after FROM open_edits(${tenantId}::uuid, ${draft.id}::uuid)`
  const of = <T>(kind: Kind): T[] =>
    rows.filter((row) => row.kind === kind).map(({ id, after }) => ({ id, ...after }) as T)
  return { networks: new Map(of<Network>('network').map((n) => [n.id, n])), subnets: of('subnet'), ports: of('port') }
}

/** Rows of the draft first: where another draft edits the same object, the other version stands beside it. */
function merge(own: NetworkIntent, others: NetworkIntent, subject: string): NetworkIntent {
  const rest = <T extends { id: string }>(list: readonly T[]): readonly T[] => list.filter(({ id }) => id !== subject)
  const aside = <T extends { id: string }>(list: readonly T[]): readonly T[] =>
    rest(list).map((one) => ({ ...one, id: `${one.id}/draft` }))
  const ids = new Set(own.networks.keys())
  return {
    networks: new Map([...own.networks, ...[...others.networks].filter(([id]) => id !== subject && !ids.has(id))]),
    subnets: [...own.subnets, ...aside(others.subnets)],
    ports: [...own.ports, ...aside(others.ports)],
  }
}

/** As far as an edit in one network can touch them: the tenant's ports that `near` says, with their networks and subnets. */
async function readIntent(
  tx: Transaction,
  draft: Draft,
  { tenantId, networkId }: { tenantId: string; networkId: string },
  near: Prisma.Sql,
): Promise<NetworkIntent> {
  const ports = await tx.$queryRaw<Port[]>`
    SELECT ${PORT} FROM port_in(${draft.id}::uuid) p WHERE p.tenant_id = ${tenantId}::uuid AND (${near})`
  const ids = [...new Set([networkId, ...ports.map((port) => port.networkId)])]
  const networks = await tx.$queryRaw<Network[]>`
    SELECT ${NETWORK} FROM network_in(${draft.id}::uuid) n WHERE n.id = ANY(${ids}::uuid[])`
  const subnets = await tx.$queryRaw<Subnet[]>`
    SELECT ${SUBNET} FROM subnet_in(${draft.id}::uuid) s WHERE s.network_id = ANY(${ids}::uuid[])`
  return { networks: new Map(networks.map((n) => [n.id, n])), subnets, ports }
}

/** A network with all ports of the tenant, there or drafted, that have an address in one of its subnets. */
export async function addressesIn(
  tx: Transaction,
  draft: Draft,
  network: { tenantId: string; networkId: string },
): Promise<NetworkIntent> {
  const { networkId } = network
  const near = Prisma.sql`EXISTS (SELECT FROM unnest(p.addresses) a JOIN subnet_in(${draft.id}::uuid) s ON a::inet <<= s.prefix::inet
    WHERE s.network_id = ${networkId}::uuid)`
  return merge(await readIntent(tx, draft, network, near), await beside(tx, draft, network.tenantId), '')
}

interface AttachmentRow {
  id: string
  name: string
  mac: string
  datapathId: string
  datapathName: string
  role: DatapathRole
  serverId: string
  serverName: string
  vtep: string
  underlayMtu: number
  nicId: string | null
  nicName: string | null
  profile: string | null
  /** What the operator has corrected in that profile. */
  nicLimits: NicLimits | null
}

/** A place to plug in, with the NIC that it is behind. */
export interface Place extends AttachmentRow {}

export async function readPlaces(tx: Transaction, ids: readonly string[]): Promise<Place[]> {
  return tx.$queryRaw<
    Place[]
  >`SELECT a.id, a.name, a.mac, d.id AS "datapathId", d.name AS "datapathName", d.role, s.id AS "serverId",
      s.name AS "serverName", s.vtep, s.underlay_mtu AS "underlayMtu", n.id AS "nicId", n.name AS "nicName", n.profile,
      n.limits AS "nicLimits"
    FROM attachment a JOIN datapath d ON d.id = a.datapath_id JOIN server s ON s.id = d.server_id LEFT JOIN nic n ON n.id = d.nic_id
    WHERE a.id = ANY(${[...ids]}::uuid[])`
}

/** Only what an edit is judged by: what devices report is judged when the change is checked. */
function infrastructureOf(places: readonly Place[]): Infrastructure {
  const datapath = ({ datapathId: id, datapathName: name, serverId, role }: Place): DatapathFact => {
    return { id, name, serverId, role }
  }
  const attachment = ({ id, name, datapathId, mac }: Place): AttachmentFact => ({ id, name, datapathId, mac })
  return {
    servers: new Map(
      places.map(({ serverId: id, serverName: name, vtep, underlayMtu }) => [id, { id, name, vtep, underlayMtu }]),
    ),
    datapaths: new Map(places.map((place) => [place.datapathId, datapath(place)])),
    attachments: new Map(places.map((place) => [place.id, attachment(place)])),
  }
}

const detail = ({ pointer = '', rule, limit, message, mend }: Finding): RefusalDetail => {
  return { pointer, rule, message, mend, ...(limit !== undefined && { limit }) }
}

/** The object that an edit is about, and the network that it is or is in. */
interface Subject {
  readonly kind: Kind
  readonly id: string
  readonly tenantId: string
  readonly networkId: string
}

/**
 * What the network capability has against an object as the draft now has it, beside all that the tenant has and that open
 * drafts would add. What depends on devices (they have a `datapathId`, or point at no field) is left to the check of the change.
 */
async function judge(tx: Transaction, draft: Draft, subject: Subject, near: Prisma.Sql): Promise<RefusalDetail[]> {
  const own = await readIntent(tx, draft, subject, near)
  const intent = merge(own, await beside(tx, draft, subject.tenantId), subject.id)
  const places = await readPlaces(tx, [...new Set(intent.ports.map((port) => port.attachmentId))])
  const findings = validate(intent, { infrastructure: infrastructureOf(places) })
  return findings
    .filter(({ severity, subject: of }) => severity === 'error' && of === `${subject.kind}/${subject.id}`)
    .filter(({ pointer, datapathId }) => pointer !== undefined && datapathId === undefined)
    .map(detail)
}

/** What is wrong with a network or a subnet of a draft. The network's ports count, since an MTU must suit them. */
export const judgeNetwork = (tx: Transaction, draft: Draft, subject: Subject) =>
  judge(tx, draft, subject, Prisma.sql`p.network_id = ${subject.networkId}::uuid`)

/** What is wrong with a port of a draft: of the others, those that count share something with it. */
export function judgePort(tx: Transaction, draft: Draft, tenantId: string, port: Port): Promise<RefusalDetail[]> {
  const { id, networkId, attachmentId, mac, addresses } = port
  const near = Prisma.sql`p.id = ${id}::uuid OR p.attachment_id = ${attachmentId}::uuid
    OR (p.network_id = ${networkId}::uuid AND p.mac = ${mac}) OR p.addresses && ${[...addresses]}::text[]`
  return judge(tx, draft, { kind: 'port', id, tenantId, networkId }, near)
}
