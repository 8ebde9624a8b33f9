import type { Capability, Facts, IntentRow } from '../../capability.ts'
import type { Finding } from '../../finding.ts'
import type { Composed } from '../compose.ts'
import { checkCapacity } from './capacity.ts'

/** Everything that can be said of programs before they reach a datapath: room, features, and packets sent through them. */
export function checkPrograms(
  _capabilities: readonly Capability[],
  { facts }: { readonly rows: readonly IntentRow[]; readonly facts: Facts },
  composed: ReadonlyMap<string, Composed>,
): readonly Finding[] {
  return [...composed.values()].flatMap(({ datapathId, program, tables }) => {
    const datapath = facts.infrastructure.datapaths.get(datapathId)
    return datapath ? checkCapacity(datapath, program, tables) : []
  })
}
