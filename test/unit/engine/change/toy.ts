import type { Capability, IntentRow, Part } from '#server/engine/capability.ts'
import { changeEngine } from '#server/engine/change/engine.ts'
import type { Grant, Journal } from '#server/engine/change/journal.ts'
import { createLocks } from '#server/engine/change/locks.ts'
import type { GrantStore, IntentEdit, IntentSource, Provenance, ProvenanceStore } from '#server/engine/change/ports.ts'
import { createReconciler } from '#server/engine/change/reconcile.ts'
import { createRecovery } from '#server/engine/change/recover.ts'
import type { RunPorts } from '#server/engine/change/run.ts'
import { createWorld, portsOf, type World } from './world.ts'

/** A member of a circle on a datapath. Each datapath of a circle must know the datapaths of all its members. */
export interface Member {
  readonly circle: number
  readonly datapathId: string
  readonly port: number
}

/** Every datapath has these. */
const PORTS = [11, 12, 13, 22, 23, 33, 44]

const memberOf = (row: IntentRow): Member => row.value as Member

/** A capability whose programs on one datapath depend on intent for the others, with one group for each circle. */
const circles: Capability<readonly IntentRow[]> = {
  name: 'circles',
  kinds: ['member'],
  blocks: [
    {
      name: 'circle',
      slot: 'forward',
      tables: [{ name: 'flood', kind: 'exact', fields: ['metadata'], miss: 'drop' }],
    },
  ],
  model: (rows) => rows,
  validate: (rows) =>
    rows
      .filter((row) => memberOf(row).port > 1000)
      .map((row) => ({
        ...{ severity: 'error', rule: 'circle.port', message: 'There is no such port.', mend: 'Take another.' },
        subject: `member/${row.id}`,
      })),
  demand: (rows) =>
    [...new Set(rows.map((row) => `${memberOf(row).datapathId}/${memberOf(row).circle}`))].map((place) => {
      const [datapathId] = place.split('/')
      return { key: `circle/${place}`, pool: `group/${datapathId}`, first: 1, last: 100 }
    }),
  compile: (rows, _, grants) => {
    const places = Map.groupBy(rows, (row) => `${memberOf(row).datapathId}/${memberOf(row).circle}`)
    return [...places.keys()].map((place): Part => {
      const [datapathId = '', circle = ''] = place.split('/')
      const members = rows.filter((row) => memberOf(row).circle === Number(circle))
      const because = members.map(({ id }) => `member/${id}`)
      const group = grants.get(`circle/${place}`) ?? 0
      const ports = [...new Set(members.map((row) => memberOf(row).port))].sort((a, b) => a - b)
      return {
        datapathId,
        groups: [
          { group, type: 'all', because, buckets: ports.map((port) => ({ actions: [{ type: 'output', port }] })) },
        ],
        entries: [
          {
            ...{ table: 'circle.flood', priority: 10, phase: 'transmit', because },
            match: [{ field: 'metadata', value: BigInt(circle) }],
            instructions: [{ type: 'apply_actions', actions: [{ type: 'group', group }] }],
          },
        ],
        neighbours: [],
      }
    })
  },
  status: () => [],
}

export interface MemoryIntent extends IntentSource {
  readonly rows: Map<string, IntentRow>
  /** Writes a draft. */
  draft(change: string, edits: readonly IntentEdit[]): void
  /** Makes the edits of a change committed intent, as the journal's transaction does. */
  apply(change: string): void
  readonly drafts: Map<string, readonly IntentEdit[]>
}

export function memoryIntent(datapathIds: readonly string[]): MemoryIntent {
  const rows = new Map<string, IntentRow>()
  const drafts = new Map<string, readonly IntentEdit[]>()
  let revision = 1n
  let rollbacks = 0
  const put = (onto: Map<string, IntentRow>, edits: readonly IntentEdit[]) => {
    for (const { kind, id, after } of edits)
      if (after === undefined) onto.delete(`${kind}/${id}`)
      else onto.set(`${kind}/${id}`, { kind, id, value: after })
  }
  const datapaths = new Map(
    datapathIds.map((id) => [id, { id, name: id, serverId: 'one', role: 'fabric' as const }] as const),
  )
  const places = datapathIds.flatMap((datapathId) => PORTS.map((port) => ({ datapathId, port })))
  const attachments = new Map(
    places.map(({ datapathId, port }) => {
      const id = `${datapathId}/${port}`
      return [id, { id, name: id, datapathId, port, mac: '52:54:00:00:00:01' }] as const
    }),
  )
  const infrastructure = { servers: new Map(), datapaths, attachments }
  return {
    rows,
    drafts,
    draft: (change, edits) => void drafts.set(change, edits),
    apply(change) {
      put(rows, drafts.get(change) ?? [])
      revision += 1n
    },
    async snapshot(change) {
      const all = new Map(rows)
      if (change !== undefined) put(all, drafts.get(change) ?? [])
      const sorted = [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
      return { revision, rows: sorted, facts: { infrastructure } }
    },
    edits: async (change) => drafts.get(change) ?? [],
    async draftRollback(rollbackOf, edits) {
      const id = `${rollbackOf}-back-${++rollbacks}`
      drafts.set(id, edits)
      return id
    },
  }
}

/** Numbers as the inventory keeps them: a reserved one that is not committed with its change is free again. */
function memoryGrants(): GrantStore & { readonly all: Map<string, Grant & { committed: boolean }> } {
  const all = new Map<string, Grant & { committed: boolean }>()
  return {
    all,
    granted: async () => [...all.values()],
    async reserve(_, grants) {
      for (const grant of grants) if (!all.has(grant.key)) all.set(grant.key, { ...grant, committed: false })
    },
  }
}

function memoryProvenance(): ProvenanceStore & { readonly rows: Map<bigint, Provenance> } {
  const rows = new Map<bigint, Provenance>()
  const ids = new Map<string, bigint>()
  return {
    rows,
    allocate: async (change, lists) =>
      lists.map((because) => {
        const key = JSON.stringify([change, because])
        const id = ids.get(key) ?? BigInt(ids.size + 1)
        ids.set(key, id)
        rows.set(id, { change, because })
        return id
      }),
    look: async (wanted) => new Map(wanted.flatMap((id) => (rows.has(id) ? [[id, rows.get(id) as Provenance]] : []))),
  }
}

/** An engine over devices and stores in memory that has not begun recovery. */
export function idleEngine(datapathIds: readonly string[], world: World = createWorld(datapathIds)) {
  const intent = memoryIntent(datapathIds)
  const grants = memoryGrants()
  const provenance = memoryProvenance()
  const base = portsOf(world)
  const journal: Journal = {
    ...base.journal,
    async finish(change, outcome) {
      await base.journal.finish(change, outcome)
      if (outcome.outcome !== 'committed') return
      intent.apply(change)
      for (const { key } of outcome.granted) {
        const grant = grants.all.get(key)
        if (grant) grant.committed = true
      }
      for (const key of outcome.released) grants.all.delete(key)
      for (const [key, grant] of grants.all) if (!grant.committed) grants.all.delete(key)
    },
  }
  const ports: RunPorts = { ...base, journal }
  const locks = createLocks()
  const recovery = createRecovery(ports, locks)
  const reconciler = createReconciler(ports, locks)
  const engine = changeEngine({
    ...ports,
    ...{ locks, recovery, reconciler, intent, grants, provenance },
    ...{ capabilities: [circles as Capability], installation: 7, compilerVersion: 'toy' },
  })
  return { world, engine, intent, grants, provenance, recovery, reconciler, locks }
}

/** An engine in service. */
export async function toyEngine(datapathIds: readonly string[]) {
  const toy = idleEngine(datapathIds)
  await toy.recovery.start()
  return toy
}

export const joins = (id: string, member: Member): IntentEdit => ({ kind: 'member', id, after: member })
