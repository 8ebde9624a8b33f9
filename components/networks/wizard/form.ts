import type { Attachment } from '#server/contract/inventory.ts'
import type { Network, Port, Subnet } from '#server/contract/networks.ts'
import { gatewayFaults, mtuFaults, nameFaults, prefixFaults, vniFaults } from '../draft-network.ts'
import { firstHost, parsePrefix } from '../prefix.ts'

export interface Pick {
  readonly vlan: string
}

/** What has been typed and chosen so far. */
export interface Form {
  readonly tenantId: string | null
  readonly name: string
  readonly ownVni: boolean
  readonly vni: string
  readonly v4: string
  readonly gateway: string
  /** Whether the gateway follows the subnet, or is the person's own. */
  readonly gatewayOwn: boolean
  readonly v6: string
  readonly mtu: string
  readonly picks: ReadonlyMap<string, Pick>
}

export const blank = (tenantId: string | null): Form => ({
  ...{ tenantId, name: '', ownVni: false, vni: '', v4: '', gateway: '', gatewayOwn: false, v6: '', mtu: '' },
  picks: new Map(),
})

/** The form of a draft that was begun earlier. */
export function resumed(network: Network, subnets: readonly Subnet[], ports: readonly Port[]): Form {
  const v4 = subnets.find(({ prefix }) => !prefix.includes(':'))
  const v6 = subnets.find(({ prefix }) => prefix.includes(':'))
  return {
    tenantId: network.tenantId,
    name: network.name,
    ownVni: false,
    vni: String(network.vni),
    v4: v4?.prefix ?? '',
    gateway: v4?.gateway ?? '',
    gatewayOwn: v4 !== undefined,
    v6: v6?.prefix ?? '',
    mtu: String(network.mtu),
    picks: new Map(ports.map((port) => [port.attachmentId, { vlan: port.vlan === null ? '' : String(port.vlan) }])),
  }
}

/** A subnet typed anew brings its first address as gateway along, unless the person gave one. */
export function withPrefix(form: Form, v4: string): Form {
  const prefix = parsePrefix(v4)
  const follows = !form.gatewayOwn && prefix?.family === 4
  return { ...form, v4, ...(follows ? { gateway: firstHost(prefix) } : {}) }
}

/** The subnets that the form asks for. */
export const subnetsOf = (form: Form): readonly { readonly prefix: string; readonly gateway: string | null }[] => [
  ...(form.v4.trim() ? [{ prefix: form.v4.trim(), gateway: form.gateway.trim() || null }] : []),
  ...(form.v6.trim() ? [{ prefix: parsePrefix(form.v6)?.text ?? form.v6.trim(), gateway: null }] : []),
]

export const vlanOf = (pick: Pick): number | null => (pick.vlan.trim() === '' ? null : Number(pick.vlan))

/** What is wrong with one chosen attachment; undefined when nothing is. */
export function pickFault(attachment: Attachment, pick: Pick): string | undefined {
  const vlan = vlanOf(pick)
  if (vlan !== null && !(Number.isInteger(vlan) && vlan >= 1 && vlan <= 4094))
    return 'A VLAN is a number from 1 to 4094.'
  const holder = attachment.usedBy.find((use) => use.vlan === vlan)
  if (!holder) return undefined
  return vlan === null
    ? `${attachment.name} carries port ${holder.name} untagged already. Give this one a VLAN.`
    : `VLAN ${vlan} on ${attachment.name} belongs to port ${holder.name} already.`
}

export interface Known {
  readonly underlayMtu: number | undefined
  readonly attachments: readonly Attachment[]
}

const nothing = () => {}

/** Why a step cannot be left yet, in one sentence; undefined when it can. */
export function obstacle(step: number, form: Form, known: Known): string | undefined {
  const mends = { gateway: nothing, prefix: nothing }
  if (step === 1) {
    if (form.tenantId === null) return 'Choose a tenant to go on'
    if (form.name === '') return 'Name the network to go on'
    return nameFaults(form.name).length > 0 ? 'Mend the name to go on' : undefined
  }
  if (step === 2) return form.ownVni && vniFaults(form.vni).length > 0 ? 'Mend the VNI to go on' : undefined
  if (step === 3) {
    if (form.v4.trim() === '' && form.v6.trim() === '') return 'Give a subnet to go on'
    if (prefixFaults(form.v4, 4, nothing).length > 0) return 'Mend the IPv4 subnet to go on'
    if (gatewayFaults(form.gateway, parsePrefix(form.v4), mends).length > 0) return 'Mend the gateway to go on'
    if (prefixFaults(form.v6, 6, nothing).length > 0) return 'Mend the IPv6 subnet to go on'
    return mtuFaults(form.mtu, known.underlayMtu, nothing).length > 0 ? 'Mend the MTU to go on' : undefined
  }
  const wrong = known.attachments.find((a) => {
    const pick = form.picks.get(a.id)
    return pick && pickFault(a, pick)
  })
  return wrong ? `Mend ${wrong.name} to go on` : undefined
}
