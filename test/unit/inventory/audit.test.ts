import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { auditVerifier } from '#server/api/audit-verification.ts'
import type { ShippedCheckpoint } from '#server/contract/audit.ts'
import { toShipped } from '#server/identity/audit/checkpoint.ts'
import { checkpointKeeper } from '#server/identity/audit/checkpoints.ts'
import { GENESIS, hashLine } from '#server/identity/audit/line.ts'
import type { AuditEntry } from '#server/identity/ports.ts'
import { AUDIT_FIELDS, auditLog } from '#server/inventory/audit.ts'
import { appendAudit } from '#server/inventory/audit-chain.ts'
import { auditEvidence } from '#server/inventory/audit-evidence.ts'
import { auditOutbox } from '#server/inventory/audit-outbox.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { readList } from '#server/inventory/list.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { keysOf, testSigner } from '../identity/audit/signer.ts'
import './fixture.ts'

let database: TestDatabase
/** Somebody who owns the database, and so can write what they like. */
let owner: pg.Client
beforeAll(async () => {
  database = await startTestDatabase()
  owner = new pg.Client(database.url('weft_owner'))
  await owner.connect()
})
afterAll(async () => {
  await owner?.end()
  await database?.close()
})

/** Each test has a tenant, and so a chain, of its own. */
let tenantId: string
beforeEach(() => {
  tenantId = randomUUID()
})

const entry = (more: Partial<AuditEntry> = {}): AuditEntry => ({
  ...{ actor: 'olga', address: '::1', action: 'networks.create', outcome: 'done', subject: 'network/1' },
  ...{ tenantId, changeId: null, detail: '', ...more },
})

const KEY = testSigner()
const KEYS = keysOf(KEY)

async function fill(count = 9): Promise<void> {
  const log = auditLog(database)
  for (let i = 1; i <= count; i++) await log.record(entry({ detail: `step ${i}`, after: { step: i } }))
}

const sign = () =>
  checkpointKeeper({
    ...{ store: auditOutbox(database), keys: KEYS, lines: 1000, interval_ms: 60_000, onKept: () => undefined },
    onFault: (error) => {
      throw error
    },
  }).now()

/** The newest checkpoint of the chain as it was sent outside. */
async function shipped(): Promise<ShippedCheckpoint> {
  const all = await auditOutbox(database).checkpoints(0, 10_000)
  const last = all.filter(({ chain }) => chain === tenantId).at(-1)
  if (!last) throw new Error('The chain has no checkpoint.')
  return toShipped(last, KEY.publicKey)
}

const verify = (given: readonly ShippedCheckpoint[] = [], keys = KEYS) =>
  auditVerifier({ evidence: auditEvidence(database), keys: keys.verificationKeys, shipped: async () => [] })(
    ...[EVERYTHING, tenantId, given],
  )
const found = async (...asked: Parameters<typeof verify>) =>
  (await verify(...asked)).findings.map(({ kind, sequence }) => [kind, sequence])

/** What a database owner can do so that the chain fits again: hash every line anew, and move the head. */
async function rewrite(): Promise<void> {
  let previous = GENESIS
  const { rows } = await owner.query('SELECT id FROM audit WHERE chain = $1 ORDER BY sequence', [tenantId])
  const ids = rows.map(({ id }) => id as string)
  for (const [i, id] of ids.entries()) await owner.query('UPDATE audit SET sequence = $2 WHERE id = $1', [id, -1 - i])
  for (const [i, id] of ids.entries()) await owner.query('UPDATE audit SET sequence = $2 WHERE id = $1', [id, i + 1])
  for (const line of await auditOutbox(database).lines(tenantId, 0, 1000)) {
    previous = hashLine(previous, line)
    await owner.query('UPDATE audit SET hash = $3 WHERE chain = $1 AND sequence = $2', [
      tenantId,
      line.sequence,
      previous,
    ])
  }
  await owner.query('UPDATE audit_chain SET sequence = $2, hash = $3 WHERE chain = $1', [
    tenantId,
    ids.length,
    previous,
  ])
}

describe('lines', () => {
  test('come into the chain of their tenant, without gaps, however many write at once', async () => {
    const log = auditLog(database)
    const other = randomUUID()
    const many = Array.from({ length: 600 }, (_, i) => log.record(entry({ tenantId: i % 3 ? tenantId : other })))
    await Promise.all(many)
    expect(await verify()).toMatchObject({ sound: true, lines: 400 })
    expect((await database.engine.query('SELECT sequence FROM audit_chain WHERE chain = $1', [other])).rows).toEqual([
      { sequence: '200' },
    ])
  })

  test('of several engines on one database make one chain', async () => {
    const logs = [auditLog(database), auditLog(database), auditLog(database)]
    const work = Array.from({ length: 150 }, (_, i) => logs[i % 3]?.record(entry({ detail: `${i}` })))
    await Promise.all(work)
    expect(await verify()).toMatchObject({ sound: true, lines: 150 })
  })

  test('of a transaction are there with it, or not at all', async () => {
    await fill(2)
    const failing = database.asEngine(async (tx) => {
      await appendAudit(tx, [entry()])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await database.asEngine((tx) => appendAudit(tx, [entry(), entry()]))
    await fill(1)
    expect(await verify()).toMatchObject({ sound: true, lines: 5 })
  })

  test('are stored when `record` resolves, and come back as they were given', async () => {
    const log = auditLog(database)
    const actorId = randomUUID()
    await log.record(
      entry({
        ...{ actor: 'zo\u0000ë \ud800', actorId, provider: 'corp', outcome: 'refused', reason: 'network.name-taken' },
        ...{ before: { name: 'a', mtu: 1500 }, after: { name: 'b', password: 'x', nested: { clientSecret: 'y' } } },
      }),
    )
    const [line] = (await log.lines({ tenantId }, { conditions: [], limit: 1 })).items
    expect(line).toMatchObject({
      ...{ actor: 'zo\ufffdë \ufffd', actorId, provider: 'corp', outcome: 'refused', reason: 'network.name-taken' },
      ...{ tenantId, chain: tenantId, sequence: 1, before: { name: 'a', mtu: 1500 } },
      after: { name: 'b', password: '(hidden)', nested: { clientSecret: '(hidden)' } },
    })
    expect(await log.get({ tenantId }, line?.id ?? '')).toEqual(line)
    await expect(log.get({ tenantId: randomUUID() }, line?.id ?? '')).rejects.toMatchObject({ code: 'not-found' })
    expect(await verify()).toMatchObject({ sound: true })
  })

  test('that the database does not take fail alone', async () => {
    const log = auditLog(database)
    const wrong = entry({ outcome: 'maybe' as 'done' })
    const results = await Promise.allSettled([entry(), wrong, entry()].map((one) => log.record(one)))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await verify()).toMatchObject({ sound: true, lines: 2 })
  })

  test('are found by any of their fields, and by text anywhere in them', async () => {
    const log = auditLog(database)
    await log.record(entry({ actor: 'anna', outcome: 'refused', reason: 'forbidden', address: '192.0.2.7' }))
    await log.record(entry({ actor: 'bert', provider: 'corp', before: { gateway: '10.9.8.1' } }))
    await fill(3)
    const read = async (query: { filter?: string | string[]; sort?: string; search?: string }) => {
      const { search, ...list } = query
      const request = { ...readList({ limit: 2, ...list }, AUDIT_FIELDS), search }
      const page = await log.list({ tenantId }, request)
      return page.items.map(({ actor, detail }) => detail || actor)
    }
    expect(await read({ filter: 'reason:eq:forbidden' })).toEqual(['anna'])
    expect(await read({ filter: ['provider:eq:corp', 'outcome:eq:done'] })).toEqual(['bert'])
    expect(await read({ search: '10.9.8.1' })).toEqual(['bert'])
    expect(await read({ search: '192.0.2.7' })).toEqual(['anna'])
    expect(await read({ filter: `at:gt:${new Date(Date.now() + 60_000).toISOString()}` })).toEqual([])
    expect(await read({})).toEqual(['step 3', 'step 2'])
    expect(await read({ sort: 'actor' })).toEqual(['anna', 'bert'])
    expect(await read({ sort: 'number', search: 'STEP' })).toEqual(['step 1', 'step 2'])
  })
})

describe('a chain', () => {
  beforeEach(async () => {
    await fill(5)
    await sign()
    await fill(4)
  })

  test('that nobody touched has no findings, and its checkpoint vouches', async () => {
    expect(await verify([await shipped()])).toMatchObject({
      ...{ sound: true, lines: 9, findings: [] },
      chains: [{ name: tenantId, lines: 9, checkpoints: 2, vouchedTo: 5, findings: 0 }],
    })
  })

  test.each([
    ['actor', `'mallory'`],
    ['actor_id', 'gen_random_uuid()'],
    ['provider', `'other'`],
    ['address', `'10.0.0.1'`],
    ['action', `'networks.get'`],
    ['outcome', `'refused'`],
    ['reason', `'x'`],
    ['subject', `'network/2'`],
    ['change_id', 'gen_random_uuid()'],
    ['detail', `'nothing'`],
    ['at', `at + interval '1 ms'`],
    ['before', `'{}'`],
    ['after', `'{"step": 3}'`],
    ['tenant_id', 'NULL'],
    ['hash', `decode(repeat('11', 32), 'hex')`],
  ])('has a finding where the %s of a line is another', async (column, value) => {
    await owner.query(`UPDATE audit SET ${column} = ${value} WHERE chain = $1 AND sequence = 3`, [tenantId])
    expect(await found()).toContainEqual(['edited', 3])
  })

  test.each([
    ['before', 2],
    ['after', 7],
  ])('has a finding where a line %s the checkpoint is gone', async (_, sequence) => {
    await owner.query('DELETE FROM audit WHERE chain = $1 AND sequence = $2', [tenantId, sequence])
    expect(await found()).toEqual([['missing', sequence + 1]])
  })

  test('has a finding where lines changed places', async () => {
    await owner.query('UPDATE audit SET sequence = -sequence WHERE chain = $1 AND sequence IN (6, 7)', [tenantId])
    await owner.query('UPDATE audit SET sequence = 13 + sequence WHERE chain = $1 AND sequence < 0', [tenantId])
    expect(await found()).toContainEqual(['reordered', 7])
  })

  test('has a finding where only the order in which lines are listed is another', async () => {
    const { rows } = await owner.query('SELECT id FROM audit WHERE chain = $1 AND sequence IN (6, 7) ORDER BY id', [
      tenantId,
    ])
    const [a, b] = rows.map(({ id }) => id)
    await owner.query('UPDATE audit SET id = -id WHERE id IN ($1, $2)', [a, b])
    await owner.query('UPDATE audit SET id = CASE -id WHEN $1 THEN $2::bigint ELSE $1 END WHERE id < 0', [a, b])
    expect(await found()).toEqual([['reordered', 7]])
  })

  test('has a finding where a line was put in between', async () => {
    await owner.query('UPDATE audit SET sequence = sequence + 100 WHERE chain = $1 AND sequence > 5', [tenantId])
    await owner.query('UPDATE audit SET sequence = sequence - 99 WHERE chain = $1 AND sequence > 100', [tenantId])
    await owner.query(
      `INSERT INTO audit (chain, sequence, hash, actor, action, outcome, tenant_id)
       SELECT chain, 6, hash, 'x', 'y', 'done', tenant_id FROM audit WHERE chain = $1 AND sequence = 5`,
      [tenantId],
    )
    expect((await verify()).sound).toBe(false)
  })

  test('has a finding where its end is cut off: the head goes further', async () => {
    await owner.query('DELETE FROM audit WHERE chain = $1 AND sequence > 6', [tenantId])
    expect(await found()).toEqual([['cut', 7]])
  })

  test('has a finding where its end is cut off with its head: the checkpoint goes further', async () => {
    await owner.query('DELETE FROM audit WHERE chain = $1 AND sequence > 3', [tenantId])
    await rewrite()
    expect(await found()).toEqual([['cut', 4]])
  })

  test('has a finding where all of it is gone', async () => {
    await owner.query('DELETE FROM audit WHERE chain = $1', [tenantId])
    expect(await found()).toEqual([['cut', 1]])
    await owner.query('DELETE FROM audit_chain WHERE chain = $1', [tenantId])
    expect(await found()).toEqual([['cut', 1]])
  })

  test('that is gone with its head and checkpoints is missed by whoever kept one', async () => {
    const kept = await shipped()
    for (const table of ['audit', 'audit_chain', 'audit_checkpoint'])
      await owner.query(`DELETE FROM ${table} WHERE chain = $1`, [tenantId])
    expect(await found([kept])).toEqual([['cut', 1]])
  })

  test.each([
    ['is back', 'sequence = 8'],
    ['has another hash', `hash = decode(repeat('22', 32), 'hex')`],
  ])('has a finding where its head %s', async (_, set) => {
    await owner.query(`UPDATE audit_chain SET ${set} WHERE chain = $1`, [tenantId])
    expect(await found()).toEqual([['head', null]])
  })

  test('that was rewritten whole is caught by the checkpoint in the database', async () => {
    await owner.query(`UPDATE audit SET actor = 'mallory' WHERE chain = $1 AND sequence = 2`, [tenantId])
    await rewrite()
    expect(await found()).toEqual([['rewritten', 5]])
  })

  test('that was rewritten whole, its checkpoints too, is caught by a shipped one', async () => {
    const kept = await shipped()
    await owner.query(`UPDATE audit SET actor = 'mallory' WHERE chain = $1 AND sequence = 2`, [tenantId])
    await rewrite()
    await owner.query('DELETE FROM audit_checkpoint WHERE chain = $1', [tenantId])
    expect(await found(), 'the database alone says nothing').toEqual([])
    expect(await found([kept])).toEqual([['rewritten', 5]])
    // Whoever owns the database may even have put a key of their own there, and signed with it.
    const forger = testSigner()
    const store = auditOutbox(database)
    const onFault = (error: Error) => {
      throw error
    }
    const parts = { lines: 1, interval_ms: 1, onKept: () => undefined, onFault }
    await checkpointKeeper({ store, keys: keysOf(forger), ...parts }).now()
    const theirs = keysOf(forger, { ...forger, keyId: KEY.keyId })
    expect(await found([], theirs)).toEqual([])
    expect(await found([kept], theirs)).toEqual(
      expect.arrayContaining([
        ['key', null],
        ['rewritten', 5],
      ]),
    )
  })

  test('has a finding for a checkpoint that no key of ours signed', async () => {
    await owner.query(`UPDATE audit_checkpoint SET at = at + interval '1 day' WHERE chain = $1`, [tenantId])
    expect(await found()).toEqual([['forged', 5]])
    await owner.query('UPDATE audit_checkpoint SET key_id = gen_random_uuid() WHERE chain = $1', [tenantId])
    expect(await found()).toEqual([['forged', 5]])
    const kept = await shipped()
    expect(await found([{ ...kept, sequence: 9 }])).toContainEqual(['forged', 9])
  })

  test('goes on behind what was cut, and the cut stays to be seen', async () => {
    await owner.query('DELETE FROM audit WHERE chain = $1 AND sequence > 7', [tenantId])
    await fill(2)
    expect(await found()).toEqual([['missing', 10]])
  })

  test.each([
    ['back', 'UPDATE audit_chain SET sequence = 2 WHERE chain = $1'],
    ['away', 'DELETE FROM audit_chain WHERE chain = $1'],
  ])('is written on where its head was put %s, and says so', async (_, sql) => {
    await owner.query(sql, [tenantId])
    await fill(1)
    await database.asEngine((tx) => appendAudit(tx, [entry()]))
    const { items } = await auditLog(database).list(
      { tenantId },
      readList({ limit: 100, filter: 'reason:eq:head' }, AUDIT_FIELDS),
    )
    expect(items).toMatchObject([
      { action: 'audit.head', outcome: 'failed', detail: expect.stringContaining('line 9') },
    ])
    expect(await verify()).toMatchObject({ sound: true, lines: 12 })
    await owner.query(sql, [tenantId])
    await database.asEngine((tx) => appendAudit(tx, [entry()]))
    expect(await verify()).toMatchObject({ sound: true, lines: 14 })
  })

  test('has one finding, and is followed no longer than it has lines, where a line was put far away', async () => {
    await owner.query('UPDATE audit SET sequence = 9007199254740991 WHERE chain = $1 AND sequence = 9', [tenantId])
    expect(await found()).toEqual([
      ['missing', 9007199254740991],
      ['head', null],
    ])
  })

  test('is not what a line without a chain is in', async () => {
    const { rows } = await owner.query(
      `INSERT INTO audit (actor, action, outcome, tenant_id) VALUES ('x', 'y', 'done', $1) RETURNING id`,
      [tenantId],
    )
    const whole = auditVerifier({
      evidence: auditEvidence(database),
      keys: KEYS.verificationKeys,
      shipped: async () => [],
    })
    const { findings } = await whole({ tenantId }, undefined, [])
    expect(findings).toMatchObject([{ kind: 'outside', id: rows[0].id }])
  })
})

describe('a tenant', () => {
  test('verifies its own chain, and hears of no other', async () => {
    await fill(3)
    const mine = tenantId
    tenantId = randomUUID()
    await fill(3)
    await sign()
    const [kept, other] = [await shipped(), tenantId]
    const evidence = auditEvidence(database)
    const whole = auditVerifier({ evidence, keys: KEYS.verificationKeys, shipped: async () => [kept] })
    const result = await whole({ tenantId: mine }, undefined, [kept])
    expect(result).toMatchObject({ sound: true, lines: 3, chains: [{ name: mine }] })
    await expect(whole({ tenantId: mine }, other, [kept])).rejects.toMatchObject({ code: 'not-found' })
    const chains = await evidence.chains({ tenantId: mine }, { conditions: [], limit: 100 })
    expect(chains.items).toMatchObject([{ name: mine, sequence: 3, signedTo: 3 }])
    const seen = await evidence.checkpoints({ tenantId: mine }, { conditions: [], limit: 100 })
    expect(seen.items.map(({ chain }) => chain)).toEqual([mine])
  })
})
