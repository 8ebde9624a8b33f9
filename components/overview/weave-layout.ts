import type { Overview } from '#server/contract/overview.ts'

type Server = Overview['servers'][number]
type Network = Overview['networks'][number]

const LABELS = 160
const SITE_GAP = 14
const PITCH = 25
/** Where the pieces stand, from the top. */
export const Y = { bar: 12, barHeight: 26, site: 74, server: 104, serverHeight: 90, threads: 236 } as const
const KNOT_GAP = 7

export interface PlacedServer {
  readonly server: Server
  readonly x: number
  readonly width: number
  /** The middle: where its warp thread hangs. */
  readonly middle: number
}
export interface PlacedSite {
  readonly id: string
  readonly name: string
  readonly words: string
  readonly servers: number
  readonly x: number
  readonly width: number
}
export interface PlacedThread {
  readonly network: Network
  readonly y: number
  /** The thread; it is cut where it passes under a server without ports of it. */
  readonly path: string
  readonly knots: readonly { readonly x: number; readonly ports: number; readonly server: string }[]
}
export interface WeaveLayout {
  readonly width: number
  readonly height: number
  readonly servers: readonly PlacedServer[]
  readonly sites: readonly PlacedSite[]
  readonly threads: readonly PlacedThread[]
}

function placeServers(overview: Overview) {
  const total = Math.max(1, overview.servers.length)
  const width = Math.min(330, Math.max(112, (744 - overview.sites.length * SITE_GAP) / total))
  const servers: PlacedServer[] = []
  const sites: PlacedSite[] = []
  let x = LABELS
  for (const site of overview.sites) {
    const here = overview.servers.filter((server) => server.siteId === site.id)
    if (here.length === 0) continue
    sites.push({ ...site, servers: here.length, x, width: here.length * width })
    for (const server of here) {
      servers.push({ server, x: x + 6, width: width - 12, middle: x + width / 2 })
      x += width
    }
    x += SITE_GAP
  }
  return { servers, sites, width: Math.max(x - SITE_GAP + 6, 720) }
}

/** A network from its first to its last server, over those that have its ports and under those that have none. */
function placeThread(network: Network, servers: readonly PlacedServer[], y: number): PlacedThread {
  const ports = new Map(network.knots.map((knot) => [knot.serverId, knot.ports]))
  const has = ({ server }: PlacedServer) => (ports.get(server.id) ?? 0) > 0
  const first = servers.findIndex(has)
  const last = servers.findLastIndex(has)
  const spanned = first < 0 ? [] : servers.slice(first, last + 1)
  const pieces: string[] = []
  spanned.forEach((server, index) => {
    const next = spanned[index + 1]
    if (!next) return
    const from = server.middle + (has(server) ? 0 : KNOT_GAP)
    const to = next.middle - (has(next) ? 0 : KNOT_GAP)
    pieces.push(`M${from} ${y}H${to}`)
  })
  const knots = spanned
    .filter(has)
    .map(({ server, middle }) => ({ x: middle, ports: ports.get(server.id) ?? 0, server: server.name }))
  return { network, y, path: pieces.join(''), knots }
}

/** The busiest networks first, those of one tenant together. */
export function busiest(networks: readonly Network[], most: number): readonly Network[] {
  const ports = (network: Network) => network.knots.reduce((sum, knot) => sum + knot.ports, 0)
  return [...networks]
    .sort((a, b) => ports(b) - ports(a))
    .slice(0, most)
    .sort((a, b) => a.tenantName.localeCompare(b.tenantName) || a.name.localeCompare(b.name, 'en', { numeric: true }))
}

/** Servers hang down as the warp, networks run across as the weft. */
export function weave(overview: Overview, networks: readonly Network[]): WeaveLayout {
  const { servers, sites, width } = placeServers(overview)
  const threads = networks.map((network, index) => placeThread(network, servers, Y.threads + index * PITCH))
  return { width, height: Y.threads + Math.max(networks.length, 1) * PITCH, servers, sites, threads }
}
