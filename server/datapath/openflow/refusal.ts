import { DriverError } from '#server/datapath/driver.ts'
import { entryNotation, groupNotation } from '#server/engine/program/notation.ts'
import { StepRefused } from './bundle.ts'
import { ConnectionLost, Overdue, SwitchError } from './failure.ts'
import type { Step } from './order.ts'

/** Whether what failed may have taken effect on the switch: nothing can have before a commit is sent. */
export type Reach = 'nothing sent' | 'commit sent'

const notation = (step: Step | undefined): string | undefined => {
  if (!step) return undefined
  return step.type === 'group' ? groupNotation(step.group) : entryNotation(step.entry)
}

/** What a failure means for the change engine. */
export function driverError(datapath: string, error: unknown, reach: Reach, step?: Step): DriverError {
  if (error instanceof DriverError) return error
  if (error instanceof StepRefused) return driverError(datapath, error.error, reach, error.step)
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof SwitchError)
    return new DriverError(error.fenced ? 'fenced' : 'refused', datapath, message, notation(step))
  if (error instanceof ConnectionLost)
    return new DriverError(reach === 'commit sent' ? 'unknown' : 'away', datapath, message)
  if (error instanceof Overdue)
    return new DriverError(reach === 'commit sent' ? 'unknown' : 'stalled', datapath, message)
  return new DriverError(reach === 'commit sent' ? 'unknown' : 'refused', datapath, message, notation(step))
}
