import { createHash } from 'node:crypto'
import type { ChangeSummary, Task } from '#server/contract/changes.ts'
import type { Datapath } from '#server/contract/datapaths.ts'
import type { Attachment, Tenant } from '#server/contract/inventory.ts'
import type { Network, Port, Subnet } from '#server/contract/networks.ts'
import { type LabView, openLab } from '#server/lab/index.ts'
import { type Api, apiAt, signIn, until } from './api.ts'
import { type RunningWeft, startWeft } from './weft.ts'

/** The answer to a write of intent. */
export interface Wrote<T> {
  readonly item: T
  readonly change: { readonly id: string; readonly name: string }
  readonly task: Task | null
}

export interface Page<T> {
  readonly items: T[]
  readonly next: string | null
}

const BRIDGES = [
  ['srv-1', 'br-nic'],
  ['srv-1', 'br-srv'],
  ['srv-2', 'br-nic'],
  ['srv-2', 'br-srv'],
] as const

/** A running instance with its lab, and an operator signed in to it. */
export interface RunningLab {
  readonly weft: RunningWeft
  readonly lab: LabView
  readonly api: Api
  datapaths(): Promise<Datapath[]>
  datapath(name: string): Promise<Datapath>
  /** What each of the four datapaths holds, asked of the switches themselves: without counters and cookies. */
  tableHashes(): Promise<string[]>
  draft(title: string): Promise<ChangeSummary>
  tenant(name: string, quotas?: { networks: number; ports: number }): Promise<Tenant>
  /** A network with one subnet, drafted in a change. */
  network(tenant: Tenant, name: string, prefix: string, change: string, more?: { gateway?: string }): Promise<Network>
  /** Plugs an attachment in: in a draft, or at once. */
  plug(network: Network, attachment: string, change?: string, more?: object): Promise<Wrote<Port>>
  /** Gives a host the address of its port, and takes away what it had before. */
  dress(name: string, port: Port): Promise<void>
  stop(): Promise<void>
}

async function hashTables(lab: LabView, server: string, bridge: string): Promise<string> {
  const flows = await lab.ofctl(server, 'dump-flows', bridge, '--no-stats')
  const groups = await lab.ofctl(server, 'dump-groups', bridge)
  const lines = `${flows}\n${groups}`
    .split('\n')
    .map((line) => line.replace(/cookie=0x[0-9a-f]+, ?/, '').trim())
    .filter((line) => /actions=|bucket=/.test(line))
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex')
}

export const addressOf = ({ addresses }: Port): string => {
  const [address] = addresses
  if (address === undefined) throw new Error('the port has no address')
  return address
}

/** Starts an instance with a bare lab, signs in, and waits until every datapath is connected. */
export async function startLab(instance: string): Promise<RunningLab> {
  const weft = await startWeft(instance)
  const lab = await openLab(`.weft/${weft.instance}/lab`)
  const api = apiAt(weft.address, await signIn(weft.address, 'admin', weft.password))
  const { items } = await api.get<Page<Attachment>>('/attachments')
  const attachments = new Map(items.map((one) => [one.name, one.id]))
  const datapaths = async () => (await api.get<Page<Datapath>>('/datapaths')).items
  await until('all datapaths to connect', async () => (await datapaths()).every(({ connected }) => connected))
  return {
    ...{ weft, lab, api, datapaths, stop: weft.stop },
    async datapath(name) {
      const found = (await datapaths()).find((one) => one.name === name)
      if (!found) throw new Error(`there is no datapath ${name}`)
      return found
    },
    tableHashes: () => Promise.all(BRIDGES.map(([server, bridge]) => hashTables(lab, server, bridge))),
    draft: (title) => api.post('/changes', { title }),
    tenant: (name, quotas) => api.post('/tenants', { name, ...(quotas && { quotas }) }),
    async network(tenant, name, prefix, change, more = {}) {
      const { item } = await api.post<Wrote<Network>>('/networks', { tenantId: tenant.id, name, change })
      await api.post<Wrote<Subnet>>('/subnets', { networkId: item.id, prefix, change, ...more })
      return item
    },
    plug: (network, attachment, change, more = {}) =>
      api.post('/ports', { networkId: network.id, attachmentId: attachments.get(attachment), change, ...more }),
    async dress(name, port) {
      await lab.host(name).undress()
      await lab.host(name).dress(addressOf(port), 24)
    },
  }
}
