import type { Task } from '#server/contract/changes.ts'
import type { Datapath, DatapathPort, HeldEntry } from '#server/contract/datapaths.ts'
import type { Fleet } from '#server/datapath/fleet.ts'
import type { ComposedTable } from '#server/engine/change/compose.ts'
import type { ProgramStore, Provenance, ProvenanceStore } from '#server/engine/change/ports.ts'
import { dumpNotation, entryNotation, groupNotation } from '#server/engine/program/notation.ts'
import { type Difference, EMPTY_PROGRAM, type Program } from '#server/engine/program/program.ts'
import type { ChangeStore } from '#server/inventory/changes.ts'
import { EVERYTHING, type Scope } from '#server/inventory/database.ts'
import type { DatapathRecord } from '#server/inventory/facts.ts'
import type { Label } from '#server/inventory/labels.ts'
import { notFound } from '#server/kernel/refusal.ts'
import { api } from './door.ts'
import { heldEntry, type Place, places, provenanceOf, tablesOf } from './held.ts'

/** Where a datapath stands, as reconciling sees it. */
export interface Condition {
  readonly state: Datapath['state']
  /** What leads from what it holds to what is wanted; absent: it holds all of it and nothing else. */
  readonly drift: Difference | undefined
  readonly driftSince_ms: number | null
}

export interface DatapathParts {
  readonly fleet: Fleet
  readonly programs: ProgramStore
  readonly provenance: ProvenanceStore
  readonly changes: ChangeStore
  readonly records: () => Promise<readonly DatapathRecord[]>
  readonly tables: ReadonlyMap<string, ComposedTable>
  readonly condition: (datapathId: string) => Condition
  readonly labels: (scope: Scope, refs: Iterable<string>) => Promise<ReadonlyMap<string, Label>>
  /** Names of attachments by the port that they are, on one datapath. */
  readonly attachments: (datapathId: string) => Promise<ReadonlyMap<string, string>>
  readonly readNow: (datapathId: string) => Promise<void>
  readonly repair: (datapathId: string, name: string) => Promise<Task>
}

const READ_AGE_MS = 1500

const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

async function wantedOf(parts: DatapathParts, id: string): Promise<Program> {
  return (await parts.programs.committed([id])).get(id)?.program ?? EMPTY_PROGRAM
}

async function recordOf(parts: DatapathParts, id: string): Promise<DatapathRecord> {
  const record = (await parts.records()).find((one) => one.id === id)
  if (!record) throw notFound('datapath')
  return record
}

/** One datapath in the shape of the API. */
export async function viewDatapath(parts: DatapathParts, record: DatapathRecord): Promise<Datapath> {
  const { id, name, serverId, serverName, siteName, nic, role, datapathId, bridge } = record
  const { connected, since_ms, reason, description } = parts.fleet.connection(id)
  const said = description ?? record.description
  const condition = parts.condition(id)
  const wanted = await wantedOf(parts, id)
  const drift = condition.drift
  const lacking = drift?.entries.filter(({ after }) => after !== undefined).length ?? 0
  const last = connected ? await parts.fleet.reading(id, 60_000).catch(() => undefined) : undefined
  return {
    ...{ id, name, serverId, serverName, siteName, nic, role, datapathId, bridge, connected, reason },
    ...{ product: said?.product ?? null, protocol: said?.protocol ?? null, features: [...(said?.features ?? [])] },
    ...{ connectedSince: connected ? time(since_ms) : null, tables: said?.tables ?? null, state: condition.state },
    ...{ wanted: wanted.entries.size, held: wanted.entries.size - lacking, groups: wanted.groups.size },
    ...{ drift: (drift?.entries.length ?? 0) + (drift?.groups.length ?? 0), readAt: time(last?.readAt_ms ?? null) },
  }
}

/** The places of a datapath, read at most a moment ago; without counters where it is away. */
async function placesOf(parts: DatapathParts, id: string): Promise<{ all: Place[]; readAt: string | null }> {
  const [reading, wanted] = await Promise.all([parts.fleet.reading(id, READ_AGE_MS), wantedOf(parts, id)])
  return { all: places(reading?.held, wanted), readAt: time(reading?.readAt_ms ?? null) }
}

type Because = HeldEntry['because']

/** What a block needs to lead packets on is there for nobody alone. */
const pipelineLabel = (subject: string) =>
  subject.startsWith('block/') ? { kind: 'pipeline', id: null, name: 'pipeline' } : undefined

/** Why entries are there, the most specific intent of each. */
async function becauseOf(
  parts: DatapathParts,
  scope: Scope,
  shown: readonly Place[],
): Promise<ReadonlyMap<string, Because>> {
  const rows = await parts.provenance.look([...new Set(shown.map(({ entry }) => provenanceOf(entry)))])
  const first = (place: Place): string | undefined => rows.get(provenanceOf(place.entry))?.because[0]
  const names = await parts.labels(
    scope,
    shown.flatMap((place) => first(place) ?? []),
  )
  return new Map(
    shown.map((place) => {
      const subject = first(place)
      const label = subject === undefined ? undefined : (names.get(subject) ?? pipelineLabel(subject))
      return [place.entry.key, subject && label ? { subject, kind: label.kind, id: label.id, name: label.name } : null]
    }),
  )
}

const contains = (place: Place, text: string): boolean => entryNotation(place.entry).includes(text)

/** `filter` for entries: `text:contains:…`, `state:eq:…`. */
function filtered(all: readonly Place[], filter: string | string[] | undefined): Place[] {
  const filters = (filter === undefined ? [] : [filter].flat()).map((one) => one.split(':'))
  return all.filter((place) =>
    filters.every(([field, , ...value]) =>
      field === 'state' ? place.state === value.join(':') : contains(place, value.join(':')),
    ),
  )
}

async function entriesOf(
  parts: DatapathParts,
  scope: Scope,
  input: {
    id: string
    table?: number | undefined
    filter?: string | string[] | undefined
    limit: number
    cursor?: string | undefined
  },
) {
  await recordOf(parts, input.id)
  const { all, readAt } = await placesOf(parts, input.id)
  const found = filtered(all, input.filter).filter(
    ({ entry }) => input.table === undefined || entry.table === input.table,
  )
  const from = input.cursor === undefined ? 0 : found.findIndex(({ entry }) => entry.key > (input.cursor as string))
  const shown = from < 0 ? [] : found.slice(from, from + input.limit)
  const because = await becauseOf(parts, scope, shown)
  const last = shown.at(-1)?.entry.key
  const more = from >= 0 && from + shown.length < found.length
  return {
    items: shown.map((place) => heldEntry(place, because.get(place.entry.key) ?? null)),
    next: more && last !== undefined ? last : null,
    ...{ readAt, total: found.length },
  }
}

async function storyOf(parts: DatapathParts, scope: Scope, row: Provenance | undefined) {
  if (!row) return { intents: [], change: null, person: null }
  const names = await parts.labels(scope, row.because)
  const intents = row.because.flatMap((ref) => names.get(ref) ?? [])
  const change = await parts.changes.get(EVERYTHING, row.change).catch(() => undefined)
  if (!change) return { intents, change: null, person: null }
  const { id, name, title, finishedAt, settled_ms, actor, actorRole, reason } = change
  return {
    intents,
    change: { id, name, title, committedAt: finishedAt, settled_ms },
    person: { name: actor, role: actorRole, reason },
  }
}

async function whyOf(parts: DatapathParts, scope: Scope, id: string, key: string) {
  await recordOf(parts, id)
  const place = (await placesOf(parts, id)).all.find(({ entry }) => entry.key === key)
  if (!place) throw notFound('entry')
  const number = provenanceOf(place.entry)
  const story = await storyOf(parts, scope, (await parts.provenance.look([number])).get(number))
  const because = (await becauseOf(parts, scope, [place])).get(key) ?? null
  return { entry: heldEntry(place, because), text: dumpNotation(place.entry), ...story }
}

async function portsOf(parts: DatapathParts, id: string): Promise<DatapathPort[]> {
  const record = await recordOf(parts, id)
  const driver = parts.fleet.driver(id)
  const said = parts.fleet.connection(id).description ?? record.description
  const counters = new Map(driver?.connected ? (await driver.portCounters()).map((one) => [one.port, one]) : [])
  const attachments = await parts.attachments(id)
  return (said?.ports ?? []).map(({ port, name, mac, up }) => {
    const of = counters.get(port)
    const count = (value: bigint | undefined) => (value ?? 0n).toString()
    return {
      ...{ port, name, mac, up: up && driver?.connected === true, attachment: attachments.get(name) ?? null },
      ...{ rxPackets: count(of?.rxPackets), txPackets: count(of?.txPackets) },
      ...{ rxBytes: count(of?.rxBytes), txBytes: count(of?.txBytes) },
    }
  })
}

function driftLines(drift: Difference | undefined) {
  if (!drift) return []
  const line = (held: string | null, wanted: string | null) => {
    const kind: 'foreign' | 'missing' | 'differs' = held === null ? 'missing' : wanted === null ? 'foreign' : 'differs'
    return { kind, held, wanted }
  }
  return [
    ...drift.entries.map(({ before, after }) =>
      line(before ? entryNotation(before) : null, after ? entryNotation(after) : null),
    ),
    ...drift.groups.map(({ before, after }) =>
      line(before ? groupNotation(before) : null, after ? groupNotation(after) : null),
    ),
  ]
}

/** Datapaths: connection, pipeline, entries with counters and reasons, drift. */
export function datapathHandlers(parts: DatapathParts) {
  const view = async (id: string) => viewDatapath(parts, await recordOf(parts, id))
  return {
    list: api.datapaths.list.handler(async () => {
      const records = await parts.records()
      return { items: await Promise.all(records.map((record) => viewDatapath(parts, record))), next: null }
    }),
    get: api.datapaths.get.handler(({ input }) => view(input.id)),
    tables: api.datapaths.tables.handler(async ({ input }) => {
      const record = await recordOf(parts, input.id)
      const { all, readAt } = await placesOf(parts, input.id)
      const used = new Set(all.map(({ entry }) => entry.table))
      const tables = [...parts.tables.values()].filter(({ table }) => used.has(table))
      const said = parts.fleet.connection(input.id).description ?? record.description
      return { readAt, tables: tablesOf(all, tables, said?.tableDefault ?? null) }
    }),
    entries: api.datapaths.entries.handler(({ input, context }) =>
      entriesOf(parts, { tenantId: context.tenantId }, input),
    ),
    why: api.datapaths.why.handler(({ input, context }) =>
      whyOf(parts, { tenantId: context.tenantId }, input.id, input.key),
    ),
    ports: api.datapaths.ports.handler(async ({ input }) => ({ items: await portsOf(parts, input.id) })),
    drift: api.datapaths.drift.handler(async ({ input }) => {
      await recordOf(parts, input.id)
      const { drift, driftSince_ms } = parts.condition(input.id)
      return { since: time(driftSince_ms), items: driftLines(drift).slice(0, 500) }
    }),
    read: api.datapaths.read.handler(async ({ input }) => {
      await recordOf(parts, input.id)
      await parts.readNow(input.id)
      return view(input.id)
    }),
    repair: api.datapaths.repair.handler(async ({ input, context }) => {
      const { name } = await recordOf(parts, input.id)
      context.note.subject = `datapath/${input.id}`
      context.note.detail = `repair of ${name}`
      return parts.repair(input.id, name)
    }),
  }
}
