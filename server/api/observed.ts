import type { State } from '#server/contract/networks.ts'
import type { Fleet } from '#server/datapath/fleet.ts'
import type { Capability, ObjectState, Observation } from '#server/engine/capability.ts'
import type { Composed } from '#server/engine/change/compose.ts'
import type { GrantStore, IntentSnapshot, IntentSource } from '#server/engine/change/ports.ts'
import { compileAll } from '#server/engine/change/propose.ts'
import { type Scope, seesAll } from '#server/inventory/database.ts'
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
  /** Packets with a source that is not their port's own, over all ports of the scope. */
  spoofedTotal(scope: Scope): Promise<bigint>
  /** Something moved: whoever asks next gets a new picture. */
  forget(): void
}

const AGE_MS = 1000
const READ_AGE_MS = 5000
const UNKNOWN: State = { state: 'pending', words: 'Not read yet.' }

/** Where the spoofed packets of a port are counted. */
interface Drop {
  readonly datapathId: string
  readonly key: string
}

interface Picture {
  /** Changes when what is compiled may. */
  readonly of: string
  readonly snapshot: IntentSnapshot
  /** By port, as `port/id`. */
  readonly drops: ReadonlyMap<string, Drop>
}

function spoofDrops(composed: ReadonlyMap<string, Composed>): Map<string, Drop> {
  const drops = new Map<string, Drop>()
  for (const [datapathId, { origins }] of composed)
    for (const [key, { because, counts }] of origins)
      if (counts === 'spoofed' && because[0] !== undefined) drops.set(because[0], { datapathId, key })
  return drops
}

/** The facts move without a new revision of intent: a switch that connects says which number each port has. */
const versionOf = ({ revision, facts: { infrastructure } }: IntentSnapshot): string =>
  JSON.stringify([
    ...[String(revision), [...infrastructure.servers.values()]],
    ...[[...infrastructure.datapaths.values()], [...infrastructure.attachments.values()]],
  ])

/** The tenant of each object that has or is in one, as `kind/id`. */
function ownersOf({ rows }: IntentSnapshot): (ref: string) => string | undefined {
  type Owned = { readonly tenantId?: string; readonly networkId?: string }
  const values = new Map(rows.map(({ kind, id, value }) => [`${kind}/${id}`, value as Owned]))
  const owner = (ref: string): string | undefined => {
    const { tenantId, networkId } = values.get(ref) ?? {}
    return tenantId ?? (networkId === undefined ? undefined : values.get(`network/${networkId}`)?.tenantId)
  }
  return owner
}

const stateOf = (found: ObjectState | undefined): State =>
  found ? { state: found.state, words: found.words } : UNKNOWN

/** Work that callers at one time share, and whose result is good for a moment. */
function sharedLook(clock: Clock, look: () => Promise<void>) {
  let at_ms = Number.NEGATIVE_INFINITY
  let asked = 0
  let running: { readonly since: number; readonly work: Promise<void> } | undefined
  const run = async (since: number) => {
    try {
      await look()
      if (since === asked) at_ms = clock.monotonic_ms()
    } finally {
      running = undefined
    }
  }
  return {
    async refresh() {
      if (clock.monotonic_ms() - at_ms <= AGE_MS) return
      // One that began before something moved may not have seen it.
      if (running && running.since !== asked) await running.work.catch(() => {})
      running ??= { since: asked, work: run(asked) }
      await running.work
    },
    forget() {
      asked += 1
      at_ms = Number.NEGATIVE_INFINITY
    },
  }
}

/** Joins intent, what it compiles to, and what the datapaths say. */
export function observing(parts: ObservedParts): Observing {
  const { capabilities, clock, fleet } = parts
  let picture: Picture | undefined
  let states = new Map<string, ObjectState>()
  let counts: ReadonlyMap<string, bigint> | undefined

  const compile = async (): Promise<Picture> => {
    const snapshot = await parts.intent.snapshot()
    const of = versionOf(snapshot)
    if (picture?.of === of) return picture
    const granted = new Map((await parts.grants.granted()).map(({ key, number }) => [key, number]))
    const { composed } = compileAll(capabilities, snapshot, granted)
    return { of, snapshot, drops: spoofDrops(composed) }
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

  const count = async ({ drops }: Picture): Promise<void> => {
    const wanted = [...new Set([...drops.values()].map(({ datapathId }) => datapathId))]
    const read = async (id: string) => [id, await fleet.reading(id, READ_AGE_MS)] as const
    const readings = new Map(await Promise.all(wanted.map(read)))
    const seen = [...drops].flatMap(([port, { datapathId, key }]): [string, bigint][] => {
      const counters = readings.get(datapathId)?.held.counters.get(key)
      return counters ? [[port, counters.packets]] : []
    })
    counts = new Map(seen)
  }

  const look = async (): Promise<void> => {
    const now = await compile()
    picture = now
    states = judge(now)
    const counted = count(now)
    // Counters may come a moment late, except for the first who asks.
    if (!counts) await counted
  }
  const { refresh, forget } = sharedLook(clock, look)
  const after =
    <A extends unknown[], T>(read: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      await refresh()
      return read(...args)
    }

  return {
    forget,
    fresh: (views) => ({
      ...views,
      networks: after(views.networks),
      network: after(views.network),
      ports: after(views.ports),
      port: after(views.port),
    }),
    networkState: (id) => stateOf(states.get(`network/${id}`)),
    portState: (id) => stateOf(states.get(`port/${id}`)),
    spoofed: (id) => counts?.get(`port/${id}`)?.toString() ?? null,
    async spoofedTotal(scope) {
      await refresh()
      const owner = seesAll(scope) || !picture ? undefined : ownersOf(picture.snapshot)
      const own = [...(counts ?? [])].filter(([port]) => owner === undefined || owner(port) === scope.tenantId)
      return own.reduce((sum, [, packets]) => sum + packets, 0n)
    },
  }
}
