import type { Place, Witness } from '../../capability.ts'
import type { Finding } from '../../finding.ts'
import type { Infrastructure } from '../../infrastructure.ts'
import type { Program } from '../../program/program.ts'
import { type Walk, walker } from './walk.ts'

const key = ({ datapathId, port, vlan }: Place): string => `${datapathId} ${port} ${vlan}`

/** Findings of one kind that are told; the rest is counted. */
const MOST = 20

function placeWords({ datapathId, port, vlan }: Place, { datapaths, attachments }: Infrastructure): string {
  const attachment = [...attachments.values()].find((one) => one.datapathId === datapathId && one.port === port)
  const name = attachment?.name ?? `port ${port} of ${datapaths.get(datapathId)?.name ?? datapathId}`
  return vlan === null ? name : `${name} with VLAN ${vlan}`
}

interface Broken {
  readonly rule: 'reach.undelivered' | 'reach.leak' | 'reach.loop' | 'reach.doubt'
  readonly words: string
}

/** What is wrong with the way a packet took, if anything; the worst first. */
function judge(witness: Witness, walk: Walk, infrastructure: Infrastructure): Broken | undefined {
  if (walk.loops) return { rule: 'reach.loop', words: 'goes round' }
  const arrived = new Map(walk.delivered.map((place) => [key(place), place]))
  const wanted = new Set(witness.reaches.map(key))
  const forbidden =
    witness.never === 'elsewhere' ? [...arrived.values()].filter((place) => !wanted.has(key(place))) : witness.never
  const leak = forbidden.find((place) => arrived.has(key(place)))
  if (leak) return { rule: 'reach.leak', words: `comes out at ${placeWords(leak, infrastructure)}, where it must not` }
  const missing = witness.reaches.find((place) => !arrived.has(key(place)))
  if (missing)
    return { rule: 'reach.undelivered', words: `does not come out at ${placeWords(missing, infrastructure)}` }
  if (walk.delivered.length > arrived.size) return { rule: 'reach.loop', words: 'comes out more than once' }
  const [doubt] = walk.doubts
  return doubt === undefined ? undefined : { rule: 'reach.doubt', words: `meets what cannot be judged: ${doubt}` }
}

const MEND: Readonly<Record<Broken['rule'], string>> = {
  'reach.undelivered': 'Look at the datapath where its way ends: a link, a tunnel or an entry is missing there.',
  'reach.leak': 'This is a fault of a capability; the change is refused, nothing was changed.',
  'reach.loop': 'This is a fault of a capability; the change is refused, nothing was changed.',
  'reach.doubt': 'Trace the packet on the switch itself.',
}

/**
 * Sends the packets that capabilities offer as witnesses through the programs that all datapaths will hold, and compares
 * what becomes of them with what intent promises. Every broken promise is a finding with its packet's hops; the last
 * finding says how many packets of how many were sent.
 */
export function checkReach(
  programs: ReadonlyMap<string, Program>,
  infrastructure: Infrastructure,
  { chosen, possible }: { readonly chosen: readonly Witness[]; readonly possible: number },
): readonly Finding[] {
  const send = walker(programs, infrastructure)
  const findings: Finding[] = []
  let broken = 0
  for (const witness of chosen) {
    const walk = send(witness.from, witness.fields)
    const wrong = judge(witness, walk, infrastructure)
    if (wrong === undefined || ++broken > MOST) continue
    findings.push({
      severity: wrong.rule === 'reach.doubt' ? 'warning' : 'error',
      rule: wrong.rule,
      message: `A packet from ${witness.words} ${wrong.words}.`,
      mend: MEND[wrong.rule],
      subject: witness.subject,
      witness: walk.hops,
    })
  }
  if (chosen.length === 0) return findings
  const promise = broken === 0 ? 'all as promised' : `${broken} not as promised`
  return [
    ...findings,
    {
      severity: 'info',
      rule: 'reach.checked',
      message: `${chosen.length} packets of ${possible} were followed through all datapaths, ${promise}.`,
      mend: 'Nothing to do.',
    },
  ]
}
