import { type Driver, DriverError, type Staged } from '#server/datapath/driver.ts'
import { type Difference, isEmptyDifference } from '../program/program.ts'
import { unlessAborted, within } from './deadline.ts'
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
  /** Throws `DriverError`. */
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

/** Differences of the waves, by datapath. */
export type Parts = ReadonlyMap<string, readonly Difference[]>

interface Store {
  readonly change: string
  readonly ports: RunPorts
  readonly tell: Tell
  readonly kept: Map<Item, Kept>
  /** Nothing is kept any more: what is staged late is discarded. */
  over: boolean
}

function itemsOf(parts: Parts): Item[] {
  return [...parts].flatMap(([datapathId, waves]) =>
    waves.flatMap((difference, wave) => (isEmptyDifference(difference) ? [] : [{ wave, datapathId, difference }])),
  )
}

/** A staged part dies by itself: a device that cannot be told now loses nothing. */
async function discard({ ports }: Store, { driver, datapathId, staged }: Kept): Promise<void> {
  const { timer, limits } = ports
  await within(timer, datapathId, limits.look_ms, 'stalled', () => driver.discard(staged)).catch(() => {})
}

async function stage(store: Store, item: Item): Promise<void> {
  const { change, ports, tell } = store
  const { timer, limits } = ports
  const { datapathId, wave, difference } = item
  const driver = connected(ports, datapathId)
  const begun_ms = timer.monotonic_ms()
  tell({ type: 'datapath', datapathId, wave, step: 'staging' })
  await within(timer, datapathId, limits.stage_ms, 'stalled', async () => {
    const staged = await driver.stage({ change, difference }, limits.stage_ms)
    const one = { driver, datapathId, staged, at_ms: timer.monotonic_ms() }
    if (store.over) await discard(store, one)
    else store.kept.set(item, one)
  })
  tell({ type: 'datapath', datapathId, wave, step: 'staged', took_ms: timer.monotonic_ms() - begun_ms })
}

function isFresh({ kept, ports }: Store, item: Item): boolean {
  const one = kept.get(item)
  return one !== undefined && ports.timer.monotonic_ms() - one.at_ms < ports.limits.staged_ms
}

async function stageAgain(store: Store, item: Item): Promise<void> {
  const one = store.kept.get(item)
  store.kept.delete(item)
  if (one) await discard(store, one)
  await stage(store, item)
}

async function commit({ kept, ports }: Store, item: Item): Promise<void> {
  const { datapathId } = item
  const { commit_ms } = ports.limits
  const one = kept.get(item)
  kept.delete(item)
  if (!one) throw new DriverError('away', datapathId, 'the connection was lost before the commit was sent')
  await within(ports.timer, datapathId, commit_ms, 'unknown', () => one.driver.commit(one.staged, commit_ms))
}

export function createStaging(change: string, parts: Parts, ports: RunPorts, tell: Tell): Staging {
  const items = itemsOf(parts)
  const store: Store = { change, ports, tell, kept: new Map(), over: false }
  const forget = ports.datapaths.subscribe((datapathId, event) => {
    if (event.type !== 'disconnected') return
    for (const item of store.kept.keys()) if (item.datapathId === datapathId) store.kept.delete(item)
  })
  const stageDatapath = async (datapathId: string): Promise<void> => {
    for (const item of items) if (item.datapathId === datapathId && !store.over) await stage(store, item)
  }
  return {
    items: (wave) => items.filter((item) => item.wave === wave),
    commit: (item) => commit(store, item),
    async stageAll(signal) {
      await unlessAborted(signal, Promise.all([...parts.keys()].map(stageDatapath)))
    },
    async refresh(wave) {
      const old = items.filter((item) => item.wave === wave && !isFresh(store, item))
      await Promise.all(old.map((item) => stageAgain(store, item)))
    },
    async discardAll() {
      store.over = true
      forget()
      const left = [...store.kept.values()]
      store.kept.clear()
      await Promise.all(left.map((one) => discard(store, one)))
    },
  }
}
