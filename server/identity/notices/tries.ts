import type { Clock } from '#server/kernel/clock.ts'
import type { GatheredTries } from './ports.ts'

/** Told of tries to sign in that fail. Neither waits nor fails, and does the same for names that nobody has. */
export interface TryWatch {
  failed(whose: GatheredTries['whose'], method: string, address: string): void
  /** The password was right and the code is missing or wrong: its person may be typing it. */
  half(accountId: string, method: string, address: string): void
  /** Somebody proved who they are: what was half done from there was theirs. */
  proved(accountId: string, address: string): void
}

export interface GatheringParts {
  readonly clock: Pick<Clock, 'now_ms'>
  readonly write: (tries: readonly GatheredTries[]) => Promise<void>
  /** Told when tries could not be written. */
  readonly onFault: (error: Error) => void
}

export interface GatheredWatch extends TryWatch {
  /** Writes what was gathered; of this account also what is half done. */
  flush(accountId?: string): Promise<void>
  close(): Promise<void>
}

const GATHER_MS = 1_000
/** For so long somebody may look for their device. */
const HALF_MS = 5 * 60_000
/** Names, and accounts with something half done, at one time: of more nothing is known before these are written. */
const MOST = 1_000
const ADDRESSES = 8

interface Heap {
  readonly whose: GatheredTries['whose']
  readonly first_ms: number
  times: number
  last_ms: number
  readonly addresses: Set<string>
  readonly methods: Set<string>
}

interface Half extends Heap {
  readonly accountId: string
}

const newHeap = (whose: GatheredTries['whose'], now_ms: number): Heap => ({
  ...{ whose, first_ms: now_ms, last_ms: now_ms, times: 0, addresses: new Set(), methods: new Set() },
})

function add(heap: Heap, method: string, address: string, now_ms: number): void {
  heap.times += 1
  heap.last_ms = now_ms
  if (heap.addresses.size < ADDRESSES) heap.addresses.add(address)
  heap.methods.add(method)
}

const gathered = (kind: GatheredTries['kind'], { addresses, methods, ...heap }: Heap): GatheredTries => ({
  ...{ ...heap, kind, addresses: [...addresses], methods: [...methods] },
})

/** Tries in memory, which go to the store together: a storm of them is one row, and one statement a second. */
export function gatherTries({ clock, write, onFault }: GatheringParts): GatheredWatch {
  let failed = new Map<string, Heap>()
  const halves = new Map<string, Half>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const later = () => {
    timer ??= setTimeout(() => void flush(), GATHER_MS).unref()
  }

  const keyOf = (whose: GatheredTries['whose']) => ('id' in whose ? `id ${whose.id}` : `name ${whose.name}`)

  /** Those of which nobody has made something whole, and nobody will. */
  function takeHalves(accountId: string | undefined): Half[] {
    const due_ms = clock.now_ms() - HALF_MS
    const due = [...halves].filter(([, half]) => half.accountId === accountId || half.last_ms <= due_ms)
    for (const [key] of due) halves.delete(key)
    return due.map(([, half]) => half)
  }

  function flush(accountId?: string): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const tries = [
      ...[...failed.values()].map((heap) => gathered('sign-in.failed', heap)),
      ...takeHalves(accountId).map(({ accountId: _, ...half }) => gathered('sign-in.half', half)),
    ]
    failed = new Map()
    if (halves.size > 0) later()
    if (tries.length > 0) writing = writing.then(() => write(tries)).catch(onFault)
    return writing
  }

  return {
    failed(whose, method, address) {
      // As the limit counts them.
      const held = 'name' in whose ? { name: whose.name.toLowerCase() } : whose
      const key = keyOf(held)
      const heap = failed.get(key) ?? (failed.size < MOST ? newHeap(held, clock.now_ms()) : undefined)
      if (!heap) return
      failed.set(key, heap)
      add(heap, method, address, clock.now_ms())
      later()
    },
    half(accountId, method, address) {
      const key = `${accountId} ${address}`
      const held = halves.get(key)
      if (!held && halves.size >= MOST) return
      const half = held ?? { ...newHeap({ id: accountId }, clock.now_ms()), accountId }
      halves.set(key, half)
      add(half, method, address, clock.now_ms())
      later()
    },
    proved(accountId, address) {
      halves.delete(`${accountId} ${address}`)
    },
    flush,
    async close() {
      clearTimeout(timer)
      await flush()
      clearTimeout(timer)
    },
  }
}
