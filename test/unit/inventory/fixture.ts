import { vi } from 'vitest'
import { InventoryFile } from '#server/contract/inventory.ts'
import type { Commitment, JournalRecord } from '#server/engine/change/journal.ts'
import type { Actor } from '#server/inventory/changes.ts'
import { type Database, EVERYTHING } from '#server/inventory/database.ts'
import type { Writer } from '#server/inventory/drafts.ts'
import { datapathStore } from '#server/inventory/facts.ts'
import { infrastructureStore } from '#server/inventory/infrastructure.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { Refusal } from '#server/kernel/refusal.ts'

// Each statement goes to a real database, and the machine may be busy with others.
vi.setConfig({ testTimeout: 20_000, hookTimeout: 30_000 })

export const OPERATOR: Actor = { name: 'olga', role: 'operator' }

/** Two servers, each with a smart NIC, and `hosts` attachments behind each NIC: `host-1-1` … */
export function hardware(hosts = 3): InventoryFile {
  const servers = [1, 2]
  return InventoryFile.parse({
    sites: [{ name: 'lab', words: 'Bench' }],
    servers: servers.map((n) => ({ name: `server-${n}`, site: 'lab', vtep: `172.16.0.${n}` })),
    nics: servers.map((n) => ({ name: `nic-${n}`, server: `server-${n}`, profile: 'openflow-nic' })),
    datapaths: servers.flatMap((n) => [
      {
        ...{
          name: `nic-${n}`,
          server: `server-${n}`,
          nic: `nic-${n}`,
          role: 'edge',
          datapathId: `000000000000010${n}`,
        },
        ...{ bridge: 'nic', ovsdb: `unix:/run/db${n}.sock`, controller: `unix:/run/nic${n}.sock` },
        ...{ uplink: 'up', fabric: `fabric-${n}`, fabricPort: 'down' },
      },
      {
        ...{ name: `fabric-${n}`, server: `server-${n}`, role: 'fabric', datapathId: `000000000000020${n}` },
        ...{ bridge: 'srv', ovsdb: `unix:/run/db${n}.sock`, controller: `unix:/run/srv${n}.sock`, tunnel: 'vxlan0' },
      },
    ]),
    attachments: servers.flatMap((n) =>
      Array.from({ length: hosts }, (_, i) => ({
        ...{ name: `host-${n}-${i + 1}`, datapath: `nic-${n}`, port: `p${i + 1}` },
        mac: `52:54:00:00:0${n}:${(i + 1).toString(16).padStart(2, '0')}`,
      })),
    ),
  })
}

export interface Site {
  readonly operator: Writer
  /** Attachment ids by name. */
  readonly attachments: ReadonlyMap<string, string>
  /** Makes a tenant; answers its id and a writer confined to it. */
  tenant(name: string, quotas?: { networks: number; ports: number }): Promise<{ id: string; writer: Writer }>
}

/** Imports the hardware and answers what tests start from. */
export async function site(database: Database, hosts?: number): Promise<Site> {
  const infrastructure = infrastructureStore(database)
  await infrastructure.import(EVERYTHING, hardware(hosts))
  const { items } = await infrastructure.attachments(EVERYTHING, { conditions: [], limit: 500 })
  const tenants = tenantStore(database)
  return {
    operator: { scope: EVERYTHING, actor: OPERATOR },
    attachments: new Map(items.map(({ name, id }) => [name, id])),
    async tenant(name, quotas = { networks: 100, ports: 100 }) {
      const { id } = await tenants.create(EVERYTHING, { name, quotas })
      return { id, writer: { scope: { tenantId: id }, actor: { name: `${name}-admin`, role: 'tenant-administrator' } } }
    },
  }
}

/** What the devices would say of themselves, so that port names have numbers. */
export async function describeAll(database: Database): Promise<void> {
  const store = datapathStore(database)
  for (const { id, datapathId, role } of await store.all()) {
    const names = role === 'edge' ? ['up', 'p1', 'p2', 'p3'] : ['down', 'vxlan0']
    await store.describe(id, {
      ...{ datapathId, product: 'Open vSwitch 3.1.0', protocol: 'OpenFlow 1.5', tables: 254, tableLimits: {} },
      ...{ tableDefault: 1_000_000, groupTypes: ['all'], maxGroups: 1000, metadataBits: 64, features: ['bundles'] },
      ports: names.map((name, i) => ({ port: i + 1, name, mac: '00:00:00:00:00:01', up: true, speed_kbps: 0 })),
    })
  }
}

/** The refusal that a promise ends in; fails when it does not. */
export async function refusal(work: Promise<unknown>): Promise<Refusal> {
  try {
    await work
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('It was not refused.')
}

/** A journal record of a change that touches no datapath, with what it would commit. */
export function nothingOnDatapaths(change: string): JournalRecord & { commitment: Commitment } {
  return {
    ...{ change, revision: 1n, compilerVersion: 'test', prepared_ms: Date.now(), deadline_ms: Date.now() + 10_000 },
    ...{ waves: [], parts: [], granted: [], released: [] },
    commitment: { programs: [], granted: [], released: [], measured: { mixed_ms: 0, settled_ms: 0 } },
  }
}
