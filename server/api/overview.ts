import type { ChangeSummary } from '#server/contract/changes.ts'
import type { Overview } from '#server/contract/overview.ts'
import type { Held, PortCounters } from '#server/datapath/driver.ts'
import type { ChangeStore } from '#server/inventory/changes.ts'
import type { Scope } from '#server/inventory/database.ts'
import type { DatapathRecord } from '#server/inventory/facts.ts'
import type { Weave } from '#server/inventory/weave.ts'
import { type DatapathParts, viewDatapath } from './datapaths.ts'
import { api } from './door.ts'

export interface OverviewParts extends DatapathParts {
  readonly changes: ChangeStore
  readonly weave: (scope: Scope) => Promise<Weave>
  /** Whether an entry is a port's drop of spoofed sources. */
  readonly isSpoofDrop: (entryKey: string) => boolean
}

type Attention = Overview['attention'][number]
type View = Awaited<ReturnType<typeof viewDatapath>>

const NOTICE_AGE_MS = 5_000

function attentionOf(views: readonly View[], changes: readonly ChangeSummary[]): Attention[] {
  const datapaths = views.flatMap((view): Attention[] => {
    const href = `/datapaths/${view.id}`
    if (view.state === 'away')
      return [
        {
          severity: 'bad',
          title: `${view.name} is away`,
          words: `${view.serverName}: ${view.reason ?? 'not connected'}. What it holds goes on forwarding.`,
          since: view.connectedSince,
          href,
          action: 'Open',
        },
      ]
    if (view.state === 'drifted')
      return [
        {
          severity: 'warn',
          title: `${view.name} differs from what is wanted`,
          words: `${view.drift} ${view.drift === 1 ? 'entry differs' : 'entries differ'}.`,
          since: view.readAt,
          href: `${href}?view=drift`,
          action: 'Repair',
        },
      ]
    return []
  })
  const open = changes.flatMap((change): Attention[] => {
    const href = `/changes/${change.name}`
    if (change.state === 'undone')
      return [
        {
          severity: 'warn',
          title: `${change.name} was undone`,
          words: change.outcome ?? change.title,
          since: change.finishedAt,
          href,
          action: 'See why',
        },
      ]
    if (change.state === 'pending' || change.state === 'undoing')
      return [
        {
          severity: 'moving',
          title: `${change.name} is ${change.state}`,
          words: change.title,
          since: change.createdAt,
          href,
          action: 'Open',
        },
      ]
    return []
  })
  return [...datapaths, ...open]
}

interface Measured {
  readonly record: DatapathRecord
  readonly held: Held | undefined
  readonly ports: readonly PortCounters[]
}

/** A look at a datapath costs one dump at most every few seconds, however many people watch. */
async function measure(parts: OverviewParts, record: DatapathRecord): Promise<Measured> {
  const driver = parts.fleet.driver(record.id)
  if (!driver?.connected) return { record, held: undefined, ports: [] }
  try {
    const [reading, ports] = await Promise.all([parts.fleet.reading(record.id, NOTICE_AGE_MS), driver.portCounters()])
    return { record, held: reading?.held, ports }
  } catch {
    return { record, held: undefined, ports: [] }
  }
}

function tunnelOf({ record, ports }: Measured): PortCounters | undefined {
  const number = record.description?.ports.find(({ name }) => name === record.tunnel)?.port
  return ports.find(({ port }) => port === number)
}

const sum = (values: Iterable<bigint>): string => [...values].reduce((total, value) => total + value, 0n).toString()

function spoofedIn(measured: readonly Measured[], isSpoofDrop: (key: string) => boolean): string {
  return sum(
    measured.flatMap(({ held }) =>
      [...(held?.counters ?? [])].flatMap(([key, { packets }]) => (isSpoofDrop(key) ? [packets] : [])),
    ),
  )
}

function linksOf(measured: readonly Measured[]): Overview['links'] {
  return measured.flatMap((one) => {
    const tunnel = tunnelOf(one)
    if (!tunnel) return []
    const others = measured.filter(({ record }) => record.tunnel !== null && record.id !== one.record.id)
    const to = others.length === 1 ? (others[0]?.record.serverName ?? '') : `${others.length} servers`
    return [
      {
        from: one.record.serverName,
        to,
        datapathId: one.record.id,
        packets: tunnel.txPackets.toString(),
        bytes: tunnel.txBytes.toString(),
      },
    ]
  })
}

async function overviewOf(parts: OverviewParts, scope: Scope): Promise<Overview> {
  const [weave, all, recent] = await Promise.all([
    parts.weave(scope),
    parts.records(),
    parts.changes.list(scope, { conditions: [], limit: 8 }),
  ])
  const visible = new Set(weave.servers.map(({ id }) => id))
  const records = all.filter(({ serverId }) => visible.has(serverId))
  const [views, measured] = await Promise.all([
    Promise.all(records.map((record) => viewDatapath(parts, record))),
    scope.tenantId === null ? Promise.all(records.map((record) => measure(parts, record))) : [],
  ])
  const tunnels = measured.flatMap((one) => tunnelOf(one) ?? [])
  const limits = new Map(records.map(({ id, description }) => [id, description?.tableDefault ?? null]))
  return {
    ...{ at: new Date().toISOString(), sites: weave.sites, networks: weave.networks, changes: recent.items },
    servers: weave.servers.map((server) => {
      const own = views.filter(({ serverId }) => serverId === server.id)
      const datapaths = own.map(({ id, name, state }) => ({ id, name, state }))
      const entries = own.reduce((count, { wanted }) => count + wanted, 0)
      return { ...server, datapaths, entries, entryLimit: limits.get(own[0]?.id ?? '') ?? null }
    }),
    totals: {
      ...{ networks: weave.networks.length, ports: weave.ports, datapaths: views.length },
      holding: views.filter(({ state }) => state === 'held').length,
      entries: views.reduce((count, { wanted }) => count + wanted, 0),
      tunnelPackets: sum(tunnels.map(({ txPackets }) => txPackets)),
      tunnelBytes: sum(tunnels.map(({ txBytes }) => txBytes)),
      spoofed: spoofedIn(measured, parts.isSpoofDrop),
      misses: sum(measured.flatMap(({ ports }) => ports.map(({ rxDropped }) => rxDropped))),
    },
    attention:
      scope.tenantId === null
        ? attentionOf(views, recent.items.slice(0, 3))
        : attentionOf([], recent.items.slice(0, 3)),
    links: linksOf(measured),
  }
}

/** The first page: the weave, totals, and what needs a person. */
export const overviewHandlers = (parts: OverviewParts) => ({
  get: api.overview.get.handler(({ context }) => overviewOf(parts, { tenantId: context.tenantId })),
})
