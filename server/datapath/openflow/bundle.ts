import type { Connection, Series } from './connection.ts'
import { SwitchError } from './failure.ts'
import { ATOMIC_ORDERED, sendSteps } from './modification.ts'
import type { Step } from './order.ts'
import { countdown, type Patience } from './waiting.ts'

/** Time for throwing away what failed. */
const DISCARD_MS = 10_000

/** A bundle that lies ready in the switch. */
export interface Bundle {
  readonly connection: Connection
  readonly id: number
  readonly steps: readonly Step[]
  readonly series: Series
  /** Milliseconds (monotonic) at which the switch had taken all of it: it drops one that is idle for about 11 s. */
  readonly ready_ms: number
}

/** What the switch has refused, and the step that it was. */
export class StepRefused extends Error {
  override readonly name = 'StepRefused'
  readonly error: SwitchError
  readonly step: Step | undefined
  constructor(error: SwitchError, step: Step | undefined) {
    super(error.message)
    this.error = error
    this.step = step
  }
}

type Command = 'open_request' | 'close_request' | 'commit_request' | 'discard_request'

const control = (connection: Connection, bundle: number, command: Command, patience: Patience) =>
  connection.request({ type: 'bundle_control', bundle, command, flags: ATOMIC_ORDERED, properties: [] }, patience)

/** The first complaint about a step, with the step. */
function refusalIn(series: Series, steps: readonly Step[]): StepRefused | undefined {
  const error = series.errors[0]
  return error && new StepRefused(error, steps[error.xid - series.first])
}

/** Throws a bundle away. What the switch says to that does not matter: it may have done so itself. */
export async function discardBundle({ connection, id, series }: Bundle, patience: Patience): Promise<void> {
  // Until the switch has answered, complaints about steps may still come.
  if (connection.open) await control(connection, id, 'discard_request', patience).catch(() => undefined)
  series.close()
}

const ids = new WeakMap<Connection, number>()

/** Bundle ids are a connection's own. */
function nextId(connection: Connection): number {
  const id = (ids.get(connection) ?? 0) + 1
  ids.set(connection, id)
  return id
}

/**
 * Puts the steps into an atomic, ordered bundle (OpenFlow 1.5.1, section 6.9) without waiting for an answer to each; a
 * barrier at the end brings out all complaints. Rejects with StepRefused, or like a request; the bundle is then gone: a
 * commit after an error would succeed with the rest.
 */
export async function openBundle(connection: Connection, steps: readonly Step[], patience: Patience): Promise<Bundle> {
  const id = nextId(connection)
  const series = connection.series(steps.length)
  const bundle = (): Bundle => ({ connection, id, steps, series, ready_ms: performance.now() })
  const left = countdown(patience)
  const { promise: overdue, resolve: giveUp } = Promise.withResolvers<void>()
  const timer = setTimeout(giveUp, patience.deadline_ms)
  try {
    const opened = control(connection, id, 'open_request', patience)
    // Whoever fails first is reported; the other must not be an unhandled rejection meanwhile.
    opened.catch(() => undefined)
    const stop = () => series.errors.length > 0 || left().deadline_ms <= 0
    await sendSteps(steps, { connection, bundle: id, first: series.first, stop, overdue })
    await Promise.all([opened, connection.request({ type: 'barrier_request' }, left())])
    const refused = refusalIn(series, steps)
    if (refused) throw refused
    return bundle()
  } catch (error) {
    // A switch that stalls is not waited for once more.
    void discardBundle(bundle(), { deadline_ms: DISCARD_MS })
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Makes a bundle effective. Rejects with StepRefused when the switch refused it: nothing of it is held then. */
export async function commitBundle({ connection, id, series, steps }: Bundle, patience: Patience): Promise<void> {
  try {
    await control(connection, id, 'commit_request', patience)
  } catch (error) {
    throw error instanceof SwitchError ? (refusalIn(series, steps) ?? error) : error
  } finally {
    series.close()
  }
}

/** Whether the switch has bundles: opens an empty one and throws it away. */
export async function hasBundles(connection: Connection, patience: Patience): Promise<boolean> {
  try {
    const bundle = await openBundle(connection, [], patience)
    await discardBundle(bundle, patience)
    return true
  } catch (error) {
    if (error instanceof SwitchError || error instanceof StepRefused) return false
    throw error
  }
}
