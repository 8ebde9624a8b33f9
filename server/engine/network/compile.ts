import type { Facts, Grants, Part, PartEntry, PartGroup } from '../capability.ts'
import { admissions, refusals } from './admit.ts'
import { answering } from './answer.ts'
import { grantsOf, type NetworkGrants } from './demand.ts'
import { edgeForwarding, fabricForwarding, remotes } from './forward.ts'
import type { Network, NetworkIntent } from './model.ts'
import { type EdgePresence, type Member, type Presence, presences, type ServerPresence } from './place.ts'

/** What hosts meet where they are plugged in, on an edge or on a fabric datapath. */
const hosting = (network: Network, members: readonly Member[], local: readonly Member[]): readonly PartEntry[] =>
  local.length === 0
    ? []
    : [
        ...refusals(network),
        ...local.flatMap((member) => admissions(network, member)),
        ...answering(network, members, local),
      ]

interface Piece {
  readonly datapathId: string
  readonly entries: readonly PartEntry[]
  readonly groups: readonly PartGroup[]
  readonly neighbours: readonly string[]
}

// A number that was not granted has a finding of its own; the network is left out there.
function edgePiece({ network, members }: Presence, presence: EdgePresence, granted: NetworkGrants): Piece[] {
  const { edge } = presence
  const group = granted.flood(edge.id)
  if (group === undefined) return []
  const { entries, groups } = edgeForwarding(network, presence, group, granted.linkTag(edge.id))
  const hosts = hosting(network, members, presence.members)
  return [{ datapathId: edge.id, entries: [...hosts, ...entries], groups, neighbours: [] }]
}

function fabricPiece({ network, members, servers }: Presence, here: ServerPresence, granted: NetworkGrants): Piece[] {
  const { fabric } = here
  const group = fabric && granted.flood(fabric.id)
  if (fabric === undefined || group === undefined) return []
  const { entries, groups } = fabricForwarding(network, here, servers, group, granted.linkTag)
  const hosts = hosting(network, members, here.direct)
  const neighbours = remotes(network, here, servers).map(({ server }) => server.vtep)
  return [{ datapathId: fabric.id, entries: [...hosts, ...entries], groups, neighbours }]
}

const piecesOf = (presence: Presence, grants: Grants): Piece[] => {
  const granted = grantsOf(presence.network, grants)
  return presence.servers.flatMap((here) => [
    ...fabricPiece(presence, here, granted),
    ...here.edges.flatMap((edge) => edgePiece(presence, edge, granted)),
  ])
}

/** What every datapath must hold for the networks that have ports on its server, in the order of datapath ids. */
export function compile(intent: NetworkIntent, { infrastructure }: Facts, grants: Grants): readonly Part[] {
  const pieces = new Map<string, Piece[]>()
  for (const presence of presences(intent, infrastructure))
    for (const piece of piecesOf(presence, grants)) {
      const own = pieces.get(piece.datapathId)
      if (own) own.push(piece)
      else pieces.set(piece.datapathId, [piece])
    }
  const ids = [...pieces.keys()].sort()
  return ids.map((datapathId) => {
    const own = pieces.get(datapathId) ?? []
    return {
      datapathId,
      entries: own.flatMap(({ entries }) => entries),
      groups: own.flatMap(({ groups }) => groups),
      neighbours: [...new Set(own.flatMap(({ neighbours }) => neighbours))].sort(),
    }
  })
}
