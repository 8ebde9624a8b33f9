import type { Facts, IntentRow, Part, Place } from '#server/engine/capability.ts'
import { walker } from '#server/engine/change/check/walk.ts'
import { type Composed, compose } from '#server/engine/change/compose.ts'
import { grant } from '#server/engine/change/grants.ts'
import type { Grant } from '#server/engine/change/journal.ts'
import type { AttachmentFact, DatapathFact, Infrastructure, ServerFact } from '#server/engine/infrastructure.ts'
import { network } from '#server/engine/network/index.ts'
import type { Network, NetworkIntent, Port, Subnet } from '#server/engine/network/model.ts'
import type { Fields } from '#server/engine/program/packet.ts'
import type { Program } from '#server/engine/program/program.ts'
import { parseIp } from '#server/kernel/ip.ts'
import { parseMac } from '#server/kernel/mac.ts'

export const UPLINK = 9
export const TUNNEL = 8

const LIMITS = {
  ...{ tables: 254, tableDefault: 1_000_000, groupTypes: ['all', 'select', 'indirect', 'fast_failover'] },
  ...{ maxGroups: 0xffffff00, features: ['bundles', 'tunnel', 'copy_field'] },
}

const serverNames = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

/** Servers `s1`, `s2`, …, each with a smart NIC `nic1` (hosts at ports 1 to `hosts`) and a switch `srv1` (one host at port 5). */
export function site({ servers = 2, hosts = 3 } = {}): Infrastructure {
  const numbers = serverNames(servers)
  const server = (n: number): ServerFact => ({ id: `s${n}`, name: `s${n}`, vtep: `192.0.2.${n}`, underlayMtu: 1500 })
  const datapaths = (n: number): DatapathFact[] => [
    {
      ...{ id: `nic${n}`, name: `nic${n}`, serverId: `s${n}`, role: 'edge' },
      ...{ uplinkPort: UPLINK, peerPort: 1, limits: LIMITS },
    },
    { id: `srv${n}`, name: `srv${n}`, serverId: `s${n}`, role: 'fabric', tunnelPort: TUNNEL, limits: LIMITS },
  ]
  const attachment = (n: number, port: number, datapathId: string): AttachmentFact => ({
    ...{ id: `h${n}${port}`, name: `h${n}${port}`, datapathId, port },
    mac: `52:54:00:00:0${n}:0${port}`,
  })
  const attachments = (n: number): AttachmentFact[] => [
    ...Array.from({ length: hosts }, (_, i) => attachment(n, i + 1, `nic${n}`)),
    attachment(n, 5, `srv${n}`),
  ]
  const keyed = <T extends { id: string }>(list: T[]) => new Map(list.map((one) => [one.id, one]))
  return {
    servers: keyed(numbers.map(server)),
    datapaths: keyed(numbers.flatMap(datapaths)),
    attachments: keyed(numbers.flatMap(attachments)),
  }
}

export type PortDraft = Partial<Port> & { readonly at: string; readonly in: string }

/** Intent in few words: networks by name and VNI, each with 10.0.0.0/24; ports named after their attachment. */
export function intentOf(
  vnis: Readonly<Record<string, number>>,
  ports: readonly PortDraft[],
  more: { networks?: Readonly<Record<string, Partial<Network>>>; subnets?: readonly Subnet[] } = {},
): NetworkIntent {
  const rows: IntentRow[] = []
  for (const [name, vni] of Object.entries(vnis)) {
    rows.push({ kind: 'network', id: name, value: { tenantId: name, name, vni, mtu: 1450, ...more.networks?.[name] } })
    rows.push({ kind: 'subnet', id: `${name}-4`, value: { networkId: name, prefix: '10.0.0.0/24', gateway: null } })
  }
  for (const { id, ...value } of more.subnets ?? []) rows.push({ kind: 'subnet', id, value })
  for (const { at, in: networkId, ...over } of ports) {
    const [, server, port] = /^h(\d)(\d)$/.exec(at) ?? []
    const value = {
      ...{ networkId, name: `${networkId}-${at}`, attachmentId: at, mac: `52:54:00:00:0${server}:0${port}` },
      ...{ addresses: [`10.0.0.${server}${port}`], vlan: null, ...over },
    }
    rows.push({ kind: 'port', id: over.id ?? `${networkId}-${at}`, value })
  }
  return network.model(rows)
}

/** An intent compiled and composed, as the change engine does it. */
export function build(intent: NetworkIntent, infrastructure: Infrastructure, granted: readonly Grant[] = []) {
  const facts: Facts = { infrastructure }
  const granting = grant(network.demand(intent, facts), granted, [])
  const parts: readonly Part[] = network.compile(intent, facts, granting.numbers)
  const { datapaths, findings } = compose([network as Parameters<typeof compose>[0][number]], parts)
  const all = [...granted, ...granting.taken]
  return { parts, datapaths, findings: [...findings, ...granting.findings], granted: all }
}

export const programsOf = (datapaths: ReadonlyMap<string, Composed>): ReadonlyMap<string, Program> =>
  new Map([...datapaths].map(([id, { program }]) => [id, program]))

/** Sends a frame in at an attachment, and tells the attachments where it comes out (`h21`, or `h21/100` with a tag). */
export function sender(programs: ReadonlyMap<string, Program>, infrastructure: Infrastructure) {
  const send = walker(programs, infrastructure)
  const nameOf = ({ datapathId, port, vlan }: Place) => {
    const found = [...infrastructure.attachments.values()].find(
      (one) => one.datapathId === datapathId && one.port === port,
    )
    return `${found?.name ?? `${datapathId}:${port}`}${vlan === null ? '' : `/${vlan}`}`
  }
  return (from: string, fields: Fields, vlan: number | null = null) => {
    const at = infrastructure.attachments.get(from)
    const walk = send({ datapathId: at?.datapathId ?? '', port: at?.port ?? 0, vlan }, fields)
    if (walk.loops || walk.doubts.length > 0) throw new Error(`${walk.doubts.join()} ${walk.hops.join('\n')}`)
    return { ...walk, to: walk.delivered.map(nameOf).sort() }
  }
}

export const mac = (text: string): bigint => {
  const read = parseMac(text)
  if (!read.ok) throw new Error(text)
  return read.value
}
export const ip = (text: string): bigint => {
  const read = parseIp(text)
  if (!read.ok) throw new Error(text)
  return read.value.value
}
/** The MAC of an attachment of the site. */
export const macOf = (attachment: string): bigint => mac(`52:54:00:00:0${attachment[1]}:0${attachment[2]}`)
/** The address that `intentOf` gives to a port at an attachment. */
export const ipOf = (attachment: string): bigint => ip(`10.0.0.${attachment.slice(1)}`)

export const BROADCAST = 0xffffffffffffn

/** An IPv4 packet between two attachments. */
export const ipv4 = (from: string, to: string | bigint): Fields => ({
  ...{ eth_src: macOf(from), eth_dst: typeof to === 'string' ? macOf(to) : to },
  ...{ eth_type: 0x800n, ipv4_src: ipOf(from) },
})

/** An ARP request from an attachment. */
export const arpRequest = (from: string, target: bigint, over: Fields = {}): Fields => ({
  ...{ eth_src: macOf(from), eth_dst: BROADCAST, eth_type: 0x806n, arp_op: 1n },
  ...{ arp_sha: macOf(from), arp_spa: ipOf(from), arp_tpa: target, ...over },
})
