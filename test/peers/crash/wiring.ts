import type { Driver } from '#server/datapath/driver.ts'
import { createFleet } from '#server/datapath/fleet.ts'
import { openflowDatapath } from '#server/datapath/openflow/driver.ts'
import { createListeners } from '#server/datapath/openflow/listeners.ts'
import { systemTimer } from '#server/engine/change/deadline.ts'
import type { Journal } from '#server/engine/change/journal.ts'
import { createLocks } from '#server/engine/change/locks.ts'
import type { ProgressEvent } from '#server/engine/change/progress.ts'
import { createReconciler, type Reconciler } from '#server/engine/change/reconcile.ts'
import { createRecovery, type Recovery } from '#server/engine/change/recover.ts'
import { LIMITS, type Limits, type RunPorts } from '#server/engine/change/run.ts'
import { entryNotation, groupNotation } from '#server/engine/program/notation.ts'
import type { Database } from '#server/inventory/database.ts'
import { datapathStore } from '#server/inventory/facts.ts'
import { databaseJournal } from '#server/inventory/journal.ts'
import { programStore } from '#server/inventory/programs.ts'
import { systemClock } from '#server/kernel/clock.ts'

/** A switch as an engine reaches it. */
export interface Address {
  readonly id: string
  readonly name: string
  readonly datapathId: string
  /** Path of the socket where the engine awaits it. */
  readonly socket: string
}

export interface EngineOptions {
  readonly limits?: Partial<Limits>
  readonly onProgress?: (event: ProgressEvent) => void
  /** What stands between the engine and the world outside. */
  readonly journal?: (journal: Journal) => Journal
  readonly driver?: (driver: Driver) => Driver
}

/** The parts of an engine that take changes to their end, over a real database and real switches. */
export interface Engine {
  readonly ports: RunPorts
  readonly recovery: Recovery
  /** Not started. */
  readonly reconciler: Reconciler
  readonly locks: ReturnType<typeof createLocks>
  close(): Promise<void>
}

const notation: RunPorts['notation'] = (mismatch) => {
  if (mismatch.kind === 'group') {
    const group = mismatch.wanted ?? mismatch.held
    return group ? groupNotation(group) : `group_id=${mismatch.key}`
  }
  const entry = mismatch.wanted ?? mismatch.held
  return entry ? entryNotation(entry) : mismatch.key
}

/** Starts an engine; switches may connect when this resolves. */
export async function startEngine(
  database: Database,
  addresses: readonly Address[],
  { limits, onProgress = () => {}, journal = (one) => one, driver = (one) => one }: EngineOptions = {},
): Promise<Engine> {
  const log = () => {}
  const listeners = createListeners({ log })
  const fleet = createFleet(systemClock)
  const datapaths = datapathStore(database)
  for (const { id, name, datapathId, socket } of addresses) {
    const datapath = openflowDatapath({
      ...{ id, name, datapathId, listeners, log },
      controller: { type: 'unix', path: socket },
      generation: datapaths.nextGeneration,
    })
    await datapath.start()
    fleet.add(id, driver(datapath), null)
  }
  const ports: RunPorts = {
    datapaths: fleet,
    journal: journal(databaseJournal(database)),
    programs: programStore(database),
    timer: systemTimer,
    limits: { ...LIMITS, ...limits },
    notation,
    onProgress,
  }
  const locks = createLocks()
  const recovery = createRecovery(ports, locks)
  const reconciler = createReconciler(ports, locks)
  return {
    ports,
    recovery,
    reconciler,
    locks,
    async close() {
      await reconciler.close()
      await recovery.close()
      await fleet.close()
      await listeners.close()
    },
  }
}
