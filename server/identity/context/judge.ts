import type { AccountRecord, FoundSession, Whence } from '../ports.ts'
import { type Idle, sortByContext } from './conditions.ts'
import { minuteOf } from './hours.ts'
import { isTaken, type Signal, signalsOf } from './signals.ts'

/** What is made of somebody in one request. */
export interface InContext {
  /** With the roles that count in it alone. */
  readonly account: AccountRecord
  readonly idle: readonly Idle[]
  readonly signals: readonly Signal[]
}

/** An account as it is in a request. `whence` undefined: nothing is known of that, and no condition of a role holds. */
export function accountIn(
  account: AccountRecord,
  whence: Whence | undefined,
  now_ms: number,
): Pick<InContext, 'account' | 'idle'> {
  const { counting, idle } = sortByContext(account.bindings, whence && { address: whence.address, now_ms })
  return { account: idle.length === 0 ? account : { ...account, bindings: counting }, idle }
}

/** A session as it is in a request; `taken`: it must end. */
export function judge(found: FoundSession, whence: Whence | undefined, now_ms: number) {
  const signals = whence ? signalsOf(found, whence) : []
  return { ...accountIn(found.account, whence, now_ms), signals, taken: isTaken(signals) }
}

interface Judged<T> {
  readonly address: string | undefined
  readonly agent: string | undefined
  readonly minute: number
  readonly made: T
}

/**
 * Judges once for as long as nothing moves that is judged: what was found is the same object until somebody writes it, and
 * within a minute no hours begin or end.
 */
export function judgeOnce<T>(make: (found: FoundSession, whence: Whence | undefined, now_ms: number) => T) {
  const kept = new WeakMap<FoundSession, Judged<T>>()
  return (found: FoundSession, whence: Whence | undefined, now_ms: number): T => {
    const [held, minute] = [kept.get(found), minuteOf(now_ms)]
    const { address, agent } = whence ?? {}
    if (held && held.minute === minute && held.address === address && held.agent === agent) return held.made
    const made = make(found, whence, now_ms)
    kept.set(found, { address, agent, minute, made })
    return made
  }
}
