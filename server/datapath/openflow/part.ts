import type { StageRequest } from '#server/datapath/driver.ts'
import type { Difference } from '#server/engine/program/program.ts'
import { type Bundle, commitBundle, discardBundle, openBundle } from './bundle.ts'
import type { Connection } from './connection.ts'
import { growth, type Step, stepsOf } from './order.ts'
import { readGroups } from './read.ts'
import type { Session } from './session.ts'
import { countdown, type Patience } from './waiting.ts'

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
  const left = countdown(patience)
  const full = await fullTables(session, request.difference, left())
  const bundle = await openBundle(session.connection, stepsOf(request.difference, { full }), left())
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
  const left = countdown(patience)
  if (performance.now() - part.bundle.ready_ms > FRESH_MS) {
    await discardBundle(part.bundle, left())
    part.bundle = (await stagePart(session, request, left())).bundle
  }
  sent()
  await commitWatched(session, request.difference, part.bundle, left())
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
  const left = countdown(patience)
  const full = await fullTables(session, d, left())
  const bundle = await openBundle(connection, await convergingSteps(connection, d, full, left()), left())
  sent()
  await commitWatched(session, d, bundle, left())
}
