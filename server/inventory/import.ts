import { v7 as uuidv7 } from 'uuid'
import type { InventoryFile, NicLimits } from '#server/contract/inventory.ts'
import { brokenRules, Refusal, type RefusalDetail } from '#server/kernel/refusal.ts'
import { isRowSecurity, isUniqueViolation, lock, type Scope, seesAll, type Transaction } from './database.ts'
import { PROFILE_NAMES } from './profiles.ts'

export interface ImportCounts {
  created: number
  updated: number
  unchanged: number
}

type Row = Record<string, string | number | null | NicLimits>

interface Table {
  readonly name: string
  /** The columns that tell rows apart, and those that a file may change. */
  readonly key: readonly string[]
  readonly columns: Readonly<Record<string, 'text' | 'int' | 'uuid' | 'jsonb'>>
}

const TABLES = {
  site: { name: 'site', key: ['name'], columns: { name: 'text', words: 'text' } },
  server: {
    ...{ name: 'server', key: ['name'] },
    columns: { name: 'text', site_id: 'uuid', vtep: 'text', underlay_mtu: 'int' },
  },
  nic: {
    ...{ name: 'nic', key: ['server_id', 'name'] },
    columns: { name: 'text', server_id: 'uuid', profile: 'text', limits: 'jsonb' },
  },
  datapath: {
    ...{ name: 'datapath', key: ['name'] },
    columns: {
      ...{ name: 'text', server_id: 'uuid', nic_id: 'uuid', role: 'text', datapath_id: 'text', bridge: 'text' },
      ...{ ovsdb: 'text', controller: 'text', uplink: 'text', fabric_id: 'uuid', fabric_port: 'text', tunnel: 'text' },
    },
  },
  attachment: {
    ...{ name: 'attachment', key: ['datapath_id', 'name'] },
    columns: { name: 'text', datapath_id: 'uuid', port_name: 'text', mac: 'text' },
  },
} as const satisfies Record<string, Table>

/** Writes rows in one statement; those that are there and the same are left alone. Answers what became of them. */
async function upsert(tx: Transaction, table: Table, rows: readonly Row[]): Promise<ImportCounts> {
  const names = Object.keys(table.columns)
  const shape = names.map((name) => `"${name}" ${table.columns[name]}`).join(', ')
  const others = names.filter((name) => !table.key.includes(name))
  const same = (side: string) => others.map((name) => `${side}."${name}"`).join(', ')
  const sql = `INSERT INTO ${table.name} AS held (id, ${names.map((n) => `"${n}"`).join(', ')})
    SELECT wanted.id, ${names.map((n) => `wanted."${n}"`).join(', ')} FROM jsonb_to_recordset($1::jsonb) AS wanted (id uuid, ${shape})
    ON CONFLICT (${table.key.join(', ')}) DO UPDATE SET ${others.map((n) => `"${n}" = excluded."${n}"`).join(', ')}
      WHERE (${same('held')}) IS DISTINCT FROM (${same('excluded')})
    RETURNING (xmax = 0) AS created`
  const json = JSON.stringify(rows.map((row) => ({ ...row, id: uuidv7() })))
  const written = await tx.$queryRawUnsafe<{ created: boolean }[]>(sql, json).catch((error: unknown) => {
    // What the database will not let be written over stands where somebody else works.
    throw isUniqueViolation(error) || isRowSecurity(error) ? taken(table, String(error)) : error
  })
  const created = written.filter((row) => row.created).length
  return { created, updated: written.length - created, unchanged: rows.length - written.length }
}

/** What must be a row's own beside its name, by the constraint that says so. */
const OWN: Readonly<Record<string, string>> = {
  server_vtep_key: 'the tunnel end of another server',
  datapath_datapath_id_key: 'the datapath id of another datapath',
  attachment_datapath_id_port_name_key: 'the port of another attachment',
}

function taken(table: Table, text: string): Refusal {
  const what = Object.entries(OWN).find(([constraint]) => text.includes(constraint))?.[1] ?? 'what another row has'
  const message = `A ${table.name} of the file takes ${what} that was declared before.`
  return new Refusal('conflict', message, [
    {
      pointer: `/${table.name}s`,
      rule: 'inventory.taken',
      message,
      mend: 'Give each its own, or use the name declared before.',
    },
  ])
}

const ids = (rows: readonly { id: string; name: string }[]) => new Map(rows.map(({ id, name }) => [name, id]))

/** Names of one kind that are given twice, and references that lead nowhere, all of them at once. */
function check(file: InventoryFile, known: Known): RefusalDetail[] {
  const found: RefusalDetail[] = []
  const names = (rows: readonly { name: string }[], held: ReadonlyMap<string, string>) =>
    new Set([...rows.map((row) => row.name), ...held.keys()])
  const site = names(file.sites, known.sites)
  const server = names(file.servers, known.servers)
  const datapath = names(file.datapaths, known.datapaths)
  const nic = new Set([...file.nics.map((one) => `${one.server}/${one.name}`), ...known.nics.keys()])
  const lead = (pointer: string, kind: string, value: string, to: ReadonlySet<string>) => {
    if (!to.has(value)) found.push(nowhere(pointer, kind, value))
  }
  file.servers.forEach((one, i) => {
    lead(`/servers/${i}/site`, 'site', one.site, site)
  })
  file.nics.forEach((one, i) => {
    lead(`/nics/${i}/server`, 'server', one.server, server)
    if (!PROFILE_NAMES.includes(one.profile)) found.push(noProfile(`/nics/${i}/profile`, one.profile))
  })
  file.datapaths.forEach((one, i) => {
    lead(`/datapaths/${i}/server`, 'server', one.server, server)
    if (one.fabric !== null) lead(`/datapaths/${i}/fabric`, 'datapath', one.fabric, datapath)
    if (one.nic !== null) lead(`/datapaths/${i}/nic`, 'NIC', `${one.server}/${one.nic}`, nic)
  })
  file.attachments.forEach((one, i) => {
    lead(`/attachments/${i}/datapath`, 'datapath', one.datapath, datapath)
  })
  return [...found, ...twice(file)]
}

const nowhere = (pointer: string, kind: string, value: string): RefusalDetail => ({
  ...{ pointer, rule: 'inventory.reference', message: `There is no ${kind} ${value}.` },
  mend: `Name a ${kind} that is in this file or was declared before.`,
})

const noProfile = (pointer: string, value: string): RefusalDetail => ({
  ...{ pointer, rule: 'inventory.profile', message: `There is no NIC profile ${value}.` },
  mend: `Use one of ${PROFILE_NAMES.join(', ')}.`,
})

/** What must not be given twice within one file, in words that lead to the second one. */
function twice(file: InventoryFile): RefusalDetail[] {
  const keys: [string, readonly string[]][] = [
    ['/sites', file.sites.map((one) => `site ${one.name}`)],
    ['/servers', file.servers.map((one) => `server ${one.name}`)],
    ['/servers', file.servers.map((one) => `tunnel end ${one.vtep}`)],
    ['/nics', file.nics.map((one) => `NIC ${one.server}/${one.name}`)],
    ['/datapaths', file.datapaths.map((one) => `datapath ${one.name}`)],
    ['/datapaths', file.datapaths.map((one) => `datapath id ${one.datapathId}`)],
    ['/attachments', file.attachments.map((one) => `attachment ${one.datapath}/${one.name}`)],
    ['/attachments', file.attachments.map((one) => `port ${one.port} of ${one.datapath}`)],
  ]
  return keys.flatMap(([pointer, list]) => {
    const seen = new Set<string>()
    return list.flatMap((key, i): RefusalDetail[] => {
      if (!seen.has(key)) {
        seen.add(key)
        return []
      }
      const message = `The ${key} is given twice.`
      return [{ pointer: `${pointer}/${i}`, rule: 'inventory.twice', message, mend: 'Leave one of them out.' }]
    })
  })
}

interface Known {
  readonly sites: ReadonlyMap<string, string>
  readonly servers: ReadonlyMap<string, string>
  /** By `server/nic`. */
  readonly nics: ReadonlyMap<string, string>
  readonly datapaths: ReadonlyMap<string, string>
}

const readSites = async (tx: Transaction) => ids(await tx.site.findMany())
const readServers = async (tx: Transaction) => ids(await tx.server.findMany())
const readNics = async (tx: Transaction) =>
  ids((await tx.nic.findMany({ include: { server: true } })).map((n) => ({ ...n, name: `${n.server.name}/${n.name}` })))
const readDatapaths = async (tx: Transaction) => ids(await tx.datapath.findMany({ select: { id: true, name: true } }))

/** The id behind a name that was checked. */
const idOf = (known: ReadonlyMap<string, string>, name: string): string => known.get(name) as string

/** A datapath refers to another one by its id, so fabrics are written before the edges that lead to them. */
async function importDatapaths(tx: Transaction, file: InventoryFile, known: Known): Promise<ImportCounts[]> {
  const row = (d: InventoryFile['datapaths'][number], fabrics: ReadonlyMap<string, string>): Row => ({
    ...{ name: d.name, server_id: idOf(known.servers, d.server), role: d.role, datapath_id: d.datapathId },
    nic_id: d.nic === null ? null : idOf(known.nics, `${d.server}/${d.nic}`),
    ...{ bridge: d.bridge, ovsdb: d.ovsdb, controller: d.controller, uplink: d.uplink, tunnel: d.tunnel },
    fabric_id: d.fabric === null ? null : idOf(fabrics, d.fabric),
    fabric_port: d.fabricPort,
  })
  const rootless = file.datapaths.filter((d) => d.fabric === null)
  const leading = file.datapaths.filter((d) => d.fabric !== null)
  const first = await upsert(
    tx,
    TABLES.datapath,
    rootless.map((d) => row(d, known.datapaths)),
  )
  const fabrics = await readDatapaths(tx)
  const second = await upsert(
    tx,
    TABLES.datapath,
    leading.map((d) => row(d, fabrics)),
  )
  return [first, second]
}

/** Changes the words of sites that are there: a site is declared by those who see all. */
async function updateSites(tx: Transaction, file: InventoryFile, known: Known): Promise<ImportCounts> {
  const foreign = file.sites.findIndex(({ name }) => !known.sites.has(name))
  if (foreign >= 0) throw brokenRules([notHere(`/sites/${foreign}/name`, file.sites[foreign]?.name ?? '')])
  let updated = 0
  for (const { name, words } of file.sites)
    updated += (await tx.site.updateMany({ where: { name, words: { not: words } }, data: { words } })).count
  return { created: 0, updated, unchanged: file.sites.length - updated }
}

const notHere = (pointer: string, name: string): RefusalDetail => ({
  ...{ pointer, rule: 'inventory.site', message: `${name} is not the site where you work.` },
  mend: 'Leave it out, or let an operator of the installation declare it.',
})

/**
 * Declares what a file says, all or nothing. Importing the same file again changes nothing. Who works at a site declares
 * what stands there. Throws `Refusal`.
 */
export async function importFile(tx: Transaction, file: InventoryFile, scope: Scope): Promise<ImportCounts> {
  await lock(tx, 'weft/import')
  const before: Known = {
    ...{ sites: await readSites(tx), servers: await readServers(tx) },
    ...{ nics: await readNics(tx), datapaths: await readDatapaths(tx) },
  }
  const broken = check(file, before)
  if (broken.length > 0) throw brokenRules(broken.slice(0, 100))
  const counts = [seesAll(scope) ? await upsert(tx, TABLES.site, file.sites) : await updateSites(tx, file, before)]
  const sites = await readSites(tx)
  counts.push(
    await upsert(
      tx,
      TABLES.server,
      file.servers.map(({ name, site, vtep, underlayMtu }) => {
        return { name, site_id: idOf(sites, site), vtep, underlay_mtu: underlayMtu }
      }),
    ),
  )
  const servers = await readServers(tx)
  const nics = file.nics.map(({ server, ...nic }) => ({ ...nic, server_id: idOf(servers, server) }))
  counts.push(await upsert(tx, TABLES.nic, nics))
  counts.push(...(await importDatapaths(tx, file, { ...before, sites, servers, nics: await readNics(tx) })))
  const datapaths = await readDatapaths(tx)
  const attachments = file.attachments.map(({ name, datapath, port, mac }) => {
    return { name, datapath_id: idOf(datapaths, datapath), port_name: port, mac }
  })
  counts.push(await upsert(tx, TABLES.attachment, attachments))
  return counts.reduce((sum, one) => ({
    created: sum.created + one.created,
    updated: sum.updated + one.updated,
    unchanged: sum.unchanged + one.unchanged,
  }))
}
