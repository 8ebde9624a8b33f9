import type { Timer } from './ports.ts'

/** When something is to be looked at. A look is never lost: what is asked for during one leads to another. */
export interface Agenda {
  /** Look after so many milliseconds, or earlier where that was asked for. */
  ask(key: string, in_ms: number): void
  /** It moved: look when it is quiet, and at the latest some time after the first move. */
  moved(key: string): void
  /** Resolves when nothing is under way any more. */
  close(): Promise<void>
}

interface Item {
  asked_ms: number
  firstMove_ms: number | undefined
  lastMove_ms: number
  wake: AbortController
  loop: Promise<void> | undefined
}

const NEVER = Number.POSITIVE_INFINITY

export interface Quiet {
  readonly quiet_ms: number
  readonly latest_ms: number
}

const dueAt = ({ asked_ms, firstMove_ms, lastMove_ms }: Item, { quiet_ms, latest_ms }: Quiet): number =>
  firstMove_ms === undefined ? asked_ms : Math.min(asked_ms, firstMove_ms + latest_ms, lastMove_ms + quiet_ms)

/** Calls `look` for one key at a time when it is due. What it throws is its own affair. */
export function createAgenda(timer: Timer, quiet: Quiet, look: (key: string) => Promise<unknown>): Agenda {
  const items = new Map<string, Item>()
  const closing = new AbortController()

  async function loop(key: string, item: Item): Promise<void> {
    for (let due_ms = dueAt(item, quiet); due_ms < NEVER && !closing.signal.aborted; due_ms = dueAt(item, quiet)) {
      const wait_ms = due_ms - timer.monotonic_ms()
      if (wait_ms > 0) {
        item.wake = new AbortController()
        await timer.sleep(wait_ms, AbortSignal.any([item.wake.signal, closing.signal])).catch(() => {})
        continue
      }
      item.asked_ms = NEVER
      item.firstMove_ms = undefined
      await look(key).catch(() => {})
    }
    item.loop = undefined
  }

  function change(key: string, edit: (item: Item) => void): void {
    const fresh = { asked_ms: NEVER, firstMove_ms: undefined, lastMove_ms: 0, wake: new AbortController() }
    const item = items.get(key) ?? { ...fresh, loop: undefined }
    items.set(key, item)
    edit(item)
    item.wake.abort()
    if (!closing.signal.aborted) item.loop ??= Promise.resolve().then(() => loop(key, item))
  }

  return {
    ask(key, in_ms) {
      change(key, (item) => {
        item.asked_ms = Math.min(item.asked_ms, timer.monotonic_ms() + in_ms)
      })
    },
    moved(key) {
      change(key, (item) => {
        item.lastMove_ms = timer.monotonic_ms()
        item.firstMove_ms ??= item.lastMove_ms
      })
    },
    async close() {
      closing.abort(new Error('the engine is stopping'))
      await Promise.all([...items.values()].map((item) => item.loop))
    },
  }
}
