import { z } from 'zod'
import { ById, Id, ListQuery, listOf, MacAddress, Name, procedure, Revision } from './base.ts'

export const Site = z.object({ id: Id, name: Name, words: z.string(), servers: z.number().int() })
export type Site = z.infer<typeof Site>

export const Server = z.object({
  id: Id,
  name: Name,
  siteId: Id,
  siteName: Name,
  vtep: z.ipv4(),
  underlayMtu: z.number().int(),
  nics: z.array(z.object({ id: Id, name: Name, profile: z.string() })),
  datapaths: z.array(z.object({ id: Id, name: Name, role: z.enum(['edge', 'fabric']) })),
  ports: z.number().int().describe('Tenant ports committed here'),
})
export type Server = z.infer<typeof Server>

const Limit = z.number().int().min(0).max(1_000_000_000)

/** Limits that allocators know; each is absent where nothing sets one. */
export const NicLimits = z.strictObject({
  virtualNics: Limit.optional().describe('Tenant ports that can be plugged in behind the NIC'),
  entries: Limit.optional().describe('Table entries of all OpenFlow instances in the NIC together'),
  openflowInstances: Limit.optional(),
  filterRules: Limit.optional(),
  counters: Limit.optional(),
  transmitSas: Limit.optional(),
  receiveSas: Limit.optional(),
  receiveSaAddresses: Limit.optional(),
  sharedSas: Limit.optional(),
  replayWindow: Limit.optional(),
})
export type NicLimits = z.infer<typeof NicLimits>

/** A NIC profile: the hard limits and features that every allocator respects. */
export const NicProfile = z.object({
  name: z.string(),
  title: z.string(),
  limits: z.record(z.string(), z.number().int()),
  features: z.array(z.string()),
})
export type NicProfile = z.infer<typeof NicProfile>

export const Nic = z.object({
  id: Id,
  name: Name,
  serverId: Id,
  serverName: Name,
  /** With the limits that hold for this NIC. */
  profile: NicProfile,
  used: z.record(z.string(), z.number().int()),
  corrected: z.array(z.string()).describe('The limits of the profile that an operator has corrected for this NIC'),
})
export type Nic = z.infer<typeof Nic>

export const Attachment = z.object({
  id: Id,
  name: Name,
  serverId: Id,
  serverName: Name,
  datapathId: Id,
  datapathName: Name,
  portName: z.string(),
  mac: MacAddress,
  /** The tenant port that is plugged in here, committed. */
  usedBy: z.array(z.object({ portId: Id, name: Name, vlan: z.number().int().nullable() })),
})
export type Attachment = z.infer<typeof Attachment>

const StreamAddress = z
  .string()
  .max(120)
  .regex(
    /^(unix:\/.{1,107}|(tcp|ssl):.+:\d{1,5})$/,
    'unix:/path (at most 107 bytes), ssl:address:port, or tcp:address:port',
  )

/** What an installation declares of its hardware; names are the keys, so that importing twice changes nothing. */
export const InventoryFile = z.strictObject({
  sites: z.array(z.strictObject({ name: Name, words: z.string().max(200).default('') })).max(100),
  servers: z
    .array(
      z.strictObject({
        name: Name,
        site: Name,
        vtep: z.ipv4(),
        underlayMtu: z.number().int().min(576).max(65535).default(1500),
      }),
    )
    .max(5000),
  nics: z
    .array(
      z.strictObject({
        name: Name,
        server: Name,
        profile: z.string().max(63),
        limits: NicLimits.default({}).describe('In place of the profile’s figures; those left out stay the profile’s'),
      }),
    )
    .max(20000),
  datapaths: z
    .array(
      z.strictObject({
        name: Name,
        server: Name,
        nic: Name.nullable().default(null).describe('The smart NIC that it runs in; null: the server’s own switch'),
        role: z.enum(['edge', 'fabric']),
        datapathId: z.string().regex(/^[0-9a-f]{16}$/, '16 hexadecimal digits'),
        bridge: z.string().min(1).max(15),
        ovsdb: z
          .union([z.literal('listen'), StreamAddress])
          .describe('Where its OVSDB server listens; `listen`: it dials Weft’s own OVSDB port'),
        controller: StreamAddress.describe(
          'Where Weft listens for it; `ssl:`: it is taken under TLS alone, and so is its database where that dials Weft',
        ),
        uplink: z.string().max(15).nullable().default(null).describe('edge: the port that leads to the fabric'),
        fabric: Name.nullable().default(null).describe('edge: the fabric datapath that its uplink leads to'),
        fabricPort: z
          .string()
          .max(15)
          .nullable()
          .default(null)
          .describe('edge: the port of the fabric that leads here'),
        tunnel: z.string().max(15).nullable().default(null).describe('fabric: the flow-based VXLAN port'),
      }),
    )
    .max(20000),
  attachments: z
    .array(z.strictObject({ name: Name, datapath: Name, port: z.string().min(1).max(15), mac: MacAddress }))
    .max(100000),
})
export type InventoryFile = z.infer<typeof InventoryFile>

export const inventory = {
  sites: procedure({ right: 'inventory.read', cli: { noun: 'site', verb: 'list' } })
    .route({ method: 'GET', path: '/sites', tags: ['inventory'], summary: 'List sites' })
    .input(ListQuery)
    .output(listOf(Site)),
  servers: procedure({ right: 'inventory.read', cli: { noun: 'server', verb: 'list' } })
    .route({ method: 'GET', path: '/servers', tags: ['inventory'], summary: 'List servers' })
    .input(ListQuery)
    .output(listOf(Server)),
  server: procedure({ right: 'inventory.read', cli: { noun: 'server', verb: 'show', args: ['id'] } })
    .route({ method: 'GET', path: '/servers/{id}', tags: ['inventory'], summary: 'One server' })
    .input(ById)
    .output(Server),
  nics: procedure({ right: 'inventory.read', cli: { noun: 'nic', verb: 'list' } })
    .route({ method: 'GET', path: '/nics', tags: ['inventory'], summary: 'List NICs with their profile’s limits' })
    .input(ListQuery)
    .output(listOf(Nic)),
  attachments: procedure({ right: 'inventory.read', cli: { noun: 'attachment', verb: 'list' } })
    .route({
      method: 'GET',
      path: '/attachments',
      tags: ['inventory'],
      summary: 'List the places where ports can be plugged in',
    })
    .input(ListQuery)
    .output(listOf(Attachment)),
  import: procedure({ right: 'inventory.write', maxBody: 16 * 1024 * 1024 })
    .route({
      method: 'POST',
      path: '/inventory/import',
      tags: ['inventory'],
      summary: 'Declare sites, servers, NICs, datapaths and attachments by name',
    })
    .input(InventoryFile)
    .output(z.object({ created: z.number().int(), updated: z.number().int(), unchanged: z.number().int() })),
}

const Quota = z.number().int().min(0).max(1_000_000)
export const Quotas = z.strictObject({ networks: Quota, ports: Quota })
const Used = z.object({ networks: z.number().int(), ports: z.number().int() })

export const Tenant = z.object({
  id: Id,
  name: Name,
  displayName: z.string(),
  /** Thread colour 1 to 6 of the console. */
  thread: z.number().int().min(1).max(6),
  quotas: Quotas,
  used: Used,
  revision: Revision,
})
export type Tenant = z.infer<typeof Tenant>

export const tenants = {
  list: procedure({ right: 'tenant.read', cli: { noun: 'tenant', verb: 'list' } })
    .route({ method: 'GET', path: '/tenants', tags: ['tenants'], summary: 'List tenants' })
    .input(ListQuery)
    .output(listOf(Tenant)),
  get: procedure({ right: 'tenant.read', cli: { noun: 'tenant', verb: 'show', args: ['id'] } })
    .route({ method: 'GET', path: '/tenants/{id}', tags: ['tenants'], summary: 'One tenant' })
    .input(ById)
    .output(Tenant),
  create: procedure({
    ...{ right: 'tenant.write', fields: { quotas: 'everywhere' } },
    cli: { noun: 'tenant', verb: 'create', args: ['name'] },
  })
    .route({ method: 'POST', path: '/tenants', tags: ['tenants'], summary: 'Create a tenant', successStatus: 201 })
    .input(
      z.strictObject({
        name: Name,
        displayName: z.string().min(1).max(100).optional(),
        quotas: Quotas.default({ networks: 20, ports: 400 }),
      }),
    )
    .output(Tenant),
  update: procedure({
    ...{ right: 'tenant.write', revision: true, fields: { quotas: 'everywhere' } },
    cli: { noun: 'tenant', verb: 'update', args: ['id'] },
  })
    .route({
      method: 'PATCH',
      path: '/tenants/{id}',
      tags: ['tenants'],
      summary: 'Change a tenant’s name for people or its quotas',
    })
    .input(z.strictObject({ id: Id, displayName: z.string().min(1).max(100).optional(), quotas: Quotas.optional() }))
    .output(Tenant),
  remove: procedure({ right: 'tenant.write', revision: true, cli: { noun: 'tenant', verb: 'delete', args: ['id'] } })
    .route({
      method: 'DELETE',
      path: '/tenants/{id}',
      tags: ['tenants'],
      summary: 'Remove a tenant that has no networks',
      successStatus: 204,
    })
    .input(ById)
    .output(z.void()),
}
