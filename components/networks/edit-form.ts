import type { Attachment } from '#server/contract/inventory.ts'
import type { Network, Port, Subnet } from '#server/contract/networks.ts'
import { draftOf } from '../queries/changes.ts'
import { networkEdits } from '../queries/networks.ts'
import { mtuFaults, nameFaults } from './draft-network.ts'
import { pickFault } from './wizard/form.ts'

/** What is to become of a network. */
export interface NetworkEdit {
  readonly name: string
  readonly mtu: string
  readonly goneSubnets: ReadonlySet<string>
  readonly newSubnets: readonly { readonly prefix: string; readonly gateway: string }[]
  readonly gonePorts: ReadonlySet<string>
  readonly newPorts: readonly { readonly attachmentId: string; readonly vlan: string }[]
}

export const untouched = (network: Network): NetworkEdit => ({
  ...{ name: network.name, mtu: String(network.mtu) },
  ...{ goneSubnets: new Set(), newSubnets: [], gonePorts: new Set(), newPorts: [] },
})

/** How many edits a draft of it would have. */
export const sizeOf = (edit: NetworkEdit, network: Network): number =>
  (edit.name !== network.name || Number(edit.mtu) !== network.mtu ? 1 : 0) +
  edit.goneSubnets.size +
  edit.newSubnets.length +
  edit.gonePorts.size +
  edit.newPorts.length

/** Why it cannot be drafted yet, in one sentence; undefined when it can. */
export function editObstacle(
  edit: NetworkEdit,
  network: Network,
  attachments: readonly Attachment[],
  underlayMtu: number | undefined,
): string | undefined {
  if (sizeOf(edit, network) === 0) return 'Change something to go on'
  if (edit.name === '' || nameFaults(edit.name).length > 0) return 'Mend the name to go on'
  if (mtuFaults(edit.mtu, underlayMtu, () => {}).length > 0) return 'Mend the MTU to go on'
  const wrong = edit.newPorts.find(({ attachmentId, vlan }) => {
    const attachment = attachments.find(({ id }) => id === attachmentId)
    return attachment !== undefined && pickFault(attachment, { vlan }) !== undefined
  })
  return wrong ? 'Mend the ports to go on' : undefined
}

interface Held {
  readonly network: Network
  readonly subnets: readonly Subnet[]
  readonly ports: readonly Port[]
}

/** Puts it all into one draft: first what goes, so that its addresses are free for what comes. */
export const draftEdit = (edit: NetworkEdit, { network, subnets, ports }: Held) =>
  draftOf(`Edit network ${network.tenantName}/${network.name}`, network.tenantId, async (change) => {
    const networkId = network.id
    const renamed = edit.name !== network.name ? { name: edit.name } : {}
    const resized = Number(edit.mtu) !== network.mtu ? { mtu: Number(edit.mtu) } : {}
    if ('name' in renamed || 'mtu' in resized)
      await networkEdits.update({ change, id: networkId, revision: network.revision, ...renamed, ...resized })
    for (const { id, revision } of ports.filter((port) => edit.gonePorts.has(port.id)))
      await networkEdits.removePort({ change, id, revision })
    for (const { id, revision } of subnets.filter((subnet) => edit.goneSubnets.has(subnet.id)))
      await networkEdits.removeSubnet({ change, id, revision })
    for (const { prefix, gateway } of edit.newSubnets)
      await networkEdits.addSubnet({ change, networkId, prefix, gateway: gateway.trim() || null })
    for (const { attachmentId, vlan } of edit.newPorts)
      await networkEdits.addPort({ change, networkId, attachmentId, vlan: vlan.trim() === '' ? null : Number(vlan) })
  })
