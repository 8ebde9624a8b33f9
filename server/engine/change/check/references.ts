import type { Action } from '#server/kernel/action.ts'
import type { Finding } from '../../finding.ts'
import type { DatapathFact, Infrastructure } from '../../infrastructure.ts'
import { actionsOf } from '../../program/entry.ts'
import { isReserved } from '../../program/notation/value.ts'
import { type Composed, groupOrigin } from '../compose.ts'

/** The ports of a datapath that the inventory knows of: attachments, links and the tunnel. */
function portsOf(
  { id, serverId, role, uplinkPort, tunnelPort }: DatapathFact,
  { attachments, datapaths }: Infrastructure,
) {
  const plugged = [...attachments.values()].filter(({ datapathId }) => datapathId === id).map(({ port }) => port)
  const peers =
    role === 'fabric'
      ? [...datapaths.values()].filter((one) => one.serverId === serverId).map(({ peerPort }) => peerPort)
      : []
  return new Set([...plugged, ...peers, uplinkPort, tunnelPort].filter((port) => port !== undefined))
}

interface User {
  /** Where the reasons of an entry or group are found. */
  readonly origin: string
  readonly actions: readonly Action[]
}

const usersOf = ({ program }: Composed): readonly User[] => [
  ...[...program.entries.values()].map((entry) => ({ origin: entry.key, actions: actionsOf(entry) })),
  ...[...program.groups.values()].map(({ group, buckets }) => ({
    origin: groupOrigin(group),
    actions: buckets.flatMap(({ actions }) => actions),
  })),
]

/**
 * Outputs to ports that the datapath does not have (a switch takes them and drops in silence), and uses of groups that
 * are not there. Each port and group is told once.
 */
export function checkReferences(
  composed: Composed,
  datapath: DatapathFact,
  infrastructure: Infrastructure,
): readonly Finding[] {
  const ports = portsOf(datapath, infrastructure)
  const { groups } = composed.program
  const found = new Map<string, Finding>()
  const tell = (rule: string, message: string, mend: string, origin: string) => {
    const subject = composed.origins.get(origin)?.because[0]
    const finding: Finding = { severity: 'error', rule: `check.${rule}`, message, mend, datapathId: datapath.id }
    if (!found.has(message)) found.set(message, subject === undefined ? finding : { ...finding, subject })
  }
  for (const { origin, actions } of usersOf(composed))
    for (const action of actions) {
      if (action.type === 'output' && !isReserved(action.port) && !ports.has(action.port))
        tell(
          'unknown-port',
          `${datapath.name} has no port ${action.port}, to which packets would go.`,
          'Add the port, or take out what is to use it.',
          origin,
        )
      if (action.type === 'group' && !groups.has(action.group))
        tell(
          'unknown-group',
          `${datapath.name} has no group ${action.group}, which an entry uses.`,
          'This is a fault of the capability that wrote it; nothing was changed.',
          origin,
        )
    }
  return [...found.values()]
}
