import { type Driver, DriverError, type Staged } from '#server/datapath/driver.ts'
import type { Difference } from '../program/program.ts'
import { isEmptyDifference } from '../program/program.ts'
import { within } from './deadline.ts'
import type { Tell } from './progress.ts'
import { connected, type RunPorts } from './run.ts'

/** One wave's part for one datapath. */
export interface Item {
  readonly wave: number
  readonly datapathId: string
  readonly difference: Difference
}

/** What a change has staged on its datapaths, kept fresh until it is committed or discarded. */
export interface Staging {
  /** Stages all waves, those of one datapath in order. Rejects at the first failure, or when the signal is aborted. */
  stageAll(signal: AbortSignal): Promise<void>
  /** Stages again what is too old, or lost with its connection. */
  refresh(wave: number): Promise<void>
  /** The items of a wave. */
  items(wave: number): readonly Item[]
  commit(item: Item): Promise<void>
  /** Gives up what is staged and not committed. */
  discardAll(): Promise<void>
}

interface Kept {
  readonly driver: Driver
  readonly datapathId: string
  readonly staged: Staged
  readonly at_ms: number
}

type Parts = ReadonlyMap<string, readonly Difference[]>

function itemsOf(parts: Parts): Item[] {
  return [...parts].flatMap(([datapathId, waves]) =>
    waves.flatMap((difference, wave) => (isEmptyDifference(difference) ? [] : [{ wave, datapathId, difference }])),
  )
}

const abortion = (signal: AbortSignal): { promise: Promise<never>; end: () => void } => {
  let end = () => {}
  const promise = new Promise<never>((_, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    end = () => signal.removeEventListener('abort', stop)
  })
  promise.catch(() => {})
  return { promise, end }
}

export function createStaging(change: string, parts: Parts, ports: RunPorts, tell: Tell): Staging {
  const { timer, limits } = ports
  const items = itemsOf(parts)
  const kept = new Map<Item, Kept>()
  let over = false

  const discard = async ({ driver, datapathId, staged }: Kept): Promise<void> => {
    // A staged part dies by itself; a device that cannot be told so now loses nothing.
    await within(timer, datapathId, limits.look_ms, 'stalled', () => driver.discard(staged)).catch(() => {})
  }

  const stage = async (item: Item): Promise<void> => {
    const { datapathId, wave, difference } = item
    const driver = connected(ports, datapathId)
    const begun_ms = timer.monotonic_ms()
    tell({ type: 'datapath', datapathId, wave, step: 'staging' })
    const work = async () => {
      const staged = await driver.stage({ change, difference }, limits.stage_ms)
      const one = { driver, datapathId, staged, at_ms: timer.monotonic_ms() }
      if (over) await discard(one)
      else kept.set(item, one)
    }
    await within(timer, datapathId, limits.stage_ms, 'stalled', work)
    tell({ type: 'datapath', datapathId, wave, step: 'staged', took_ms: timer.monotonic_ms() - begun_ms })
  }

  const forget = ports.datapaths.subscribe((datapathId, event) => {
    if (event.type !== 'disconnected') return
    for (const item of kept.keys()) if (item.datapathId === datapathId) kept.delete(item)
  })

  const stageDatapath = async (datapathId: string): Promise<void> => {
    for (const item of items) if (item.datapathId === datapathId && !over) await stage(item)
  }

  const isFresh = (item: Item): boolean => {
    const one = kept.get(item)
    return one !== undefined && timer.monotonic_ms() - one.at_ms < limits.staged_ms
  }

  return {
    async stageAll(signal) {
      const cancelled = abortion(signal)
      try {
        await Promise.race([Promise.all([...parts.keys()].map(stageDatapath)), cancelled.promise])
      } finally {
        cancelled.end()
      }
    },
    items: (wave) => items.filter((item) => item.wave === wave),
    async refresh(wave) {
      const old = items.filter((item) => item.wave === wave && !isFresh(item))
      await Promise.all(
        old.map(async (item) => {
          const one = kept.get(item)
          kept.delete(item)
          if (one) await discard(one)
          await stage(item)
        }),
      )
    },
    async commit(item) {
      const one = kept.get(item)
      kept.delete(item)
      if (!one) throw new DriverError('away', item.datapathId, 'the connection was lost before the commit was sent')
      await within(timer, item.datapathId, limits.commit_ms, 'unknown', () =>
        one.driver.commit(one.staged, limits.commit_ms),
      )
    },
    async discardAll() {
      over = true
      forget()
      const left = [...kept.values()]
      kept.clear()
      await Promise.all(left.map(discard))
    },
  }
}
