import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that cannot be mistaken for a later one of the same number. */
export interface ProcessMark {
  readonly pid: number
  /** Clock ticks after boot at which it began (proc(5), field 22). */
  readonly began: string
}

/** Marks a process; undefined when there is none of that number. */
export function markOf(pid: number): ProcessMark | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name stands in brackets and may hold anything: fields are counted from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, began] = [fields[0], fields[19]]
    return state === 'Z' || began === undefined ? undefined : { pid, began }
  } catch {
    return undefined
  }
}

export const isAlive = (mark: ProcessMark): boolean => markOf(mark.pid)?.began === mark.began

function signal({ pid }: ProcessMark, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function gone(mark: ProcessMark, within_ms: number): Promise<boolean> {
  const deadline_ms = performance.now() + within_ms
  while (isAlive(mark)) {
    if (performance.now() > deadline_ms) return false
    await sleep(20)
  }
  return true
}

/** Ends a process, asking first. Does nothing when it is gone, or another has its number. */
export async function endProcess(mark: ProcessMark, grace_ms: number): Promise<void> {
  if (!isAlive(mark)) return
  signal(mark, 'SIGTERM')
  if (await gone(mark, grace_ms)) return
  signal(mark, 'SIGKILL')
  await gone(mark, 5000)
}
