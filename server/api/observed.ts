import type { State } from '#server/contract/networks.ts'
import type { Fleet } from '#server/datapath/fleet.ts'
import type { Capability, ObjectState, Observation } from '#server/engine/capability.ts'
import type { Composed } from '#server/engine/change/compose.ts'
import type { GrantStore, IntentSnapshot, IntentSource } from '#server/engine/change/ports.ts'
import { compileAll } from '#server/engine/change/propose.ts'
import type { NetworkViews } from '#server/inventory/views.ts'
import type { Clock } from '#server/kernel/clock.ts'
import type { Condition } from './datapaths.ts'
import type { Observed } from './intent.ts'

export interface ObservedParts {
  readonly capabilities: readonly Capability[]
  readonly intent: IntentSource
  readonly grants: GrantStore
  readonly fleet: Fleet
  readonly condition: (datapathId: string) => Condition
  readonly clock: Clock
}

/** What was observed, kept for a moment, so that a page of a thousand ports costs one look. */
export interface Observing extends Observed {
  /** The same views, each read after the picture was brought up to date. */
  fresh(views: NetworkViews): NetworkViews
  /** Whether an entry counts packets with a spoofed source. */
  isSpoofDrop(entryKey: string): boolean
}

const AGE_MS = 1000
const READ_AGE_MS = 5000
const UNKNOWN: State = { state: 'pending', words: 'Not read yet.' }

interface Picture {
  readonly revision: bigint
  readonly snapshot: IntentSnapshot
  readonly composed: ReadonlyMap<string, Composed>
}

/** By port: the datapath and the entry that counts its spoofed packets. */
function spoofDrops(composed: ReadonlyMap<string, Composed>): Map<string, { datapathId: string; key: string }> {
  const drops = new Map<string, { datapathId: string; key: string }>()
  for (const [datapathId, { origins }] of composed)
    for (const [key, { because, counts }] of origins)
      if (counts === 'spoofed' && because[0] !== undefined) drops.set(because[0], { datapathId, key })
  return drops
}

const stateOf = (found: ObjectState | undefined): State =>
  found ? { state: found.state, words: found.words } : UNKNOWN

/** Joins intent, what it compiles to, and what the datapaths say. */
export function observing(parts: ObservedParts): Observing {
  const { capabilities, clock, fleet } = parts
  let picture: Picture | undefined
  let drops = new Map<string, { datapathId: string; key: string }>()
  let states = new Map<string, ObjectState>()
  let counts = new Map<string, bigint>()
  let at_ms = Number.NEGATIVE_INFINITY
  let running: Promise<void> | undefined

  const compile = async (): Promise<Picture> => {
    const snapshot = await parts.intent.snapshot()
    if (picture?.revision === snapshot.revision) return picture
    const granted = new Map((await parts.grants.granted()).map(({ key, number }) => [key, number]))
    const { composed } = compileAll(capabilities, snapshot, granted)
    drops = spoofDrops(composed)
    return { revision: snapshot.revision, snapshot, composed }
  }

  const judge = ({ snapshot }: Picture): Map<string, ObjectState> => {
    const ids = [...snapshot.facts.infrastructure.datapaths.keys()]
    const observed: Observation = { datapaths: new Map(ids.map((id) => [id, parts.condition(id).state])) }
    const all = capabilities.flatMap((capability) => {
      const rows = snapshot.rows.filter(({ kind }) => capability.kinds.includes(kind))
      return capability.status(capability.model(rows), snapshot.facts, observed)
    })
    return new Map(all.map((one) => [one.subject, one]))
  }

  const count = async (): Promise<Map<string, bigint>> => {
    const wanted = [...new Set([...drops.values()].map(({ datapathId }) => datapathId))]
    const readings = new Map(
      await Promise.all(
        wanted.map(async (id) => [id, await fleet.reading(id, READ_AGE_MS).catch(() => undefined)] as const),
      ),
    )
    return new Map(
      [...drops].flatMap(([port, { datapathId, key }]): [string, bigint][] => {
        const seen = readings.get(datapathId)?.held.counters.get(key)
        return seen ? [[port, seen.packets]] : []
      }),
    )
  }

  const look = async (): Promise<void> => {
    try {
      picture = await compile()
      states = judge(picture)
      counts = await count()
      at_ms = clock.monotonic_ms()
    } finally {
      running = undefined
    }
  }

  /** Brings it up to date when it is older than a moment; callers at one time share the work. */
  const refresh = async (): Promise<void> => {
    if (clock.monotonic_ms() - at_ms <= AGE_MS) return
    running ??= look()
    await running
  }
  const after =
    <A extends unknown[], T>(read: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      await refresh()
      return read(...args)
    }

  return {
    fresh: (views) => ({
      ...views,
      networks: after(views.networks),
      network: after(views.network),
      ports: after(views.ports),
      port: after(views.port),
    }),
    networkState: (id) => stateOf(states.get(`network/${id}`)),
    portState: (id) => stateOf(states.get(`port/${id}`)),
    spoofed: (id) => counts.get(`port/${id}`)?.toString() ?? null,
    isSpoofDrop: (key) => [...drops.values()].some((one) => one.key === key),
  }
}
