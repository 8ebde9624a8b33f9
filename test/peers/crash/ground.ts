import { randomUUID } from 'node:crypto'
import { type Connection, openConnection } from '#server/datapath/openflow/connection.ts'
import { createListeners } from '#server/datapath/openflow/listeners.ts'
import { readHeld } from '#server/datapath/openflow/read.ts'
import { noCounts } from '#server/datapath/openflow/status.ts'
import type { Grant } from '#server/engine/change/journal.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import type { Program } from '#server/engine/program/program.ts'
import { changeStore } from '#server/inventory/changes.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { grantStore } from '#server/inventory/grants.ts'
import { databaseJournal } from '#server/inventory/journal.ts'
import { programStore } from '#server/inventory/programs.ts'
import { setController } from '../openflow.ts'
import { type Openvswitch, startPeer, until } from '../openvswitch.ts'
import { startTestDatabase, type TestDatabase } from '../postgres.ts'

const BRIDGE = 'br0'
const OBSERVER = 'observer.sock'

/** A real switch, and a connection to it that no engine has: what it really holds is read there. */
export interface Switch {
  /** The engine's own id of the datapath. */
  readonly id: string
  readonly name: string
  /** 16 hexadecimal digits. */
  readonly datapathId: string
  readonly peer: Openvswitch
  held(): Promise<Program>
  /** Lets engines in at a socket in the switch's directory, and no longer at any other. */
  admit(socket?: string): Promise<void>
}

/** What a draft asks for beside entries: a network that it makes or takes away, and numbers. */
export interface Draft {
  readonly change: string
  readonly makes?: string
  readonly removes?: string
  readonly granted: readonly Grant[]
  readonly released: readonly string[]
}

/** What the database says of a change and of all that changes leave behind. */
export interface Books {
  readonly state: string
  readonly networks: readonly string[]
  readonly grants: readonly string[]
  /** Numbers, VNIs and advisory locks that are held for changes under way. */
  readonly claims: number
  /** Hashes of the committed programs, read back, by datapath id. */
  readonly hashes: ReadonlyMap<string, string>
  readonly unfinished: number
  /** Actions of the audit rows of the change. */
  readonly audit: readonly string[]
}

/** Two real switches and a real database that outlive engines. */
export interface Ground {
  readonly database: TestDatabase
  readonly switches: readonly [Switch, Switch]
  /** Starts a draft that makes a network, takes one away, or both, and reserves numbers for it. */
  draft(about: { removes?: string; granted?: number; released?: readonly string[] }): Promise<Draft>
  discard(change: string): Promise<void>
  books(change: string): Promise<Books>
  close(): Promise<void>
}

const datapathIdOf = (side: number) => `00000000000000a${side}`

async function observe(peer: Openvswitch, datapathId: string) {
  const listeners = createListeners({ log: () => {} })
  let connection: Connection | undefined
  await listeners.serve({ type: 'unix', path: `${peer.dir}/${OBSERVER}` }, datapathId, (greeting) => {
    connection = openConnection(greeting, { traffic: noCounts(), heard() {}, erred() {}, closed() {} })
  })
  const held = async () => {
    const open = await until('the observer to be connected', () => (connection?.open ? connection : undefined))
    return (await readHeld(open, new Map(), { deadline_ms: 10_000 })).program
  }
  return { held, close: () => listeners.close() }
}

async function startSwitch(side: number): Promise<Switch & { close(): Promise<void> }> {
  const peer = await startPeer({ datapath: 'dummy' })
  const datapathId = datapathIdOf(side)
  await peer.addBridge(BRIDGE, { datapathId })
  const { held, close } = await observe(peer, datapathId)
  const admit = async (socket?: string) => {
    await setController(peer, BRIDGE, [OBSERVER, ...(socket === undefined ? [] : [socket])])
  }
  await admit()
  return { id: randomUUID(), name: `switch-${side}`, datapathId, peer, held, admit, close }
}

async function makeNetwork(database: TestDatabase, change: string, tenant: string): Promise<string> {
  const id = randomUUID()
  const { rows } = await database.engine.query<{ vni: number }>('SELECT draw_vni($1, $2, $3) AS vni', [
    ...[id, tenant, change],
  ])
  const after = { tenantId: tenant, name: `n-${id.slice(0, 8)}`, vni: rows[0]?.vni, mtu: 1450 }
  await database.engine.query(
    `INSERT INTO change_edit (change_id, kind, object_id, tenant_id, operation, revision, after)
     VALUES ($1, 'network', $2, $3, 'create', 1, $4)`,
    [change, id, tenant, after],
  )
  return id
}

const removeNetwork = (database: TestDatabase, change: string, id: string) =>
  database.engine.query(
    `INSERT INTO change_edit (change_id, kind, object_id, tenant_id, operation, base_revision, revision, before)
     SELECT $1, 'network', id, tenant_id, 'delete', revision, revision + 1, jsonb_build_object('name', name) FROM network WHERE id = $2`,
    [change, id],
  )

async function column(database: TestDatabase, sql: string, ...values: unknown[]): Promise<string[]> {
  const { rows } = await database.engine.query<{ one: string }>(sql, values)
  return rows.map(({ one }) => one)
}

const CLAIMS = `SELECT ((SELECT count(*) FROM number_grant_claim) + (SELECT count(*) FROM number_grant WHERE NOT committed)
  + (SELECT count(*) FROM vni_reservation WHERE change_id IS NOT NULL)
  + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'))::text AS one`

async function booksOf(database: TestDatabase, change: string, ids: readonly string[]): Promise<Books> {
  const committed = await programStore(database).committed(ids)
  const [claims] = await column(database, CLAIMS)
  const [state] = await column(database, 'SELECT state AS one FROM change WHERE id = $1', change)
  return {
    state: state ?? 'unknown',
    networks: await column(database, 'SELECT id AS one FROM network ORDER BY id'),
    grants: (await grantStore(database).granted()).map(({ key }) => key),
    claims: Number(claims),
    hashes: new Map([...committed].map(([id, { program }]) => [id, hashProgram(program).all])),
    unfinished: (await databaseJournal(database).unfinished()).length,
    audit: await column(database, 'SELECT action AS one FROM audit WHERE change_id = $1', change),
  }
}

const POOL = 'crash'

export async function startGround(): Promise<Ground> {
  const [database, first, second] = await Promise.all([startTestDatabase(), startSwitch(1), startSwitch(2)])
  const tenant = randomUUID()
  await database.engine.query(
    `INSERT INTO tenant (id, name, display_name, thread, quota_networks, quota_ports) VALUES ($1, 'red', 'Red', 1, 1000, 1000)`,
    [tenant],
  )
  let number = 0
  return {
    database,
    switches: [first, second],
    async draft({ removes, granted = 0, released = [] }) {
      const change = randomUUID()
      await database.engine.query(
        `INSERT INTO change (id, title, tenant_id, actor, reserved_until) VALUES ($1, 'A change', $2, 'admin', now() + interval '1 day')`,
        [change, tenant],
      )
      const makes = await makeNetwork(database, change, tenant)
      if (removes) await removeNetwork(database, change, removes)
      const grants = Array.from({ length: granted }, () => ({ key: `key-${++number}`, pool: POOL, number }))
      await grantStore(database).reserve(change, grants)
      return { change, makes, ...(removes && { removes }), granted: grants, released }
    },
    discard: (change) => changeStore(database).discard(EVERYTHING, change),
    books: (change) => booksOf(database, change, [first.id, second.id]),
    async close() {
      await Promise.all([first.close(), second.close()])
      await database.close()
    },
  }
}
