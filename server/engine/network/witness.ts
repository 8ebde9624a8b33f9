import { formatMac } from '#server/kernel/mac.ts'
import type { Facts, Place, Witness } from '../capability.ts'
import type { Fields } from '../program/packet.ts'
import type { NetworkIntent } from './model.ts'
import { type Member, presences } from './place.ts'

const BROADCAST = 0xffffffffffffn

const placeOf = ({ datapath, number, port }: Member): Place => ({
  datapathId: datapath.id,
  port: number,
  vlan: port.vlan,
})

/** A packet that the guard lets pass: IP from the port's first address, or neighbour discovery's companion without one. */
function sourceOf({ mac, addresses }: Member): Fields {
  const [first] = addresses
  if (first === undefined) return { eth_src: mac }
  return first.version === 4
    ? { eth_src: mac, eth_type: 0x800n, ipv4_src: first.value }
    : { eth_src: mac, eth_type: 0x86ddn, ipv6_src: first.value }
}

const hasSource = ({ addresses }: Member): boolean => addresses.length > 0

function unicast(from: Member, to: Member): Witness {
  return {
    subject: `port/${from.port.id}`,
    words: `${from.port.name} to ${to.port.name}`,
    from: placeOf(from),
    fields: { ...sourceOf(from), eth_dst: to.mac },
    reaches: [placeOf(to)],
    never: 'elsewhere',
  }
}

function broadcast(from: Member, members: readonly Member[]): Witness {
  return {
    subject: `port/${from.port.id}`,
    words: `${from.port.name} to everybody`,
    from: placeOf(from),
    fields: { ...sourceOf(from), eth_dst: BROADCAST },
    reaches: members.filter((one) => one !== from).map(placeOf),
    never: 'elsewhere',
  }
}

/** A packet to the MAC of a port of another network: it may be flooded in its own, but never comes out there. */
function stray(from: Member, to: Member): Witness {
  return {
    subject: `port/${from.port.id}`,
    words: `${from.port.name} to ${formatMac(to.mac)} of another network`,
    from: placeOf(from),
    fields: { ...sourceOf(from), eth_dst: to.mac },
    reaches: [],
    never: [placeOf(to)],
  }
}

/** Pairs of a list and another by number, without making all of them. */
const pairAt = <A, B>(a: readonly A[], b: readonly B[], n: number): readonly [A, B] =>
  [a[Math.floor(n / b.length)] as A, b[n % b.length] as B] as const

interface Series {
  readonly count: number
  at(n: number): Witness
}

function seriesOf(intent: NetworkIntent, { infrastructure }: Facts): Series[] {
  const networks = presences(intent, infrastructure).map(({ members }) => members)
  return networks.flatMap((members, i): Series[] => {
    const senders = members.filter(hasSource)
    const others = networks.filter((_, j) => j !== i).flat()
    const peersOf = (from: Member): readonly Member[] => members.filter((one) => one !== from)
    const peers = members.length - 1
    return [
      { count: senders.length, at: (n) => broadcast(senders[n] as Member, members) },
      {
        count: senders.length * peers,
        at: (n) => {
          const from = senders[Math.floor(n / peers)] as Member
          return unicast(from, peersOf(from)[n % peers] as Member)
        },
      },
      { count: senders.length * others.length, at: (n) => stray(...pairAt(senders, others, n)) },
    ]
  })
}

/**
 * Packets that prove delivery inside every network and separation between them: from each port to each other one, to
 * everybody, and to each port of another network. Where there are more than `limit`, they are taken at even distances.
 */
export function witnesses(intent: NetworkIntent, facts: Facts, limit: number) {
  const series = seriesOf(intent, facts).filter(({ count }) => count > 0)
  const possible = series.reduce((sum, { count }) => sum + count, 0)
  const shareOf = (count: number) => (possible <= limit ? count : Math.max(1, Math.floor((count * limit) / possible)))
  const chosen = series.flatMap(({ count, at }) => {
    const share = shareOf(count)
    return Array.from({ length: share }, (_, n) => at(Math.floor((n * count) / share)))
  })
  return { chosen: chosen.slice(0, limit), possible }
}
