import type { Task } from '#server/contract/changes.ts'
import type { Datapath, DatapathPort, HeldEntry, Transport as TransportView } from '#server/contract/datapaths.ts'
import type { Transport } from '#server/datapath/connection/transport.ts'
import type { Fleet } from '#server/datapath/fleet.ts'
import type { ComposedTable } from '#server/engine/change/compose.ts'
import type { Condition as Reconciled } from '#server/engine/change/conditions.ts'
import type { ProgramStore, Provenance, ProvenanceStore } from '#server/engine/change/ports.ts'
import { dumpNotation, entryNotation, groupNotation } from '#server/engine/program/notation.ts'
import { type Difference, EMPTY_PROGRAM, type Program } from '#server/engine/program/program.ts'
import type { ChangeStore } from '#server/inventory/changes.ts'
import { EVERYTHING, type Scope } from '#server/inventory/database.ts'
import type { DatapathRecord } from '#server/inventory/facts.ts'
import type { Label } from '#server/inventory/labels.ts'
import type { ListInput } from '#server/inventory/list.ts'
import { notFound, Refusal } from '#server/kernel/refusal.ts'
import { api } from './door.ts'
import { heldEntry, type Place, places, provenanceOf, searchedText, tablesOf } from './held.ts'
import { type Columns, matching, pageFrom } from './select.ts'

/** Where a datapath stands, as reconciling sees it. */
export type Condition = Pick<Reconciled, 'state' | 'drift' | 'driftSince_ms' | 'read_ms'>

export interface DatapathParts {
  readonly fleet: Fleet
  /** How the database of a datapath's switch is connected. */
  readonly database: (datapathId: string) => {
    readonly transport: Transport | undefined
    readonly trouble: string | undefined
  }
  readonly programs: ProgramStore
  readonly provenance: ProvenanceStore
  readonly changes: ChangeStore
  /** The datapaths that a scope runs. */
  readonly records: (scope: Scope) => Promise<readonly DatapathRecord[]>
  readonly tables: ReadonlyMap<string, ComposedTable>
  readonly condition: (datapathId: string) => Condition
  readonly labels: (scope: Scope, refs: Iterable<string>) => Promise<ReadonlyMap<string, Label>>
  /** Names of attachments by the port that they are, on one datapath. */
  readonly attachments: (datapathId: string) => Promise<ReadonlyMap<string, string>>
  readonly readNow: (datapathId: string) => Promise<void>
  readonly repair: (datapathId: string, name: string, siteId: string) => Promise<Task>
}

const READ_AGE_MS = 1500

/** A time as the API writes it. */
export const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

async function wantedOf(parts: DatapathParts, id: string): Promise<Program> {
  return (await parts.programs.committed([id])).get(id)?.program ?? EMPTY_PROGRAM
}

/** When it was last read, by whomever. */
function readAtOf(parts: DatapathParts, id: string): number | null {
  const [read_ms, last] = [parts.condition(id).read_ms, parts.fleet.last(id)]
  return last && last.readAt_ms > (read_ms ?? 0) ? last.readAt_ms : read_ms
}

async function recordOf(parts: DatapathParts, scope: Scope, id: string): Promise<DatapathRecord> {
  const record = (await parts.records(scope)).find((one) => one.id === id)
  if (!record) throw notFound('datapath')
  return record
}

function transportView(transport: Transport | null | undefined): TransportView | null {
  if (!transport) return null
  const { type } = transport
  if (type !== 'tls') return { type, protocol: null, cipher: null, certificateId: null, certificateNotAfter: null }
  const { protocol, cipher, certificateId, notAfter_ms } = transport
  return { type, protocol, cipher, certificateId, certificateNotAfter: time(notAfter_ms) }
}

/** One datapath in the shape of the API. Nothing is read from it for this: a list of a thousand is as quick as one. */
function viewDatapath(parts: DatapathParts, record: DatapathRecord, wanted: Program): Datapath {
  const { id, name, serverId, serverName, siteName, nic, role, datapathId, bridge } = record
  const { connected, since_ms, reason, description, transport } = parts.fleet.connection(id)
  const database = parts.database(id)
  const said = description ?? record.description
  const condition = parts.condition(id)
  const drift = condition.drift
  const lacking = drift?.entries.filter(({ after }) => after !== undefined).length ?? 0
  return {
    ...{ id, name, serverId, serverName, siteName, nic, role, datapathId, bridge, connected, reason },
    ...{ product: said?.product ?? null, protocol: said?.protocol ?? null, features: [...(said?.features ?? [])] },
    ...{ connectedSince: connected ? time(since_ms) : null, tables: said?.tables ?? null, state: condition.state },
    ...{ openflow: transportView(transport), ovsdb: transportView(database.transport) },
    ovsdbTrouble: database.trouble ?? null,
    ...{ wanted: wanted.entries.size, held: wanted.entries.size - lacking, groups: wanted.groups.size },
    ...{ drift: (drift?.entries.length ?? 0) + (drift?.groups.length ?? 0), readAt: time(readAtOf(parts, id)) },
  }
}

/** Datapaths in the shape of the API. */
export async function viewDatapaths(parts: DatapathParts, records: readonly DatapathRecord[]): Promise<Datapath[]> {
  const wanted = await parts.programs.committed(records.map(({ id }) => id))
  return records.map((record) => viewDatapath(parts, record, wanted.get(record.id)?.program ?? EMPTY_PROGRAM))
}

/** The places of a datapath, read at most a moment ago; as they were last where it is away. */
async function placesOf(parts: DatapathParts, id: string): Promise<{ all: readonly Place[]; readAt: string | null }> {
  const [reading, wanted] = await Promise.all([parts.fleet.reading(id, READ_AGE_MS), wantedOf(parts, id)])
  return { all: places(reading?.held, wanted), readAt: time(reading?.readAt_ms ?? null) }
}

type Because = HeldEntry['because']

/** What a block needs to lead packets on is there for nobody alone. */
const pipelineLabel = (subject: string) =>
  subject.startsWith('block/') ? { kind: 'pipeline', id: null, name: 'pipeline' } : undefined

type Rows = ReadonlyMap<bigint, Provenance>

const rowOf = (rows: Rows, { entry }: Place): Provenance | undefined => {
  const number = provenanceOf(entry)
  return number === undefined ? undefined : rows.get(number)
}

/** The rows that the cookies of entries name. */
const provenances = (parts: DatapathParts, shown: readonly Place[]): Promise<Rows> =>
  parts.provenance.look([...new Set(shown.flatMap(({ entry }) => provenanceOf(entry) ?? []))])

/** Why entries are there, the most specific intent of each. */
async function becauseOf(
  parts: DatapathParts,
  scope: Scope,
  shown: readonly Place[],
): Promise<ReadonlyMap<string, Because>> {
  const rows = await provenances(parts, shown)
  const first = (place: Place): string | undefined => rowOf(rows, place)?.because[0]
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

/** By what entries can be filtered: `text:contains:10.0.0.7`, `state:eq:missing`. */
const ENTRY_COLUMNS: Columns<Place> = { state: ({ state }) => state, text: searchedText }

async function entriesOf(
  parts: DatapathParts,
  scope: Scope,
  input: ListInput & { readonly id: string; readonly table?: number | undefined },
) {
  await recordOf(parts, scope, input.id)
  if (input.sort !== undefined) throw unsorted()
  const { all, readAt } = await placesOf(parts, input.id)
  const inTable = input.table === undefined ? all : all.filter(({ entry }) => entry.table === input.table)
  const found = matching(inTable, input.filter, ENTRY_COLUMNS)
  const { cursor } = input
  const from = cursor === undefined ? 0 : found.findIndex(({ entry }) => entry.key > cursor)
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

const unsorted = (): Refusal => {
  const message = 'Entries are in the order of tables, priorities and matches.'
  return new Refusal('malformed', message, [
    { pointer: '/sort', rule: 'list.field', message, mend: 'Leave `sort` out.' },
  ])
}

async function storyOf(parts: DatapathParts, scope: Scope, row: Provenance | undefined) {
  if (!row) return { intents: [], change: null, person: null }
  const names = await parts.labels(scope, row.because)
  const intents = row.because.flatMap((ref) => names.get(ref) ?? [])
  // As with names: who wanted what is told to those who see it, and those who run a site see no changes.
  const change = scope.siteId ? undefined : await parts.changes.get(EVERYTHING, row.change).catch(() => undefined)
  if (!change) return { intents, change: null, person: null }
  const { id, name, title, finishedAt, settled_ms, actor, actorRole, reason } = change
  return {
    intents,
    change: { id, name, title, committedAt: finishedAt, settled_ms },
    person: { name: actor, role: actorRole, reason },
  }
}

async function whyOf(parts: DatapathParts, scope: Scope, id: string, key: string) {
  await recordOf(parts, scope, id)
  const place = (await placesOf(parts, id)).all.find(({ entry }) => entry.key === key)
  if (!place) throw notFound('entry')
  const story = await storyOf(parts, scope, rowOf(await provenances(parts, [place]), place))
  const because = (await becauseOf(parts, scope, [place])).get(key) ?? null
  return { entry: heldEntry(place, because), text: dumpNotation(place.entry), ...story }
}

async function portsOf(parts: DatapathParts, scope: Scope, id: string): Promise<DatapathPort[]> {
  const record = await recordOf(parts, scope, id)
  const driver = parts.fleet.driver(id)
  const said = parts.fleet.connection(id).description ?? record.description
  const counted = driver?.connected ? await driver.portCounters().catch(() => []) : []
  const counters = new Map(counted.map((one) => [one.port, one]))
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

/** So many lines are shown of a drift, so that a switch with foreign entries without end has a page still. */
const MOST_LINES = 500

function driftLines(drift: Difference | undefined) {
  if (!drift) return []
  const line = (held: string | null, wanted: string | null) => {
    const kind: 'foreign' | 'missing' | 'differs' = held === null ? 'missing' : wanted === null ? 'foreign' : 'differs'
    return { kind, held, wanted }
  }
  return [
    ...drift.entries
      .slice(0, MOST_LINES)
      .map(({ before, after }) => line(before ? entryNotation(before) : null, after ? entryNotation(after) : null)),
    ...drift.groups
      .slice(0, MOST_LINES)
      .map(({ before, after }) => line(before ? groupNotation(before) : null, after ? groupNotation(after) : null)),
  ].slice(0, MOST_LINES)
}

/** By what datapaths can be filtered and sorted. */
const COLUMNS: Columns<Datapath> = {
  ...{ name: ({ name }) => name, serverName: ({ serverName }) => serverName, siteName: ({ siteName }) => siteName },
  ...{ nic: ({ nic }) => nic, role: ({ role }) => role, datapathId: ({ datapathId }) => datapathId },
  ...{ state: ({ state }) => state, bridge: ({ bridge }) => bridge, product: ({ product }) => product },
  ...{ wanted: ({ wanted }) => wanted, held: ({ held }) => held, drift: ({ drift }) => drift },
}

/** Datapaths: connection, pipeline, entries with counters and reasons, drift. */
export function datapathHandlers(parts: DatapathParts) {
  const view = async (scope: Scope, id: string) =>
    viewDatapath(parts, await recordOf(parts, scope, id), await wantedOf(parts, id))
  return {
    list: api.datapaths.list.handler(async ({ input, context }) =>
      pageFrom(await viewDatapaths(parts, await parts.records(context.scope)), input, COLUMNS, 'name'),
    ),
    get: api.datapaths.get.handler(({ input, context }) => view(context.scope, input.id)),
    tables: api.datapaths.tables.handler(async ({ input, context }) => {
      const record = await recordOf(parts, context.scope, input.id)
      const { all, readAt } = await placesOf(parts, input.id)
      const used = new Set(all.map(({ entry }) => entry.table))
      const tables = [...parts.tables.values()].filter(({ table }) => used.has(table))
      const said = parts.fleet.connection(input.id).description ?? record.description
      return { readAt, tables: tablesOf(all, tables, said?.tableDefault ?? null) }
    }),
    entries: api.datapaths.entries.handler(({ input, context }) => entriesOf(parts, context.scope, input)),
    why: api.datapaths.why.handler(({ input, context }) => whyOf(parts, context.scope, input.id, input.key)),
    ports: api.datapaths.ports.handler(async ({ input, context }) => ({
      items: await portsOf(parts, context.scope, input.id),
    })),
    drift: api.datapaths.drift.handler(async ({ input, context }) => {
      await recordOf(parts, context.scope, input.id)
      const { drift, driftSince_ms } = parts.condition(input.id)
      return { since: time(driftSince_ms), items: driftLines(drift) }
    }),
    read: api.datapaths.read.handler(async ({ input, context }) => {
      await recordOf(parts, context.scope, input.id)
      await parts.readNow(input.id)
      return view(context.scope, input.id)
    }),
    repair: api.datapaths.repair.handler(async ({ input, context }) => {
      const { name, siteId } = await recordOf(parts, context.scope, input.id)
      context.note.subject = `datapath/${input.id}`
      context.note.detail = `repair of ${name}`
      return parts.repair(input.id, name, siteId)
    }),
  }
}
