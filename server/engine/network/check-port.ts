import { formatIp, type Ip, parseIp } from '#server/kernel/ip.ts'
import { isGroupMac, parseMac } from '#server/kernel/mac.ts'
import { contains, formatPrefix, type Prefix, parsePrefix } from '#server/kernel/prefix.ts'
import type { Finding } from '../finding.ts'
import type { AttachmentFact, Infrastructure } from '../infrastructure.ts'
import { reservedOf } from './addresses.ts'
import type { Network, NetworkIntent, Port } from './model.ts'
import { outside } from './words.ts'

const about = (port: Port, pointer: string) => ({ severity: 'error', subject: `port/${port.id}`, pointer }) as const

/** The ports of an intent by what must be theirs alone. */
export interface PortIndex {
  /** By network and MAC. */
  readonly macs: ReadonlyMap<string, readonly Port[]>
  /** By tenant and address. */
  readonly addresses: ReadonlyMap<string, readonly Port[]>
  /** By attachment and VLAN. */
  readonly vlans: ReadonlyMap<string, readonly Port[]>
  /** By attachment and network. */
  readonly attachments: ReadonlyMap<string, readonly Port[]>
  /** By network. */
  readonly subnets: ReadonlyMap<string, readonly { readonly prefix: Prefix; readonly gateway: string | null }[]>
}

const canonicalAddress = (text: string): string => {
  const ip = parseIp(text)
  return ip.ok ? formatIp(ip.value) : text
}
const macKey = (port: Port): string => `${port.networkId} ${port.mac.toLowerCase().replaceAll('-', ':')}`
const vlanKey = (port: Port): string => `${port.attachmentId} ${port.vlan ?? 'untagged'}`
const attachmentKey = (port: Port): string => `${port.attachmentId} ${port.networkId}`

function byKeys(ports: readonly Port[], keys: (port: Port) => readonly string[]): ReadonlyMap<string, readonly Port[]> {
  const map = new Map<string, Port[]>()
  for (const port of ports)
    for (const key of keys(port)) {
      const there = map.get(key)
      if (there) there.push(port)
      else map.set(key, [port])
    }
  return map
}

const anotherOf = (ports: readonly Port[] | undefined, port: Port): Port | undefined =>
  ports?.find(({ id }) => id !== port.id)

/** Prepares an intent for checking many of its ports. */
export function indexPorts({ networks, subnets, ports }: NetworkIntent): PortIndex {
  const read = subnets.flatMap(({ networkId, prefix, gateway }) => {
    const parsed = parsePrefix(prefix)
    return parsed.ok ? [{ networkId, prefix: parsed.value, gateway }] : []
  })
  return {
    macs: byKeys(ports, (port) => [macKey(port)]),
    addresses: byKeys(ports, (port) =>
      port.addresses.map((text) => `${networks.get(port.networkId)?.tenantId} ${canonicalAddress(text)}`),
    ),
    vlans: byKeys(ports, (port) => [vlanKey(port)]),
    attachments: byKeys(ports, (port) => [attachmentKey(port)]),
    subnets: Map.groupBy(read, ({ networkId }) => networkId),
  }
}

/** The MAC reads, names one station, and no other port of the network has it. */
export function checkMac(port: Port, network: Network, { macs }: PortIndex): readonly Finding[] {
  const wrong = (rule: string, message: string, mend: string): Finding[] => [
    { ...about(port, '/mac'), rule: `port.${rule}`, message, mend },
  ]
  const mac = parseMac(port.mac)
  if (!mac.ok) return wrong('mac', `${port.mac} is no MAC address.`, `It needs ${mac.error}.`)
  if (isGroupMac(mac.value))
    return wrong(
      'mac-group',
      `${port.mac} is a group address, not a station's.`,
      'Clear the lowest bit of the first octet.',
    )
  if (mac.value === 0n)
    return wrong('mac', 'A MAC address of zeros names no station.', 'Give the MAC of the interface.')
  const other = anotherOf(macs.get(macKey(port)), port)
  if (other === undefined) return []
  return wrong(
    'mac-taken',
    `${port.mac} belongs to ${other.name} in ${network.name} already.`,
    'Inside a network every port needs a MAC of its own.',
  )
}

function checkPlace(
  ip: Ip,
  text: string,
  network: Network,
  index: PortIndex,
): readonly [rule: string, message: string] | undefined {
  const subnets = index.subnets.get(network.id) ?? []
  const home = subnets.find(({ prefix }) => contains(prefix, ip))
  if (home === undefined) {
    const [only, ...more] = subnets
    if (only === undefined) return ['address-outside', `${network.name} has no subnet, so ${text} lies in none.`]
    if (more.length === 0) return ['address-outside', outside(ip, only.prefix)]
    const all = subnets.map(({ prefix }) => formatPrefix(prefix)).join(', ')
    return ['address-outside', `${text} lies in none of the subnets of ${network.name}: ${all}.`]
  }
  const within = formatPrefix(home.prefix)
  const reserved = reservedOf(home.prefix).some(({ value }) => value === ip.value)
  if (reserved && ip.value === home.prefix.value)
    return ['address-reserved', `${text} is the first address of ${within}, the network's own.`]
  if (reserved) return ['address-reserved', `${text} is the last address of ${within}, its broadcast address.`]
  if (home.gateway !== null && canonicalAddress(home.gateway) === formatIp(ip))
    return ['address-gateway', `${text} is the gateway of ${within}.`]
  return undefined
}

/** One address of a port reads, lies in a subnet of its network, may be a host's, and is nobody else's in the tenant. */
export function checkAddress(port: Port, place: number, network: Network, index: PortIndex): readonly Finding[] {
  const text = port.addresses[place] ?? ''
  const wrong = (rule: string, message: string, mend: string): Finding[] => [
    { ...about(port, `/addresses/${place}`), rule: `port.${rule}`, message, mend },
  ]
  const ip = parseIp(text)
  if (!ip.ok) return wrong('address', `${text} is no address.`, `It needs ${ip.error}.`)
  const misplaced = checkPlace(ip.value, text, network, index)
  if (misplaced)
    return wrong(...misplaced, 'Choose another address of the network, or leave it out and get a free one.')
  const other = anotherOf(index.addresses.get(`${network.tenantId} ${canonicalAddress(text)}`), port)
  if (other !== undefined)
    return wrong(
      'address-taken',
      `${text} belongs to ${other.name} already.`,
      'Inside a tenant every address is used once; choose a free one.',
    )
  if (port.addresses.slice(0, place).some((earlier) => canonicalAddress(earlier) === canonicalAddress(text)))
    return wrong('address-twice', `${text} is there twice.`, 'Leave one of them out.')
  return []
}

const wrongPlace = (port: Port, rule: string, message: string, mend: string): Finding => ({
  ...about(port, '/attachmentId'),
  ...{ rule: `port.${rule}`, message, mend },
})

/** The VLAN id is one. */
export function checkVlan(port: Port): readonly Finding[] {
  const { vlan } = port
  if (vlan === null || (Number.isInteger(vlan) && vlan >= 1 && vlan <= 4094)) return []
  return [
    {
      ...about(port, '/vlan'),
      ...{ rule: 'port.vlan-range', message: `VLAN ${vlan} is outside 1 to 4094.` },
      ...{ mend: 'Choose one in that range, or none.', limit: '1..4094' },
    },
  ]
}

/** No other port has the attachment with that VLAN, and the network none of its other VLANs. */
function checkShared(port: Port, network: Network, { name }: AttachmentFact, index: PortIndex): readonly Finding[] {
  const sameVlan = anotherOf(index.vlans.get(vlanKey(port)), port)
  if (sameVlan !== undefined) {
    const how = port.vlan === null ? 'untagged' : `with VLAN ${port.vlan}`
    const message = `${name} serves ${sameVlan.name} ${how} already.`
    return [wrongPlace(port, 'attachment-taken', message, 'Choose another attachment or VLAN.')]
  }
  const sameNetwork = anotherOf(index.attachments.get(attachmentKey(port)), port)
  if (sameNetwork === undefined) return []
  const message = `${name} is in ${network.name} already, as ${sameNetwork.name}.`
  return [wrongPlace(port, 'attachment-in-network', message, 'One attachment is in a network once.')]
}

/** The attachment is there, its datapath reports a port for it, and it is free. */
export function checkAttachment(
  port: Port,
  network: Network,
  index: PortIndex,
  { attachments, datapaths }: Infrastructure,
): readonly Finding[] {
  const attachment = attachments.get(port.attachmentId)
  const datapath = attachment && datapaths.get(attachment.datapathId)
  if (attachment === undefined || datapath === undefined)
    return [wrongPlace(port, 'attachment', `${port.name} is plugged in nowhere.`, 'Choose an attachment that exists.')]
  const shared = checkShared(port, network, attachment, index)
  if (shared.length > 0 || attachment.port !== undefined) return shared
  const message = `${datapath.name} does not report a port for ${attachment.name}.`
  const mend = `See that the interface is there and that ${datapath.name} is connected.`
  return [{ ...wrongPlace(port, 'attachment-unknown', message, mend), datapathId: datapath.id }]
}

/** Everything about one port of an intent. */
export function checkPort(
  port: Port,
  intent: NetworkIntent,
  index: PortIndex,
  infrastructure: Infrastructure,
): readonly Finding[] {
  const network = intent.networks.get(port.networkId)
  if (network === undefined)
    return [
      {
        ...{ ...about(port, '/networkId'), rule: 'port.network' },
        message: `${port.name} belongs to a network that does not exist.`,
        mend: 'Choose a network that exists, or remove the port with it.',
      },
    ]
  return [
    ...checkVlan(port),
    ...checkAttachment(port, network, index, infrastructure),
    ...checkMac(port, network, index),
    ...port.addresses.flatMap((_, place) => checkAddress(port, place, network, index)),
  ]
}
