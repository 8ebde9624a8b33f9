import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Decision } from '#server/identity/ports.ts'
import { EVERYTHING, type Scope } from '#server/inventory/database.ts'
import { DECISION_FIELDS, type DecisionLogOptions, decisionLog } from '#server/inventory/decisions.ts'
import { readList } from '#server/inventory/list.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { site } from './fixture.ts'

let database: TestDatabase
let red: string
let blue: string
beforeAll(async () => {
  database = await startTestDatabase()
  const lab = await site(database)
  red = (await lab.tenant('red')).id
  blue = (await lab.tenant('blue')).id
}, 60_000)
afterAll(() => database?.close())
beforeEach(async () => void (await database.engine.query('DELETE FROM decision')))

const anna = uuidv7()
const decision = (more: Partial<Decision> = {}): Decision => ({
  ...{ accountId: anna, account: 'anna', tenantId: null, address: '::1', procedure: 'networks.create' },
  ...{ right: 'network.write', kind: 'write', allowed: false, because: 'no role' },
  ...more,
})
const read = (more: Partial<Decision> = {}) =>
  decision({ procedure: 'networks.list', right: 'network.read', kind: 'read', allowed: true, ...more })

const NOON_ms = Date.UTC(2026, 0, 1, 12)
/** A log at a time that the test says. */
function logAt(options: DecisionLogOptions = {}) {
  let now_ms = NOON_ms
  const log = decisionLog(database, { clock: { now_ms: () => now_ms, monotonic_ms: () => now_ms }, ...options })
  const pass = (minutes: number) => {
    now_ms += minutes * 60_000
  }
  const listed = async (scope: Scope = EVERYTHING, query: object = {}) =>
    (await log.list(scope, readList({ limit: 50, ...query }, DECISION_FIELDS))).items
  return { log, pass, listed }
}

describe('decisions', () => {
  test('are written a moment later, read newest first within one’s tenant, and go in time', async () => {
    const log = decisionLog(database)
    for (let i = 0; i < 12; i++) log.record(decision({ tenantId: i % 2 ? red : blue, because: `reason ${i}` }))
    await log.flush()
    const listed = async (scope: Scope) => (await log.list(scope, readList({ limit: 50 }, DECISION_FIELDS))).items
    expect((await listed({ tenantId: red })).map(({ because }) => because)).toEqual(
      [11, 9, 7, 5, 3, 1].map((i) => `reason ${i}`),
    )
    expect(await listed(EVERYTHING)).toHaveLength(12)
    const refused = await log.list(EVERYTHING, readList({ limit: 5, filter: 'because:eq:reason 4' }, DECISION_FIELDS))
    expect(refused.items).toMatchObject([
      { allowed: false, right: 'network.write', tenantId: blue, kind: 'write', count: 1 },
    ])
    expect(await log.prune(Date.now() - 60_000)).toBe(0)
    expect(await log.prune(Date.now() + 60_000)).toBe(12)
  })

  test('that let reads in share a row for an hour, with how many there were, over many writes of it', async () => {
    const { log, pass, listed } = logAt()
    for (let minute = 0; minute < 90; minute++) {
      log.record(read())
      if (minute % 7 === 0) await log.flush()
      pass(1)
    }
    await log.flush()
    expect(await listed()).toMatchObject([
      { at: '2026-01-01T13:00:00.000Z', lastAt: '2026-01-01T13:29:00.000Z', count: 30, kind: 'read', allowed: true },
      { at: '2026-01-01T12:00:00.000Z', lastAt: '2026-01-01T12:59:00.000Z', count: 60, account: 'anna' },
    ])
  })

  test('stand apart by who, where, from which address, what and why', async () => {
    const { log, listed } = logAt()
    const different: Partial<Decision>[] = [
      ...[{}, { account: 'anna (token ci)' }, { accountId: uuidv7() }, { tenantId: red }, { address: '192.0.2.1' }],
      ...[{ procedure: 'networks.get' }, { right: 'x' }, { because: 'another binding' }],
    ]
    for (const one of [...different, ...different]) log.record(read(one))
    await log.flush()
    expect((await listed()).map(({ count }) => count)).toEqual(different.map(() => 2))
    expect(await listed(EVERYTHING, { filter: 'count:gt:2' })).toEqual([])
  })

  test('that refused, and those about writes, have a row each', async () => {
    const { log, listed } = logAt()
    for (let n = 0; n < 3; n++) {
      log.record(read({ allowed: false }))
      log.record(decision({ allowed: true }))
    }
    await log.flush()
    expect(await listed(EVERYTHING, { filter: 'kind:eq:read' })).toHaveLength(3)
    expect(await listed(EVERYTHING, { filter: ['kind:eq:write', 'allowed:eq:true'] })).toHaveLength(3)
  })

  test('hold nobody up when the database is away: they are lost, and somebody is told', async () => {
    const lost: number[] = []
    const away = { ...database, engine: { query: () => Promise.reject(new Error('away')) } } as unknown as TestDatabase
    const log = decisionLog(away, { onLost: (count) => void lost.push(count) })
    for (let i = 0; i < 10_003; i++) log.record(decision({ because: 'x' }))
    for (let i = 0; i < 7; i++) log.record(read())
    await log.flush()
    expect(lost.reduce((sum, count) => sum + count, 0)).toBe(10_010)
  })

  test('of more than can wait are counted, and the others are written', async () => {
    const lost: number[] = []
    const { log } = logAt({ onLost: (count) => void lost.push(count) })
    for (let n = 0; n < 10_020; n++) log.record(read({ procedure: `p${n}` }))
    for (let n = 0; n < 5; n++) log.record(read({ procedure: 'p1' }))
    await log.flush()
    expect(lost).toEqual([20])
    const { rows } = await database.engine.query<{ rows: string; calls: string }>(
      'SELECT count(*) AS rows, sum(count) AS calls FROM decision',
    )
    expect(rows).toEqual([{ rows: '10000', calls: '10005' }])
  })
})
