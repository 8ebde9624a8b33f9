import type { Attachment, InventoryFile, Nic, NicLimits, Server, Site } from '#server/contract/inventory.ts'
import { notFound } from '#server/kernel/refusal.ts'
import type { Database, Scope, Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type ImportCounts, importFile } from './import.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'
import { publicProfile } from './profiles.ts'

export const SITE_FIELDS: Fields = { name: 'text', words: 'text', servers: 'number' }
export const SERVER_FIELDS: Fields = {
  ...{ name: 'text', siteId: 'id', siteName: 'text', vtep: 'text', underlayMtu: 'number', ports: 'number' },
}
export const NIC_FIELDS: Fields = { name: 'text', serverId: 'id', serverName: 'text', profile: 'text' }
export const ATTACHMENT_FIELDS: Fields = {
  ...{ name: 'text', serverId: 'id', serverName: 'text', datapathId: 'id', datapathName: 'text' },
  ...{ portName: 'text', mac: 'text', used: 'number' },
}

const SITES = Prisma.sql`SELECT t.id, t.name, t.words, (SELECT count(*)::int FROM server s WHERE s.site_id = t.id) AS servers FROM site t`

const PORTS_OF_SERVER = Prisma.sql`(SELECT count(*)::int FROM port p JOIN attachment a ON a.id = p.attachment_id
  JOIN datapath d ON d.id = a.datapath_id WHERE d.server_id = s.id)`

const SERVERS = Prisma.sql`SELECT s.id, s.name, s.site_id AS "siteId", t.name AS "siteName", s.vtep, s.underlay_mtu AS "underlayMtu",
    coalesce((SELECT jsonb_agg(jsonb_build_object('id', n.id, 'name', n.name, 'profile', n.profile) ORDER BY n.name)
      FROM nic n WHERE n.server_id = s.id), '[]') AS nics,
    coalesce((SELECT jsonb_agg(jsonb_build_object('id', d.id, 'name', d.name, 'role', d.role) ORDER BY d.name)
      FROM datapath d WHERE d.server_id = s.id), '[]') AS datapaths,
    ${PORTS_OF_SERVER} AS ports
  FROM server s JOIN site t ON t.id = s.site_id`

const NICS = Prisma.sql`SELECT n.id, n.name, n.server_id AS "serverId", s.name AS "serverName", n.profile, n.limits,
    (SELECT count(*)::int FROM port p JOIN attachment a ON a.id = p.attachment_id JOIN datapath d ON d.id = a.datapath_id
      WHERE d.nic_id = n.id) AS "virtualNics",
    (SELECT coalesce(sum(g.entries), 0)::int FROM program g JOIN datapath d ON d.id = g.datapath_id WHERE d.nic_id = n.id) AS entries,
    (SELECT count(*)::int FROM datapath d WHERE d.nic_id = n.id) AS "openflowInstances"
  FROM nic n JOIN server s ON s.id = n.server_id`

const ATTACHMENTS = Prisma.sql`SELECT a.id, a.name, d.server_id AS "serverId", s.name AS "serverName", a.datapath_id AS "datapathId",
    d.name AS "datapathName", a.port_name AS "portName", a.mac,
    coalesce((SELECT jsonb_agg(jsonb_build_object('portId', p.id, 'name', p.name, 'vlan', p.vlan) ORDER BY p.vlan NULLS FIRST)
      FROM port p WHERE p.attachment_id = a.id), '[]') AS "usedBy",
    (SELECT count(*)::int FROM port p WHERE p.attachment_id = a.id) AS used
  FROM attachment a JOIN datapath d ON d.id = a.datapath_id JOIN server s ON s.id = d.server_id`

interface NicRow extends Omit<Nic, 'profile' | 'used' | 'corrected'> {
  profile: string
  /** The operator's corrections. */
  limits: NicLimits
  virtualNics: number
  entries: number
  openflowInstances: number
}

/** Of each limit that holds, how much is used. */
function nic({ virtualNics, entries, openflowInstances, profile, limits, ...rest }: NicRow): Nic {
  const counted: Readonly<Record<string, number>> = { virtualNics, entries, openflowInstances }
  const held = publicProfile(profile, limits)
  const used = Object.keys(held.limits).flatMap((limit) =>
    counted[limit] === undefined ? [] : [[limit, counted[limit]] as const],
  )
  return { ...rest, profile: held, used: Object.fromEntries(used), corrected: Object.keys(limits).sort() }
}

export interface InfrastructureStore {
  sites(scope: Scope, request: ListRequest): Promise<Page<Site>>
  servers(scope: Scope, request: ListRequest): Promise<Page<Server>>
  server(scope: Scope, id: string): Promise<Server>
  nics(scope: Scope, request: ListRequest): Promise<Page<Nic>>
  attachments(scope: Scope, request: ListRequest): Promise<Page<Attachment>>
  /** Declares hardware by name: what is there and the same stays as it is. Refused as a whole when a name leads nowhere. */
  import(scope: Scope, file: InventoryFile): Promise<ImportCounts>
}

export function infrastructureStore(database: Database): InfrastructureStore {
  const list =
    <T extends { id: string }>(query: Prisma.Sql, fields: Fields) =>
    (scope: Scope, request: ListRequest): Promise<Page<T>> =>
      database.inScope(scope, (tx: Transaction) =>
        pageOf<T>(tx, query, fields, { ...request, sort: request.sort ?? 'name' }),
      )
  const nics = list<NicRow>(NICS, NIC_FIELDS)
  const attachments = list<Attachment & { used?: number }>(ATTACHMENTS, ATTACHMENT_FIELDS)
  return {
    sites: list<Site>(SITES, SITE_FIELDS),
    servers: list<Server>(SERVERS, SERVER_FIELDS),
    server: (scope, id) =>
      database.inScope(scope, async (tx) => {
        const [row] = await tx.$queryRaw<Server[]>`SELECT * FROM (${SERVERS}) q WHERE q.id = ${id}::uuid`
        if (!row) throw notFound('server')
        return row
      }),
    nics: async (scope, request) => {
      const { items, next } = await nics(scope, request)
      return { items: items.map(nic), next }
    },
    attachments: async (scope, request) => {
      const { items, next } = await attachments(scope, request)
      return { items: items.map(({ used, ...attachment }) => attachment), next }
    },
    import: (scope, file) => database.inScope(scope, (tx) => importFile(tx, file, scope)),
  }
}
