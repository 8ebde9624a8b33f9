import type { Actor, ChangeStore } from './changes.ts'
import { EVERYTHING } from './database.ts'
import type { InfrastructureStore } from './infrastructure.ts'
import type { NetworkWriter } from './networks.ts'
import type { PortWriter } from './ports.ts'
import type { TenantStore } from './tenants.ts'

export interface SampleParts {
  readonly tenants: TenantStore
  readonly changes: ChangeStore
  readonly networks: NetworkWriter
  readonly ports: PortWriter
  readonly infrastructure: InfrastructureStore
}

const ACTOR: Actor = { name: 'demo', role: 'operator' }
const PREFIX = '10.7.0.0/24'

/**
 * Drafts the demo's first network: one host of each server, so that a new console has something to look at. Answers the
 * draft's id; undefined where somebody has begun already.
 */
export async function draftSample(parts: SampleParts): Promise<string | undefined> {
  const first = { conditions: [], limit: 1 }
  if ((await parts.tenants.list(EVERYTHING, first)).items.length > 0) return undefined
  const { items } = await parts.infrastructure.attachments(EVERYTHING, { conditions: [], limit: 500, sort: 'name' })
  // The last host of each server: the first ones are for whoever tries the wizard.
  const hosts = [...new Map(items.map((attachment) => [attachment.serverId, attachment])).values()]
  const tenant = await parts.tenants.create(EVERYTHING, { name: 'demo', quotas: { networks: 20, ports: 400 } })
  const draft = await parts.changes.create(EVERYTHING, { title: 'A first network', tenantId: tenant.id, actor: ACTOR })
  const writer = { scope: EVERYTHING, actor: ACTOR, change: draft.id }
  const network = await parts.networks.createNetwork(writer, { tenantId: tenant.id, name: 'hello' })
  await parts.networks.createSubnet(writer, { networkId: network.id, prefix: PREFIX, gateway: null })
  for (const { id } of hosts)
    await parts.ports.createPort(writer, { networkId: network.id, attachmentId: id, vlan: null })
  return draft.id
}
