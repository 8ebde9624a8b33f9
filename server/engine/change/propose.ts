import type { Capability, Demand, Part } from '../capability.ts'
import type { Finding } from '../finding.ts'
import type { Program } from '../program/program.ts'
import { checkPrograms } from './check/index.ts'
import { type Composed, compose } from './compose.ts'
import { grant } from './grants.ts'
import type { CommittedProgram, Grant } from './journal.ts'
import { overwritten } from './overwritten.ts'
import { type Plan, plan, touchedReasons } from './plan.ts'
import { type GrantStore, GrantTaken, type IntentSnapshot, type IntentSource, type ProgramStore } from './ports.ts'

/** A change as it was compiled and checked: what a preview shows and what a commit takes. */
export interface Proposal {
  readonly change: string
  readonly revision: bigint
  readonly findings: readonly Finding[]
  /** Entries that it touches have no provenance yet: see `withProvenance`. */
  readonly plan: Plan
  /** Committed intent compiled now, and intent with the change. */
  readonly before: ReadonlyMap<string, Composed>
  readonly after: ReadonlyMap<string, Composed>
  readonly committed: ReadonlyMap<string, CommittedProgram>
  readonly granted: readonly Grant[]
  readonly released: readonly string[]
  readonly tableLimit: ReadonlyMap<string, number>
}

export interface ProposePorts {
  readonly capabilities: readonly Capability[]
  readonly intent: IntentSource
  readonly programs: ProgramStore
  readonly grants: GrantStore
}

export interface Compiled {
  readonly composed: ReadonlyMap<string, Composed>
  readonly findings: readonly Finding[]
}

/** Every capability's own intent out of all rows. */
const modelOf = (capability: Capability, { rows }: IntentSnapshot): unknown =>
  capability.model(rows.filter(({ kind }) => capability.kinds.includes(kind)))

const demandsOf = (capabilities: readonly Capability[], snapshot: IntentSnapshot): Demand[] =>
  capabilities.flatMap((capability) => capability.demand(modelOf(capability, snapshot), snapshot.facts))

/** What every datapath shall hold for intent, and why. */
export function compileAll(
  capabilities: readonly Capability[],
  snapshot: IntentSnapshot,
  numbers: ReadonlyMap<string, number>,
): Compiled {
  const parts = capabilities.flatMap((capability): readonly Part[] =>
    capability.compile(modelOf(capability, snapshot), snapshot.facts, numbers),
  )
  const { datapaths, findings } = compose(capabilities, parts)
  return { composed: datapaths, findings }
}

const validateAll = (capabilities: readonly Capability[], snapshot: IntentSnapshot): Finding[] =>
  capabilities.flatMap((capability) => capability.validate(modelOf(capability, snapshot), snapshot.facts))

const isError = ({ severity }: Finding): boolean => severity === 'error'

function tableLimits({ facts }: IntentSnapshot): Map<string, number> {
  const limits = [...facts.infrastructure.datapaths.values()]
  return new Map(limits.flatMap(({ id, limits }): [string, number][] => (limits ? [[id, limits.tableDefault]] : [])))
}

const programsOf = (committed: ReadonlyMap<string, CommittedProgram>): Map<string, Program> =>
  new Map([...committed].map(([id, { program }]) => [id, program]))

const ATTEMPTS = 5

/** Numbers that become the intent's own with the change, whether a draft reserved them before or not. */
function becoming(
  demands: readonly Demand[],
  present: readonly string[],
  numbers: ReadonlyMap<string, number>,
): Grant[] {
  const known = new Set(present)
  return demands.flatMap(({ key, pool }) => {
    const number = numbers.get(key)
    if (number === undefined || known.has(key)) return []
    known.add(key)
    return [{ key, pool, number }]
  })
}

/** Demands of the change are granted for good, or found to have no room. Another draft may take a number meanwhile. */
async function granting(ports: ProposePorts, change: string, snapshot: IntentSnapshot, now: IntentSnapshot) {
  const demands = demandsOf(ports.capabilities, snapshot)
  const present = demandsOf(ports.capabilities, now).map(({ key }) => key)
  for (let attempt = 1; ; attempt++) {
    const answer = grant(demands, await ports.grants.granted(), present)
    try {
      if (answer.taken.length > 0) await ports.grants.reserve(change, answer.taken)
      return { ...answer, becoming: becoming(demands, present, answer.numbers) }
    } catch (error) {
      if (!(error instanceof GrantTaken) || attempt === ATTEMPTS) throw error
    }
  }
}

const nothing = (change: string, snapshot: IntentSnapshot, findings: readonly Finding[]): Proposal => ({
  ...{ change, revision: snapshot.revision, findings, plan: { waves: [], programs: new Map() } },
  ...{ before: new Map(), after: new Map(), committed: new Map(), granted: [], released: [], tableLimit: new Map() },
})

/**
 * Compiles and checks a draft: intent with its edits → programs → differences to what is committed, in waves → findings.
 * Intent that breaks a rule is not compiled. Nothing reaches a datapath.
 */
export async function propose(ports: ProposePorts, change: string): Promise<Proposal> {
  const { capabilities, intent, programs } = ports
  const [now, wanted] = [await intent.snapshot(), await intent.snapshot(change)]
  const broken = validateAll(capabilities, wanted)
  if (broken.some(isError)) return nothing(change, wanted, broken)
  const granted = await granting(ports, change, wanted, now)
  if (granted.findings.length > 0) return nothing(change, wanted, [...broken, ...granted.findings])
  const held = new Map((await ports.grants.granted()).map(({ key, number }) => [key, number]))
  const before = compileAll(capabilities, now, held)
  const after = compileAll(capabilities, wanted, granted.numbers)
  const { datapaths } = wanted.facts.infrastructure
  const committed = await programs.committed([...datapaths.keys()])
  const edits = await intent.edits(change)
  const tableLimit = tableLimits(wanted)
  const input = { committed: programsOf(committed), before: before.composed, after: after.composed, tableLimit }
  const planned = plan({ ...input, cookieOf: () => 0n })
  return {
    ...{ change, revision: wanted.revision, plan: planned, before: before.composed, after: after.composed, committed },
    ...{ granted: granted.becoming, released: granted.released, tableLimit },
    findings: [
      ...broken,
      ...overwritten(now, edits),
      ...after.findings,
      ...checkPrograms(capabilities, wanted, after.composed),
    ],
  }
}

/**
 * The same plan with cookies: each names the provenance row of the intents that ask for the entry and of this change.
 * `cookies` answers one for each list of intents, in order.
 */
export async function withProvenance(
  proposal: Proposal,
  cookies: (because: readonly (readonly string[])[]) => Promise<readonly bigint[]>,
): Promise<Plan> {
  const { before, after, tableLimit, committed } = proposal
  const lists = touchedReasons(proposal.plan, after)
  const numbers = await cookies(lists)
  const byReason = new Map(lists.map((list, n) => [list.join(' '), numbers[n] ?? 0n]))
  const cookieOf = (because: readonly string[]) => byReason.get(because.join(' ')) ?? 0n
  return plan({ committed: programsOf(committed), before, after, tableLimit, cookieOf })
}

/** A cookie: 8 bits that say it is Weft's, 8 bits installation, 48 bits provenance row. */
export const cookieOf = (installation: number, provenance: bigint): bigint =>
  (0x57n << 56n) | (BigInt(installation & 0xff) << 48n) | (provenance & 0xffff_ffff_ffffn)
