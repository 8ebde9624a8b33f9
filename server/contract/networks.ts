import { z } from 'zod'
import { ByIdInChange, Id, InChange, ListInChange, listOf, MacAddress, Name, procedure, Revision } from './base.ts'
import { written } from './changes.ts'

/** Where an object stands between what is wanted and what the datapaths hold. */
export const State = z.object({
  state: z.enum(['draft', 'held', 'pending', 'failed', 'drifted', 'moving']),
  words: z.string(),
})
export type State = z.infer<typeof State>

export const Subnet = z.object({
  id: Id,
  networkId: Id,
  prefix: z.string(),
  gateway: z.string().nullable(),
  revision: Revision,
  free: z.string(),
})
export type Subnet = z.infer<typeof Subnet>

export const Port = z.object({
  id: Id,
  networkId: Id,
  networkName: Name,
  tenantId: Id,
  name: Name,
  attachmentId: Id,
  attachmentName: Name,
  serverId: Id,
  serverName: Name,
  datapathId: Id,
  mac: MacAddress,
  addresses: z.array(z.string()),
  vlan: z.number().int().nullable(),
  revision: Revision,
  state: State,
  /** Packets of this port that were dropped because their source was not its own; null when not read yet. */
  spoofed: z.string().nullable(),
})
export type Port = z.infer<typeof Port>

export const Network = z.object({
  id: Id,
  tenantId: Id,
  tenantName: Name,
  thread: z.number().int().min(1).max(6),
  name: Name,
  vni: z.number().int(),
  mtu: z.number().int(),
  subnets: z.array(Subnet),
  ports: z.number().int(),
  servers: z.array(z.object({ id: Id, name: Name, ports: z.number().int() })),
  revision: Revision,
  state: State,
})
export type Network = z.infer<typeof Network>

const Vni = z.number().int().min(1).max(16_777_215)
const Vlan = z.number().int().min(1).max(4094)
const Mtu = z.number().int().min(68).max(65_535)
const Prefix = z.string().max(49).describe('10.0.0.0/24 or 2001:db8::/64')
const Address = z.string().max(45)

export const NetworkCreate = z.strictObject({
  ...InChange,
  tenantId: Id,
  name: Name,
  vni: Vni.optional().describe('Out of the pool when absent'),
  mtu: Mtu.optional().describe('The largest that the underlay carries when absent'),
})
export const SubnetCreate = z.strictObject({
  ...InChange,
  networkId: Id,
  prefix: Prefix,
  gateway: Address.nullable().default(null),
})
export const PortCreate = z.strictObject({
  ...InChange,
  networkId: Id,
  attachmentId: Id,
  name: Name.optional().describe('The attachment’s name when absent'),
  mac: MacAddress.optional().describe('The attachment’s MAC when absent'),
  addresses: z.array(Address).max(16).optional().describe('One out of each subnet when absent'),
  vlan: Vlan.nullable().default(null),
})

export const networks = {
  list: procedure({ right: 'network.read', cli: { noun: 'network', verb: 'list' } })
    .route({ method: 'GET', path: '/networks', tags: ['networks'], summary: 'List networks' })
    .input(ListInChange)
    .output(listOf(Network)),
  get: procedure({ right: 'network.read', cli: { noun: 'network', verb: 'show', args: ['id'] } })
    .route({ method: 'GET', path: '/networks/{id}', tags: ['networks'], summary: 'One network' })
    .input(ByIdInChange)
    .output(Network),
  create: procedure({
    ...{ right: 'network.write', fields: { tenantId: 'within' } },
    cli: { noun: 'network', verb: 'create', args: ['name'] },
  })
    .route({ method: 'POST', path: '/networks', tags: ['networks'], summary: 'Create a network', successStatus: 201 })
    .input(NetworkCreate)
    .output(written(Network)),
  update: procedure({ right: 'network.write', revision: true, cli: { noun: 'network', verb: 'update', args: ['id'] } })
    .route({ method: 'PATCH', path: '/networks/{id}', tags: ['networks'], summary: 'Change a network’s name or MTU' })
    .input(z.strictObject({ id: Id, ...InChange, name: Name.optional(), mtu: Mtu.optional() }))
    .output(written(Network)),
  remove: procedure({ right: 'network.write', revision: true, cli: { noun: 'network', verb: 'delete', args: ['id'] } })
    .route({
      method: 'DELETE',
      path: '/networks/{id}',
      tags: ['networks'],
      summary: 'Delete a network with its subnets and ports',
    })
    .input(ByIdInChange)
    .output(written(Network.nullable())),
}

export const subnets = {
  list: procedure({ right: 'network.read', cli: { noun: 'subnet', verb: 'list' } })
    .route({ method: 'GET', path: '/subnets', tags: ['networks'], summary: 'List subnets' })
    .input(ListInChange.extend({ networkId: Id.optional() }))
    .output(listOf(Subnet)),
  create: procedure({ right: 'network.write', cli: { noun: 'subnet', verb: 'create', args: ['prefix'] } })
    .route({
      method: 'POST',
      path: '/subnets',
      tags: ['networks'],
      summary: 'Add a subnet to a network',
      successStatus: 201,
    })
    .input(SubnetCreate)
    .output(written(Subnet)),
  remove: procedure({ right: 'network.write', revision: true, cli: { noun: 'subnet', verb: 'delete', args: ['id'] } })
    .route({
      method: 'DELETE',
      path: '/subnets/{id}',
      tags: ['networks'],
      summary: 'Remove a subnet that no port uses',
    })
    .input(ByIdInChange)
    .output(written(Subnet.nullable())),
}

export const ports = {
  list: procedure({ right: 'network.read', cli: { noun: 'port', verb: 'list' } })
    .route({ method: 'GET', path: '/ports', tags: ['networks'], summary: 'List ports' })
    .input(ListInChange.extend({ networkId: Id.optional() }))
    .output(listOf(Port)),
  get: procedure({ right: 'network.read', cli: { noun: 'port', verb: 'show', args: ['id'] } })
    .route({ method: 'GET', path: '/ports/{id}', tags: ['networks'], summary: 'One port' })
    .input(ByIdInChange)
    .output(Port),
  create: procedure({ right: 'network.write', cli: { noun: 'port', verb: 'create' } })
    .route({
      method: 'POST',
      path: '/ports',
      tags: ['networks'],
      summary: 'Plug an attachment into a network',
      successStatus: 201,
    })
    .input(PortCreate)
    .output(written(Port)),
  update: procedure({ right: 'network.write', revision: true, cli: { noun: 'port', verb: 'update', args: ['id'] } })
    .route({
      method: 'PATCH',
      path: '/ports/{id}',
      tags: ['networks'],
      summary: 'Change a port’s addresses, MAC or VLAN',
    })
    .input(
      z.strictObject({
        id: Id,
        ...InChange,
        mac: MacAddress.optional(),
        addresses: z.array(Address).max(16).optional(),
        vlan: Vlan.nullable().optional(),
      }),
    )
    .output(written(Port)),
  remove: procedure({ right: 'network.write', revision: true, cli: { noun: 'port', verb: 'delete', args: ['id'] } })
    .route({ method: 'DELETE', path: '/ports/{id}', tags: ['networks'], summary: 'Unplug a port' })
    .input(ByIdInChange)
    .output(written(Port.nullable())),
}
