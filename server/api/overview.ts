import type { ChangeSummary } from '#server/contract/changes.ts'
import type { Datapath } from '#server/contract/datapaths.ts'
import type { Overview } from '#server/contract/overview.ts'
import type { PortCounters } from '#server/datapath/driver.ts'
import type { ChangeStore } from '#server/inventory/changes.ts'
import { EVERYTHING, type Scope } from '#server/inventory/database.ts'
import type { DatapathRecord } from '#server/inventory/facts.ts'
import type { Weave } from '#server/inventory/weave.ts'
import type { Attention, AttentionSource, Looking } from './attention.ts'
import { type DatapathParts, time, viewDatapaths } from './datapaths.ts'
import { api } from './door.ts'

export interface OverviewParts extends DatapathParts {
  readonly changes: ChangeStore
  readonly weave: (scope: Scope) => Promise<Weave>
  /** What else needs a person. */
  readonly attention: readonly AttentionSource[]
  /** Packets of the scope's ports that were dropped for a source that is not their own. */
  readonly spoofedTotal: (scope: Scope) => Promise<bigint>
}

function attentionOf(
  { fleet, condition }: OverviewParts,
  views: readonly Datapath[],
  changes: readonly ChangeSummary[],
): Attention[] {
  const datapaths = views.flatMap((view): Attention[] => {
    const href = `/datapaths/${view.id}`
    if (view.state === 'away')
      return [
        {
          severity: 'bad',
          title: `${view.name} is away`,
          words: `${view.serverName}: ${view.reason ?? 'not connected'}. What it holds goes on forwarding.`,
          since: time(fleet.connection(view.id).since_ms),
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
          since: time(condition(view.id).driftSince_ms),
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
  readonly ports: readonly PortCounters[]
}

/** The counters of a datapath's ports; none of one that is away or does not answer. */
async function measure({ fleet }: OverviewParts, record: DatapathRecord): Promise<Measured> {
  const driver = fleet.driver(record.id)
  return { record, ports: driver?.connected ? await driver.portCounters().catch(() => []) : [] }
}

function tunnelOf({ record, ports }: Measured): PortCounters | undefined {
  const number = record.description?.ports.find(({ name }) => name === record.tunnel)?.port
  return ports.find(({ port }) => port === number)
}

const sum = (values: Iterable<bigint>): string => [...values].reduce((total, value) => total + value, 0n).toString()

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

/** How full a server's datapaths are is the operator's business: others' entries are in them too. */
function serversOf({ servers }: Weave, views: readonly Datapath[], records: readonly DatapathRecord[], all: boolean) {
  const limits = new Map(records.map(({ id, description }) => [id, description?.tableDefault ?? null]))
  return servers.map((server) => {
    const own = views.filter(({ serverId }) => serverId === server.id)
    const datapaths = own.map(({ id, name, state }) => ({ id, name, state }))
    const entries = all ? own.reduce((count, { wanted }) => count + wanted, 0) : 0
    return { ...server, datapaths, entries, entryLimit: all ? (limits.get(own[0]?.id ?? '') ?? null) : null }
  })
}

async function overviewOf(parts: OverviewParts, looking: Looking): Promise<Overview> {
  const { scope } = looking
  const [weave, all, recent, ...attention] = await Promise.all([
    parts.weave(scope),
    parts.records(EVERYTHING),
    parts.changes.list(scope, { conditions: [], limit: 8 }),
    ...parts.attention.map((attention) => attention(looking)),
  ])
  const visible = new Set(weave.servers.map(({ id }) => id))
  const records = all.filter(({ serverId }) => visible.has(serverId))
  // Of whoever runs hardware; a tenant's ports are counted elsewhere.
  const measures = scope.tenantId === null
  const [views, measured, spoofed] = await Promise.all([
    viewDatapaths(parts, records),
    measures ? Promise.all(records.map((record) => measure(parts, record))) : [],
    parts.spoofedTotal(scope),
  ])
  const tunnels = measured.flatMap((one) => tunnelOf(one) ?? [])
  return {
    ...{ at: new Date().toISOString(), sites: weave.sites, networks: weave.networks, changes: recent.items },
    servers: serversOf(weave, views, records, measures),
    totals: {
      ...{ networks: weave.networks.length, ports: weave.ports, datapaths: views.length },
      holding: views.filter(({ state }) => state === 'held').length,
      entries: measures ? views.reduce((count, { wanted }) => count + wanted, 0) : 0,
      tunnelPackets: sum(tunnels.map(({ txPackets }) => txPackets)),
      tunnelBytes: sum(tunnels.map(({ txBytes }) => txBytes)),
      spoofed: spoofed.toString(),
      misses: sum(measured.flatMap(({ ports }) => ports.map(({ rxDropped }) => rxDropped))),
    },
    attention: [...attentionOf(parts, measures ? views : [], recent.items.slice(0, 3)), ...attention.flat()],
    links: linksOf(measured),
  }
}

/** The first page: the weave, totals, and what needs a person. */
export const overviewHandlers = (parts: OverviewParts) => ({
  get: api.overview.get.handler(({ context }) => overviewOf(parts, context)),
})
