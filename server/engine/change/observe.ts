import type { Difference, Program } from '../program/program.ts'
import { within } from './deadline.ts'
import { emptied, failureOf, notObserved, Stop } from './failure.ts'
import type { ChangeFailure } from './journal.ts'
import { connected, type RunPorts } from './run.ts'
import { firstUnmet, hasLostRest } from './waves.ts'

/** Reads everything that a datapath holds, see `Driver.read`. Throws `DriverError`, or `Stop` when it is away. */
export async function readProgram(ports: RunPorts, datapathId: string, known?: Program): Promise<Program> {
  const driver = connected(ports, datapathId)
  const held = await within(ports.timer, datapathId, ports.limits.read_ms, 'stalled', () => driver.read(known))
  return held.program
}

/**
 * Reads a datapath until it holds what a difference leaves, also through reconnects; stops with the last reason when
 * that takes longer than `for_ms`, and at once when it has lost all else that is wanted of it.
 */
export async function untilHeld(
  ports: RunPorts,
  datapathId: string,
  difference: Difference,
  wanted: Program,
  for_ms: number,
): Promise<void> {
  const { timer, limits } = ports
  const end_ms = timer.monotonic_ms() + for_ms
  for (;;) {
    const reason = await whyNotHeld(ports, datapathId, difference, wanted)
    if (reason === undefined) return
    if (reason.code === 'emptied' || timer.monotonic_ms() >= end_ms) throw new Stop(reason)
    await timer.sleep(limits.look_ms)
  }
}

async function whyNotHeld(
  ports: RunPorts,
  datapathId: string,
  difference: Difference,
  wanted: Program,
): Promise<ChangeFailure | undefined> {
  try {
    const held = await readProgram(ports, datapathId, wanted)
    // A switch that restarts between two waves takes the later ones, and would end with them alone.
    if (hasLostRest(held, wanted, difference)) return emptied(datapathId)
    const unmet = firstUnmet(held, difference)
    return unmet && notObserved(datapathId, unmet, ports.notation)
  } catch (error) {
    return failureOf(error)
  }
}

/** Reads a datapath as soon as it is connected, within `for_ms`; rejects with the last reason otherwise. */
export async function readWhenConnected(ports: RunPorts, datapathId: string, for_ms: number): Promise<Program> {
  const { timer, limits } = ports
  const end_ms = timer.monotonic_ms() + for_ms
  for (;;) {
    try {
      return await readProgram(ports, datapathId)
    } catch (error) {
      if (timer.monotonic_ms() >= end_ms) throw error
    }
    await timer.sleep(limits.look_ms)
  }
}
