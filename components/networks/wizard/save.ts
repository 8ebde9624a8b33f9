import type { Network, Port, Subnet } from '#server/contract/networks.ts'
import { api } from '../../queries/browser.ts'
import { networkEdits } from '../../queries/networks.ts'
import { type Form, subnetsOf, vlanOf } from './form.ts'

/** What the draft holds at the engine so far. */
export interface Saved {
  readonly change: { readonly id: string; readonly name: string } | null
  readonly network: Network | null
  /** Whether the person gave the VNI; else it came out of the pool. */
  readonly ownVni: boolean
  readonly subnets: readonly Subnet[]
  readonly ports: readonly Port[]
}
export const nothingSaved: Saved = { change: null, network: null, ownVni: false, subnets: [], ports: [] }

/** Told after each write, so that what was written is known even when the next write is refused. */
type Tell = (saved: Saved) => void

async function makeNetwork(saved: Saved, form: Form, vni: number | undefined, tell: Tell): Promise<Saved> {
  if (!saved.change || form.tenantId === null) return saved
  const { item } = await networkEdits.create({
    change: saved.change.id,
    tenantId: form.tenantId,
    name: form.name,
    ...(vni === undefined ? {} : { vni }),
  })
  const next = { ...saved, network: item, ownVni: vni !== undefined, subnets: [], ports: [] }
  tell(next)
  return next
}

async function dropNetwork(saved: Saved, tell: Tell): Promise<Saved> {
  if (!saved.change || !saved.network) return saved
  const { id, revision } = await api.networks.get({ id: saved.network.id, change: saved.change.id })
  await networkEdits.remove({ change: saved.change.id, id, revision })
  const next = { ...saved, network: null, subnets: [], ports: [] }
  tell(next)
  return next
}

/** Step 1: the draft, and in it the network with a VNI out of the pool. */
export async function saveName(saved: Saved, form: Form, tenant: string, tell: Tell): Promise<Saved> {
  let now = saved
  if (!now.change) {
    const change = await api.changes.create({ title: `Create network ${tenant}/${form.name}`, tenantId: form.tenantId })
    now = { ...now, change: { id: change.id, name: change.name } }
    tell(now)
  }
  if (now.network && now.network.tenantId !== form.tenantId) now = await dropNetwork(now, tell)
  if (!now.network) return makeNetwork(now, form, undefined, tell)
  if (now.network.name !== form.name && now.change) {
    const { id, revision } = now.network
    const { item } = await networkEdits.update({ change: now.change.id, id, revision, name: form.name })
    now = { ...now, network: item }
    tell(now)
  }
  return now
}

/** Step 2: another VNI makes the network anew. If that one is refused the network gets one out of the pool again. */
export async function saveSegment(saved: Saved, form: Form, tell: Tell): Promise<Saved> {
  const wanted = form.ownVni ? Number(form.vni) : undefined
  const same = form.ownVni ? saved.network?.vni === wanted : !saved.ownVni
  if (saved.network && same) return saved
  const bare = await dropNetwork(saved, tell)
  try {
    return await makeNetwork(bare, form, wanted, tell)
  } catch (error) {
    if (wanted !== undefined) await makeNetwork(bare, form, undefined, tell)
    throw error
  }
}

async function dropPorts(saved: Saved, keep: (port: Port) => boolean, tell: Tell): Promise<Saved> {
  let now = saved
  for (const port of saved.ports.filter((candidate) => !keep(candidate))) {
    if (!now.change) break
    await networkEdits.removePort({ change: now.change.id, id: port.id, revision: port.revision })
    now = { ...now, ports: now.ports.filter((other) => other.id !== port.id) }
    tell(now)
  }
  return now
}

/** Step 3: MTU and subnets. Ports chosen before lose their addresses with the subnets, so they are plugged in again in step 4. */
export async function saveAddresses(saved: Saved, form: Form, tell: Tell): Promise<Saved> {
  if (!saved.change || !saved.network) return saved
  const change = saved.change.id
  let now = saved
  if (Number(form.mtu) !== saved.network.mtu) {
    const { id, revision } = await api.networks.get({ id: saved.network.id, change })
    const { item } = await networkEdits.update({ change, id, revision, mtu: Number(form.mtu) })
    now = { ...now, network: item }
    tell(now)
  }
  const wanted = subnetsOf(form)
  const isWanted = (subnet: Subnet) =>
    wanted.some(({ prefix, gateway }) => prefix === subnet.prefix && gateway === subnet.gateway)
  const gone = now.subnets.filter((subnet) => !isWanted(subnet))
  const missing = wanted.filter(
    ({ prefix, gateway }) => !now.subnets.some((s) => s.prefix === prefix && s.gateway === gateway),
  )
  if (gone.length + missing.length > 0) now = await dropPorts(now, () => false, tell)
  for (const { id, revision } of gone) {
    await networkEdits.removeSubnet({ change, id, revision })
    now = { ...now, subnets: now.subnets.filter((other) => other.id !== id) }
    tell(now)
  }
  for (const { prefix, gateway } of missing) {
    const { item } = await networkEdits.addSubnet({ change, networkId: saved.network.id, prefix, gateway })
    now = { ...now, subnets: [...now.subnets, item] }
    tell(now)
  }
  return now
}

/** A port was refused; names its attachment. */
export class PickRefused extends Error {
  override readonly name = 'PickRefused'
  readonly attachmentId: string
  constructor(attachmentId: string, cause: unknown) {
    super('a port was refused', { cause })
    this.attachmentId = attachmentId
  }
}

/** Step 4: a port for each chosen attachment, one address out of each subnet. */
export async function savePorts(saved: Saved, form: Form, tell: Tell): Promise<Saved> {
  if (!saved.change || !saved.network) return saved
  const fits = (port: Port) => {
    const pick = form.picks.get(port.attachmentId)
    return pick !== undefined && vlanOf(pick) === port.vlan
  }
  let now = await dropPorts(saved, fits, tell)
  for (const [attachmentId, pick] of form.picks) {
    if (now.ports.some((port) => port.attachmentId === attachmentId)) continue
    const input = { change: saved.change.id, networkId: saved.network.id, attachmentId, vlan: vlanOf(pick) }
    const { item } = await networkEdits.addPort(input).catch((error: unknown) => {
      throw new PickRefused(attachmentId, error)
    })
    now = { ...now, ports: [...now.ports, item] }
    tell(now)
  }
  return now
}
