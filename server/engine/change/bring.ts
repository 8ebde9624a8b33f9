import { DriverError } from '#server/datapath/driver.ts'
import type { Change, Difference, Program } from '../program/program.ts'
import { isEmptyDifference } from '../program/program.ts'
import { type Before, programAfter } from './commitment.ts'
import { within } from './deadline.ts'
import { failureOf, notObserved, Stop } from './failure.ts'
import type { ChangeFailure, JournalPart, JournalRecord } from './journal.ts'
import { readProgram } from './observe.ts'
import { connected, type RunPorts, sent } from './run.ts'
import { firstUnmet, forwardSteps, hasLostRest, together, undoSteps } from './waves.ts'

/** One datapath to be brought to one end of a change, from wherever it is. */
interface Route {
  readonly datapathId: string
  /** Every key in one step alone. */
  readonly steps: readonly Difference[]
  /** All steps together: where the datapath must stand in the end. */
  readonly end: Difference
  /** Everything it is then wanted to hold: a device that lost more than the change needs that back first. */
  readonly whole: Program
}

const route = (part: JournalPart, steps: readonly Difference[], whole: Program): Route => ({
  datapathId: part.datapathId,
  steps,
  end: together(steps),
  whole,
})

/** Why datapaths are not where they should be, by datapath; empty when all are. */
export type Missing = ReadonlyMap<string, ChangeFailure>

/** Takes a change back on every datapath that it was sent to, newest wave first. Can be repeated from any state. */
export function bringBack(record: JournalRecord, before: Before, ports: RunPorts): Promise<Missing> {
  const routes = sent(record).map((part) =>
    route(part, undoSteps(part.waves), before.get(part.datapathId)?.program ?? NOTHING),
  )
  return bring(routes, ports)
}

/** Takes a change forward on every datapath that it is for. Can be repeated from any state. */
export function bringForward(record: JournalRecord, before: Before, ports: RunPorts): Promise<Missing> {
  const routes = sent(record).map((part) => route(part, forwardSteps(part.waves), programAfter(part, before)))
  return bring(routes, ports)
}

const NOTHING: Program = { entries: new Map(), groups: new Map(), neighbours: new Map() }

async function bring(routes: readonly Route[], ports: RunPorts): Promise<Missing> {
  const missing = new Map<string, ChangeFailure>()
  const each = async (which: readonly Route[], work: (one: Route) => Promise<void>): Promise<void> => {
    const rest = which.filter((one) => !missing.has(one.datapathId))
    await Promise.all(rest.map((one) => work(one).catch((error) => void missing.set(one.datapathId, failureOf(error)))))
  }
  const under: Route[] = []
  await each(routes, async (one) => {
    const held = await readProgram(ports, one.datapathId, one.whole)
    if (!firstUnmet(held, one.end)) return
    // Filled at once: with the places of the change alone it would look as if somebody had removed all the others.
    if (hasLostRest(held, one.whole, one.end)) await converge(one.datapathId, whatLacks(held, one), ports)
    under.push(one)
  })
  const waves = Math.max(0, ...under.map((one) => one.steps.length))
  for (let n = 0; n < waves; n++) await each(under, (one) => take(one, one.steps[n], ports))
  await each(under, async (one) => {
    const unmet = firstUnmet(await readProgram(ports, one.datapathId, one.whole), one.end)
    if (unmet) throw new Stop(notObserved(one.datapathId, unmet, ports.notation))
  })
  return missing
}

async function take(one: Route, step: Difference | undefined, ports: RunPorts): Promise<void> {
  if (!step || isEmptyDifference(step)) return
  try {
    await converge(one.datapathId, step, ports)
  } catch (error) {
    if (!(error instanceof DriverError) || error.failure !== 'refused') throw error
    await converge(one.datapathId, whatLacks(await readProgram(ports, one.datapathId, one.whole), one), ports)
  }
}

/** The end of a route and all else that the datapath lost: what its steps may lean on. Nothing foreign is removed. */
function whatLacks(held: Program, { whole, end }: Route): Difference {
  const lost = <K, T>(wanted: ReadonlyMap<K, T>, now: ReadonlyMap<K, T>): Change<T>[] =>
    [...wanted].flatMap(([key, after]) => (now.has(key) ? [] : [{ after }]))
  const named = new Set(end.entries.map(({ before, after }) => (after ?? before)?.key))
  const namedGroups = new Set(end.groups.map(({ before, after }) => (after ?? before)?.group))
  return {
    entries: [...end.entries, ...lost(whole.entries, held.entries).filter(({ after }) => !named.has(after?.key))],
    groups: [...end.groups, ...lost(whole.groups, held.groups).filter(({ after }) => !namedGroups.has(after?.group))],
    neighbours: [...end.neighbours, ...lost(whole.neighbours, held.neighbours)],
  }
}

/** Brings what a difference names on one datapath to its `after` state. Throws `DriverError`. */
export async function converge(datapathId: string, difference: Difference, ports: RunPorts): Promise<void> {
  const driver = connected(ports, datapathId)
  const { converge_ms } = ports.limits
  await within(ports.timer, datapathId, converge_ms, 'unknown', () => driver.converge(difference, converge_ms))
}
