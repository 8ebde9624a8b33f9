import type { Capability, Facts, IntentRow } from '../../capability.ts'
import type { Finding } from '../../finding.ts'
import type { Composed } from '../compose.ts'
import { checkCapacity } from './capacity.ts'
import { checkOverlap } from './overlap.ts'
import { checkReach } from './reach.ts'
import { checkReferences } from './references.ts'

/** Packets that are followed at most for each capability: some tenths of a second. */
const WITNESSES = 1000

/** Everything that can be said of programs before they reach a datapath: room, features, and packets sent through them. */
export function checkPrograms(
  capabilities: readonly Capability[],
  { rows, facts }: { readonly rows: readonly IntentRow[]; readonly facts: Facts },
  composed: ReadonlyMap<string, Composed>,
): readonly Finding[] {
  const { infrastructure } = facts
  const alone = [...composed.values()].flatMap((one) => {
    const datapath = infrastructure.datapaths.get(one.datapathId)
    if (datapath === undefined) return []
    return [
      ...checkCapacity(datapath, one.program, one.tables),
      ...checkReferences(one, datapath, infrastructure),
      ...checkOverlap(one, datapath.name),
    ]
  })
  const programs = new Map([...composed].map(([id, { program }]) => [id, program]))
  const together = capabilities.flatMap((capability) => {
    if (!capability.witnesses) return []
    const intent = capability.model(rows.filter(({ kind }) => capability.kinds.includes(kind)))
    return checkReach(programs, infrastructure, capability.witnesses(intent, facts, WITNESSES))
  })
  return [...alone, ...together]
}
