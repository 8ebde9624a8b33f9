import type { DriverEvent } from '#server/datapath/driver.ts'
import { type Agenda, createAgenda, type Quiet } from './agenda.ts'
import { type Condition, type Conditions, createConditions } from './conditions.ts'
import { heldOf, settle } from './drift.ts'
import { failureOf } from './failure.ts'
import type { Locks } from './ports.ts'
import type { RunPorts } from './run.ts'

export interface ReconcileOptions extends Quiet {
  /** Whether hand-made differences on a datapath are repaired unasked. */
  readonly repairsItself: (datapathId: string) => boolean
  /** Look at everything so often. */
  readonly every_ms: number
  /** Look again after a failure. */
  readonly again_ms: number
}

export const RECONCILE: ReconcileOptions = {
  repairsItself: () => false,
  quiet_ms: 250,
  latest_ms: 1000,
  every_ms: 3_600_000,
  again_ms: 1000,
}

/**
 * Compares every datapath with what committed changes want of it, whenever it connects, is moved by another hand, and
 * every hour. What was lost in a restart or is pending is brought at once; hand-made differences wait to be repaired.
 */
export interface Reconciler {
  condition(datapathId: string): Condition
  /** Calls `listener` with every new condition until the returned function is called. */
  subscribe(listener: (condition: Condition) => void): () => void
  /** Reads and compares now; waits for a change under way there. */
  check(datapathId: string): Promise<Condition>
  /** Brings the datapath to what is wanted, whatever was made there by hand. */
  repair(datapathId: string): Promise<Condition>
  /** A change has the datapaths until the returned function is called; they are looked at again then. */
  moving(datapathIds: readonly string[]): () => void
  start(): void
  close(): Promise<void>
}

interface Looking {
  readonly ports: RunPorts
  readonly locks: Locks
  readonly conditions: Conditions
  /** How many changes have each datapath. */
  readonly holders: Map<string, number>
  readonly closing: AbortSignal
}

const AWAY = { state: 'away', held: 0, drift: undefined } as const

const isConnected = (ports: RunPorts, id: string): boolean => ports.datapaths.driver(id)?.connected === true

function stateOf({ holders, ports }: Looking, id: string, drift: unknown): Condition['state'] {
  if (!isConnected(ports, id)) return 'away'
  if ((holders.get(id) ?? 0) > 0) return 'moving'
  return drift ? 'drifted' : 'held'
}

/** One look under the lock. Answers whether another is needed soon. */
async function look(looking: Looking, id: string, all: boolean): Promise<'done' | 'again'> {
  const { ports, conditions, locks, closing } = looking
  const release = await locks.acquire([id], closing)
  try {
    if (!isConnected(ports, id)) {
      conditions.become(id, AWAY)
      return 'done'
    }
    const { wanted, drift, due } = await settle(ports, id, all, () => conditions.become(id, { state: 'moving' }))
    const counts = { wanted: wanted.entries.size, held: heldOf(wanted, drift), read_ms: ports.timer.now_ms() }
    conditions.become(id, { ...counts, drift, state: stateOf(looking, id, drift) })
    return due ? 'again' : 'done'
  } catch (error) {
    const { drift } = conditions.of(id)
    conditions.become(id, { state: stateOf(looking, id, drift), reason: failureOf(error) })
    return isConnected(ports, id) ? 'again' : 'done'
  } finally {
    release()
  }
}

/** Counts who has which datapath, and shows it. */
function hold(looking: Looking, ids: readonly string[], agenda: Agenda): () => void {
  const { holders, conditions } = looking
  const count = (id: string, more: number) => holders.set(id, (holders.get(id) ?? 0) + more)
  for (const id of ids) {
    count(id, 1)
    if (conditions.of(id).state !== 'away') conditions.become(id, { state: 'moving' })
  }
  let over = false
  return () => {
    if (over) return
    over = true
    for (const id of ids) {
      count(id, -1)
      agenda.ask(id, 0)
    }
  }
}

function heard(event: DriverEvent, id: string, { conditions }: Looking, agenda: Agenda): void {
  if (event.type === 'connected') agenda.ask(id, 0)
  if (event.type === 'moved') agenda.moved(id)
  if (event.type === 'disconnected') conditions.become(id, AWAY)
}

export function createReconciler(ports: RunPorts, locks: Locks, options: ReconcileOptions = RECONCILE): Reconciler {
  const closing = new AbortController()
  const conditions = createConditions(ports.timer)
  const looking: Looking = { ports, locks, conditions, holders: new Map(), closing: closing.signal }
  const see = async (id: string, all: boolean): Promise<Condition> => {
    if ((await look(looking, id, all)) === 'again') agenda.ask(id, options.again_ms)
    return conditions.of(id)
  }
  const agenda = createAgenda(ports.timer, options, (id) => see(id, options.repairsItself(id)))
  const everything = () => {
    for (const id of ports.datapaths.ids) agenda.ask(id, 0)
  }
  const hourly = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      everything()
      await ports.timer.sleep(options.every_ms, closing.signal).catch(() => {})
    }
  }
  let forget = () => {}
  return {
    condition: conditions.of,
    subscribe: conditions.subscribe,
    check: (id) => see(id, options.repairsItself(id)),
    repair: (id) => see(id, true),
    moving: (ids) => hold(looking, ids, agenda),
    start() {
      forget = ports.datapaths.subscribe((id, event) => heard(event, id, looking, agenda))
      void hourly()
    },
    async close() {
      forget()
      closing.abort(new Error('the engine is stopping'))
      await agenda.close()
    },
  }
}
