import type { Change } from '#server/contract/changes.ts'
import type { Tenant } from '#server/contract/inventory.ts'
import type { Network, Port } from '#server/contract/networks.ts'
import { type Api, apiAt, commit, makePerson, signIn } from './api.ts'
import { type RunningLab, startLab } from './running-lab.ts'

/** A tenant with one network, whose two ports are on different servers, committed. */
export interface House {
  readonly tenant: Tenant
  /** 10.0.0.0/24 with the gateway 10.0.0.254. */
  readonly network: Network
  readonly near: Port
  readonly far: Port
}

/** An instance in which two tenants have the same addresses, and blue has an administrator of its own. */
export interface TwoTenants {
  readonly running: RunningLab
  /** At h1 and h4; may have two networks and four ports. */
  readonly red: House
  /** At h2 and h5. */
  readonly blue: House
  /** The change that made both. */
  readonly first: Change
  readonly bea: { readonly api: Api; readonly session: string; readonly password: string }
}

const PASSWORD = 'a long enough one'

async function house(running: RunningLab, tenant: Tenant, hosts: readonly [string, string], change: string) {
  const { name } = tenant
  const gateway = '10.0.0.254'
  const network = await running.network(tenant, `${name}-net`, '10.0.0.0/24', change, { gateway })
  const near = await running.plug(network, hosts[0], change)
  const far = await running.plug(network, hosts[1], change)
  return { tenant, network, near: near.item, far: far.item }
}

/** Starts an instance with a lab and moves red and blue in. */
export async function startTwoTenants(instance: string): Promise<TwoTenants> {
  const running = await startLab(instance)
  const { api, weft } = running
  const { id } = await running.draft('red and blue')
  const red = await house(running, await running.tenant('red', { networks: 2, ports: 4 }), ['h1', 'h4'], id)
  const blue = await house(running, await running.tenant('blue'), ['h2', 'h5'], id)
  const { change: first } = await commit(api, id, { reason: 'moving in' })
  if (first.state !== 'committed') throw new Error(`red and blue did not move in: ${first.state}`)
  const { id: tenantId } = blue.tenant
  await makePerson(api, weft.address, { name: 'bea', role: 'tenant-administrator', tenantId }, PASSWORD)
  const session = await signIn(weft.address, 'bea', PASSWORD)
  return { running, red, blue, first, bea: { api: apiAt(weft.address, session), session, password: PASSWORD } }
}
