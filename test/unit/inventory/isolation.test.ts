import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseJournal } from '#server/inventory/journal.ts'
import { networkWriter } from '#server/inventory/networks.ts'
import { portWriter } from '#server/inventory/ports.ts'
import { taskStore } from '#server/inventory/tasks.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { nothingOnDatapaths, site } from './fixture.ts'

let database: TestDatabase
let app: pg.Client
let red: string
let blue: string

beforeAll(async () => {
  database = await startTestDatabase()
  const lab = await site(database)
  const journal = databaseJournal(database)
  const make = async (name: string, host: string, committed: boolean) => {
    const { id, writer } = await lab.tenant(name)
    const { draft, id: networkId } = await networkWriter(database).createNetwork(writer, { tenantId: id, name: 'web' })
    const inDraft = { ...writer, change: draft.id }
    await networkWriter(database).createSubnet(inDraft, { networkId, prefix: '10.0.0.0/24', gateway: null })
    const attachmentId = lab.attachments.get(host) as string
    await portWriter(database).createPort(inDraft, { networkId, attachmentId, vlan: null })
    if (committed) {
      await journal.prepare(nothingOnDatapaths(draft.id))
      await journal.finish(draft.id, { outcome: 'committed', ...nothingOnDatapaths(draft.id).commitment })
    }
    const subject = { kind: 'change', id: draft.id, name: draft.name }
    const about = { kind: 'commit', title: draft.name, total: 1, unit: 'datapaths', subject, cancellable: false }
    const task = await taskStore(database).start({ ...about, tenantId: id })
    await taskStore(database).step(task.id, { message: 'Begun.' })
    return id
  }
  red = await make('red', 'host-1-1', true)
  blue = await make('blue', 'host-1-2', true)
  await make('green', 'host-1-3', false)
  app = new pg.Client({ connectionString: database.url('weft_app') })
  await app.connect()
}, 30_000)
afterAll(async () => {
  await app?.end()
  await database?.close()
})

/** Runs a statement as the role that serves requests, inside a scope; nothing of it stays. */
async function as(scope: { tenant?: string; all?: true }, sql: string, values: unknown[] = []) {
  await app.query('BEGIN')
  try {
    if (scope.all) await app.query(`SELECT set_config('weft.scope', 'all', true)`)
    if (scope.tenant) await app.query(`SELECT set_config('weft.tenant', $1, true)`, [scope.tenant])
    return await app.query(sql, values)
  } finally {
    await app.query('ROLLBACK')
  }
}

const TENANT_TABLES = [
  'network',
  'subnet',
  'port',
  'vni_reservation',
  'change',
  'change_edit',
  'task',
  'task_log',
  'audit',
]

describe('the role that serves requests', () => {
  test('passes no row-level security, nor does any other', async () => {
    const { rows } = await database.engine.query(
      `SELECT rolname FROM pg_roles WHERE rolname LIKE 'weft%' AND (rolsuper OR rolbypassrls)`,
    )
    expect(rows).toEqual([])
    const bare = await database.engine.query(
      `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
       AND relname <> '_prisma_migrations' AND NOT (relrowsecurity AND relforcerowsecurity)`,
    )
    expect(bare.rows).toEqual([])
  })

  test.each(TENANT_TABLES)('reads of %s what is its tenant’s, and nothing else', async (table) => {
    const { rows: all } = await as({ all: true }, `SELECT DISTINCT tenant_id FROM ${table} WHERE tenant_id IS NOT NULL`)
    expect(all.length, 'rows of several tenants').toBeGreaterThanOrEqual(2)
    const { rows } = await as({ tenant: red }, `SELECT DISTINCT tenant_id FROM ${table}`)
    expect(rows).toEqual([{ tenant_id: red }])
    const foreign = await as({ tenant: red }, `SELECT * FROM ${table} WHERE tenant_id = $1`, [blue])
    expect(foreign.rows).toEqual([])
    expect((await as({}, `SELECT * FROM ${table}`)).rows, 'without a scope').toEqual([])
  })

  test('finds no object of another tenant by its id, in the draft of that tenant or out of it', async () => {
    const { rows } = await as({ all: true }, 'SELECT id FROM port WHERE tenant_id = $1', [blue])
    const { rows: drafts } = await as({ all: true }, 'SELECT id FROM change WHERE tenant_id <> $1', [red])
    for (const change of [null, ...drafts.map(({ id }) => id)])
      for (const kind of ['network', 'subnet', 'port']) {
        const seen = await as({ tenant: red }, `SELECT DISTINCT tenant_id FROM ${kind}_in($1)`, [change])
        expect(seen.rows).toEqual([{ tenant_id: red }])
      }
    expect((await as({ tenant: red }, 'SELECT * FROM port WHERE id = $1', [rows[0].id])).rows).toEqual([])
    expect((await as({ tenant: red }, 'SELECT * FROM open_edits($1, NULL)', [blue])).rows).toEqual([])
  })

  test('writes no row of another tenant, even by its id', async () => {
    const { rows } = await as({ all: true }, 'SELECT id FROM change WHERE tenant_id = $1', [blue])
    const [{ id }] = rows as [{ id: string }]
    const changed = await as({ tenant: red }, `UPDATE change SET title = 'mine' WHERE id = $1`, [id])
    expect(changed.rowCount).toBe(0)
    expect((await as({ tenant: red }, 'DELETE FROM change_edit WHERE change_id = $1', [id])).rowCount).toBe(0)
    expect((await as({ tenant: red }, 'DELETE FROM vni_reservation WHERE tenant_id = $1', [blue])).rowCount).toBe(0)
    const forged = as(
      ...([
        { tenant: red },
        `INSERT INTO task (id, kind, title, tenant_id) VALUES (gen_random_uuid(), 'x', 'x', $1)`,
      ] as const),
      [blue],
    )
    await expect(forged).rejects.toThrow(/row-level security/)
    const moved = as({ tenant: red }, 'UPDATE change SET tenant_id = $1', [blue])
    await expect(moved).rejects.toThrow(/row-level security/)
  })

  test('sees no other tenant, and writes no quota of its own', async () => {
    expect((await as({ tenant: red }, 'SELECT id FROM tenant')).rows).toEqual([{ id: red }])
    expect((await as({ tenant: red }, 'UPDATE tenant SET quota_ports = 9')).rowCount).toBe(0)
    expect((await as({ tenant: red }, 'SELECT * FROM account')).rows).toEqual([])
    expect((await as({ tenant: red }, `UPDATE server SET vtep = '10.9.9.9'`)).rowCount).toBe(0)
  })

  test.each([
    [`UPDATE audit SET detail = ''`],
    ['DELETE FROM audit'],
    ['TRUNCATE audit'],
    ['DELETE FROM network'],
    [`UPDATE port SET name = 'x'`],
    ['SELECT * FROM number_grant'],
    [`UPDATE journal SET phase = 'committed'`],
    ['SELECT * FROM port_claims(NULL)'],
    ['ALTER TABLE network DISABLE ROW LEVEL SECURITY'],
    ['SET ROLE weft_engine'],
  ])('may not: %s', async (sql) => {
    await expect(as({ all: true }, sql)).rejects.toThrow(/permission denied|must be owner/)
  })

  test('adds no line to the audit log: the engine does, and may change none either', async () => {
    const line = `INSERT INTO audit (actor, action, outcome, tenant_id) VALUES ('x', 'y', 'done', $1)`
    await expect(as({ tenant: red }, line, [red])).rejects.toThrow(/permission denied/)
    for (const sql of [
      'DELETE FROM audit',
      `UPDATE audit SET detail = ''`,
      'DELETE FROM audit_checkpoint',
      'DELETE FROM audit_chain',
    ])
      await expect(database.engine.query(sql), sql).rejects.toThrow(/permission denied/)
  })
})
