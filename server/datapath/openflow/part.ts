import type { StageRequest } from '#server/datapath/driver.ts'
import type { Difference } from '#server/engine/program/program.ts'
import { type Bundle, commitBundle, discardBundle, openBundle } from './bundle.ts'
import type { Connection } from './connection.ts'
import { growth, type Step, stepsOf } from './order.ts'
import { readGroups } from './read.ts'
import type { Session } from './session.ts'
import type { Patience } from './waiting.ts'

/** A bundle that the switch has held for so long is staged again: it drops one after about 11 s. */
const FRESH_MS = 8000

/** A staged part: what it was made of, and the bundle that lies in the switch. */
export interface Part {
  readonly session: Session
  readonly request: StageRequest
  bundle: Bundle
}

/** Tables that cannot take what they are to gain before something is deleted from them. */
async function fullTables(
  { connection, description }: Session,
  d: Difference,
  patience: Patience,
): Promise<Set<number>> {
  const gains = growth(d)
  const deletes = new Set(d.entries.flatMap(({ before, after }) => (before && !after ? [before.table] : [])))
  const concerned = [...gains.keys()].filter((table) => deletes.has(table))
  const full = new Set<number>()
  if (concerned.length === 0) return full
  await connection.collect(
    { type: 'table' },
    ({ tables }) => {
      for (const { table, active_count } of tables) {
        const limit = description.tableLimits[table] ?? description.tableDefault
        if (limit > 0 && active_count + (gains.get(table) ?? 0) > limit) full.add(table)
      }
    },
    patience,
  )
  return full
}

/** Stages a difference as it stands: a group that it adds must not be there, one that it replaces must. */
export async function stagePart(session: Session, request: StageRequest, patience: Patience): Promise<Part> {
  const full = await fullTables(session, request.difference, patience)
  const bundle = await openBundle(session.connection, stepsOf(request.difference, { full }), patience)
  return { session, request, bundle }
}

const groupsOf = (d: Difference): number[] => d.groups.map(({ before, after }) => (after ?? before)?.group ?? 0)

/** Commits under the group watch, so that what we do ourselves is not told as somebody else's doing. */
async function commitWatched(
  session: Session,
  difference: Difference,
  bundle: Bundle,
  patience: Patience,
): Promise<void> {
  const done = session.groups.own(groupsOf(difference))
  try {
    await commitBundle(bundle, patience)
  } finally {
    done()
  }
}

/** Commits a part; one that has waited is staged again first. `sent` is called just before the point of no return. */
export async function commitPart(part: Part, patience: Patience, sent: () => void): Promise<void> {
  const { session, request } = part
  const began_ms = performance.now()
  if (began_ms - part.bundle.ready_ms > FRESH_MS) {
    await discardBundle(part.bundle, patience)
    part.bundle = (await stagePart(session, request, patience)).bundle
  }
  sent()
  const left_ms = patience.deadline_ms - (performance.now() - began_ms)
  await commitWatched(session, request.difference, part.bundle, { ...patience, deadline_ms: left_ms })
}

/** Steps that bring every place the difference names to its `after`, whatever is there. */
async function convergingSteps(
  connection: Connection,
  d: Difference,
  full: ReadonlySet<number>,
  patience: Patience,
): Promise<Step[]> {
  // Entries need no look: adding over and deleting strictly mean the same whatever is there. Groups are added or modified.
  const groups = d.groups.length > 0 ? new Set((await readGroups(connection, patience)).keys()) : new Set<number>()
  return stepsOf(d, { groups, full })
}

/** Brings every place that the difference names to its `after`, in one bundle. */
export async function convergePart(
  session: Session,
  d: Difference,
  patience: Patience,
  sent: () => void,
): Promise<void> {
  const { connection } = session
  const full = await fullTables(session, d, patience)
  const bundle = await openBundle(connection, await convergingSteps(connection, d, full, patience), patience)
  sent()
  await commitWatched(session, d, bundle, patience)
}
