import type { Difference, Program } from '../program/program.ts'
import { within } from './deadline.ts'
import { failureOf, notObserved, Stop } from './failure.ts'
import type { ChangeFailure } from './journal.ts'
import { connected, type RunPorts } from './run.ts'
import { firstUnmet } from './waves.ts'

/** Reads everything that a datapath holds. Throws `DriverError`, or `Stop` when it is away. */
export async function readProgram(ports: RunPorts, datapathId: string): Promise<Program> {
  const driver = connected(ports, datapathId)
  const held = await within(ports.timer, datapathId, ports.limits.read_ms, 'stalled', () => driver.read())
  return held.program
}

/**
 * Reads a datapath until it holds what a difference leaves, also through reconnects; stops with the last reason when
 * that takes longer than `for_ms`.
 */
export async function untilHeld(
  ports: RunPorts,
  datapathId: string,
  difference: Difference,
  for_ms: number,
): Promise<void> {
  const { timer, limits } = ports
  const end_ms = timer.monotonic_ms() + for_ms
  for (;;) {
    const reason = await whyNotHeld(ports, datapathId, difference)
    if (reason === undefined) return
    if (timer.monotonic_ms() >= end_ms) throw new Stop(reason)
    await timer.sleep(limits.look_ms)
  }
}

async function whyNotHeld(
  ports: RunPorts,
  datapathId: string,
  difference: Difference,
): Promise<ChangeFailure | undefined> {
  try {
    const unmet = firstUnmet(await readProgram(ports, datapathId), difference)
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
