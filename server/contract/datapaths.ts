import { z } from 'zod'
import { ById, Count, Id, ListQuery, listOf, Name, procedure, Time } from './base.ts'
import { Task } from './changes.ts'

/** How something is connected. */
export const Transport = z.object({
  type: z.enum(['unix', 'tcp', 'tls']),
  protocol: z.string().nullable().describe('TLSv1.3'),
  cipher: z.string().nullable(),
  certificateId: Id.nullable().describe('The certificate that the switch showed'),
  certificateNotAfter: Time.nullable(),
})
export type Transport = z.infer<typeof Transport>

export const Datapath = z.object({
  id: Id,
  name: Name,
  serverId: Id,
  serverName: Name,
  siteName: Name,
  nic: z.string().nullable(),
  role: z.enum(['edge', 'fabric']),
  datapathId: z.string(),
  bridge: z.string(),
  product: z.string().nullable(),
  protocol: z.string().nullable(),
  connected: z.boolean(),
  connectedSince: Time.nullable(),
  /** Why it is not connected, in words. */
  reason: z.string().nullable(),
  openflow: Transport.nullable().describe('How its OpenFlow connection comes, while there is one'),
  ovsdb: Transport.nullable().describe('How the database of its switch is connected, while it is'),
  ovsdbTrouble: z.string().nullable().describe('Why the database of its switch is not connected'),
  features: z.array(z.string()),
  tables: z.number().int().nullable(),
  held: z.number().int().describe('Wanted entries that it holds'),
  wanted: z.number().int(),
  groups: z.number().int(),
  state: z.enum(['held', 'away', 'drifted', 'moving']),
  drift: z.number().int().describe('Entries that differ from what is wanted'),
  readAt: Time.nullable(),
})
export type Datapath = z.infer<typeof Datapath>

export const DatapathTable = z.object({
  table: z.number().int(),
  name: z.string(),
  words: z.string(),
  kind: z.enum(['acl', 'lpm', 'exact', 'index']),
  fields: z.array(z.string()),
  miss: z.enum(['drop', 'continue', 'controller']),
  entries: z.number().int(),
  limit: z.number().int().nullable(),
  packets: Count,
  next: z.array(z.number().int()).describe('Tables that its entries go on to'),
  dropped: Count.describe('Packets that entries of this table dropped'),
})
export type DatapathTable = z.infer<typeof DatapathTable>

export const HeldEntry = z.object({
  key: z.string(),
  table: z.number().int(),
  priority: z.number().int(),
  match: z.string().describe('In ovs-ofctl notation'),
  actions: z.string().describe('In ovs-ofctl notation'),
  cookie: z.string(),
  packets: Count,
  bytes: Count,
  age_ms: z.number().int(),
  state: z.enum(['held', 'missing', 'foreign', 'differs']),
  /** Where it comes from; null for an entry that Weft did not write. */
  because: z.object({ subject: z.string(), kind: z.string(), id: Id.nullable(), name: z.string() }).nullable(),
})
export type HeldEntry = z.infer<typeof HeldEntry>

export const Provenance = z.object({
  entry: HeldEntry,
  text: z.string(),
  intents: z.array(z.object({ kind: z.string(), id: Id, name: z.string(), words: z.string() })),
  change: z
    .object({
      id: Id,
      name: z.string(),
      title: z.string(),
      committedAt: Time.nullable(),
      settled_ms: z.number().nullable(),
    })
    .nullable(),
  person: z.object({ name: z.string(), role: z.string(), reason: z.string() }).nullable(),
})
export type Provenance = z.infer<typeof Provenance>

export const DatapathPort = z.object({
  port: z.number().int(),
  name: z.string(),
  mac: z.string(),
  up: z.boolean(),
  rxPackets: Count,
  txPackets: Count,
  rxBytes: Count,
  txBytes: Count,
  attachment: z.string().nullable(),
})
export type DatapathPort = z.infer<typeof DatapathPort>

export const DriftLine = z.object({
  kind: z.enum(['foreign', 'missing', 'differs']),
  wanted: z.string().nullable(),
  held: z.string().nullable(),
})

export const datapaths = {
  list: procedure({ right: 'datapath.read', cli: { noun: 'datapath', verb: 'list' } })
    .route({ method: 'GET', path: '/datapaths', tags: ['datapaths'], summary: 'List datapaths' })
    .input(ListQuery)
    .output(listOf(Datapath)),
  get: procedure({ right: 'datapath.read', cli: { noun: 'datapath', verb: 'show', args: ['id'] } })
    .route({ method: 'GET', path: '/datapaths/{id}', tags: ['datapaths'], summary: 'One datapath' })
    .input(ById)
    .output(Datapath),
  tables: procedure({ right: 'datapath.read', cli: { noun: 'datapath', verb: 'tables', args: ['id'] } })
    .route({
      method: 'GET',
      path: '/datapaths/{id}/tables',
      tags: ['datapaths'],
      summary: 'Its pipeline with counters',
    })
    .input(ById)
    .output(z.object({ readAt: Time.nullable(), tables: z.array(DatapathTable) })),
  entries: procedure({ right: 'datapath.read', cli: { noun: 'datapath', verb: 'entries', args: ['id'] } })
    .route({
      method: 'GET',
      path: '/datapaths/{id}/entries',
      tags: ['datapaths'],
      summary: 'Its entries with counters',
    })
    .input(ListQuery.extend({ id: Id, table: z.coerce.number().int().min(0).max(254).optional() }))
    .output(listOf(HeldEntry).extend({ readAt: Time.nullable(), total: z.number().int() })),
  why: procedure({ right: 'datapath.read', cli: { noun: 'datapath', verb: 'why', args: ['id', 'key'] } })
    .route({
      method: 'GET',
      path: '/datapaths/{id}/why',
      tags: ['datapaths'],
      summary: 'Why an entry is there: intent, change, person',
    })
    .input(z.strictObject({ id: Id, key: z.string().max(1024) }))
    .output(Provenance),
  ports: procedure({ right: 'datapath.read', cli: { noun: 'datapath', verb: 'ports', args: ['id'] } })
    .route({ method: 'GET', path: '/datapaths/{id}/ports', tags: ['datapaths'], summary: 'Its ports with counters' })
    .input(ById)
    .output(z.object({ items: z.array(DatapathPort) })),
  drift: procedure({ right: 'datapath.read', cli: { noun: 'datapath', verb: 'drift', args: ['id'] } })
    .route({
      method: 'GET',
      path: '/datapaths/{id}/drift',
      tags: ['datapaths'],
      summary: 'What it holds that is not wanted, and the other way round',
    })
    .input(ById)
    .output(z.object({ since: Time.nullable(), items: z.array(DriftLine) })),
  read: procedure({ right: 'datapath.read', cli: { noun: 'datapath', verb: 'read', args: ['id'] } })
    .route({ method: 'POST', path: '/datapaths/{id}/read', tags: ['datapaths'], summary: 'Read it back now' })
    .input(ById)
    .output(Datapath),
  repair: procedure({ right: 'datapath.repair', cli: { noun: 'datapath', verb: 'repair', args: ['id'] } })
    .route({
      method: 'POST',
      path: '/datapaths/{id}/repair',
      tags: ['datapaths'],
      summary: 'Bring it back to what is wanted',
      successStatus: 202,
    })
    .input(ById)
    .output(Task),
}
