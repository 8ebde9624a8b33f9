import type { EventMessage } from '#server/contract/overview.ts'
import type { Right } from '#server/contract/rights.ts'
import type { Whose } from '#server/identity/ports.ts'
import { type Clock, systemClock } from '#server/kernel/clock.ts'

/** Something moved: what, and whose it is. */
export interface Event {
  readonly topic: Exclude<EventMessage['topic'], 'resync'>
  /** What happened to it, such as `created`, `updated`, `removed`, `progress`. */
  readonly kind: string
  /** The id of what moved. */
  readonly ref: string
  readonly revision?: number
  /** Whose it is; null: nobody's, seen by those who see all tenants alone. */
  readonly tenantId: string | null
  /** Of hardware: the site where it stands, where that is known. */
  readonly siteId?: string | undefined
  /** Of one person's own: nobody else hears of it, whatever their rights. */
  readonly accountId?: string
}

/** Who listens: rights and tenant decide what reaches them, beside what is their own. */
export interface Listener {
  readonly accountId: string
  readonly rights: ReadonlySet<Right>
  readonly scope: Whose
  take(message: EventMessage): void
}

export interface EventBus {
  publish(event: Event): void
  /**
   * Sends what comes from now on; first what was missed since `lastId`, or one `resync` when that is no longer kept.
   * Answers what ends it.
   */
  subscribe(listener: Listener, lastId?: string): () => void
  readonly listeners: number
}

export interface EventBusOptions {
  readonly clock?: Clock
  /** How long a message can be replayed. */
  readonly kept_ms?: number
  /** How many at most. */
  readonly kept?: number
  /** Told apart after a restart, so that old ids are known to be old. */
  readonly epoch: string
}

const RIGHT_OF: Readonly<Record<Exclude<Event['topic'], 'notice'>, Right>> = {
  network: 'network.read',
  change: 'change.read',
  task: 'task.read',
  datapath: 'datapath.read',
  inventory: 'inventory.read',
  tenant: 'tenant.read',
  audit: 'audit.read',
  provider: 'provider.read',
  console: 'console.read',
  alert: 'audit.read',
}

// Whoever works at a site hears of hardware alone, as their rights have it, and of single things where these stand there.
const reaches = (event: Event, { accountId, rights, scope }: Listener): boolean => {
  if (event.topic === 'notice') return event.accountId === accountId
  if (!rights.has(RIGHT_OF[event.topic])) return false
  if (scope.siteId) return event.tenantId === null && (event.ref === '' || event.siteId === scope.siteId)
  return scope.tenantId === null || scope.tenantId === event.tenantId
}

interface Kept {
  readonly number: number
  readonly at_ms: number
  readonly event: Event
  readonly message: EventMessage
}

/** An event bus in memory. `/events` and the command line listen; whoever writes publishes. */
export function eventBus({ clock = systemClock, kept_ms = 600_000, kept = 10_000, epoch }: EventBusOptions): EventBus {
  const listeners = new Set<Listener>()
  let ring: Kept[] = []
  let last = 0
  const messageOf = (number: number, { topic, kind, ref, revision }: Event): EventMessage => ({
    ...{ id: `${epoch}-${number}`, at: new Date(clock.now_ms()).toISOString() },
    ...{ topic, kind, ref, revision: revision ?? null },
  })
  const forget = () => {
    const oldest_ms = clock.monotonic_ms() - kept_ms
    const first = ring.findIndex(({ at_ms }) => at_ms >= oldest_ms)
    ring = first < 0 ? [] : ring.slice(Math.max(first, ring.length - kept))
  }
  /** The number after which to replay; undefined when something in between is gone. */
  const since = (lastId: string): number | undefined => {
    const [, of, number] = /^(.+)-(\d+)$/.exec(lastId) ?? []
    const seen = Number(number)
    const first = ring[0]?.number ?? last + 1
    return of === epoch && seen <= last && seen >= first - 1 ? seen : undefined
  }
  const replay = (listener: Listener, lastId: string) => {
    forget()
    const seen = since(lastId)
    if (seen === undefined) {
      const at = new Date(clock.now_ms()).toISOString()
      listener.take({ id: `${epoch}-${last}`, at, topic: 'resync', kind: 'resync', ref: '', revision: null })
      return
    }
    for (const { number, event, message } of ring) if (number > seen && reaches(event, listener)) listener.take(message)
  }
  return {
    publish(event) {
      last += 1
      const message = messageOf(last, event)
      ring.push({ number: last, at_ms: clock.monotonic_ms(), event, message })
      // Now and then is enough: a ring a little too long costs memory, not correctness.
      if (ring.length > kept * 1.1 || last % 256 === 0) forget()
      for (const listener of listeners) if (reaches(event, listener)) listener.take(message)
    },
    subscribe(listener, lastId) {
      if (lastId !== undefined) replay(listener, lastId)
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    get listeners() {
      return listeners.size
    },
  }
}
