import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { auditHandlers } from '#server/api/audit.ts'
import { auditKeeping } from '#server/identity/audit/keeping.ts'
import { auditLog } from '#server/inventory/audit.ts'
import { auditEvidence } from '#server/inventory/audit-evidence.ts'
import { auditOutbox } from '#server/inventory/audit-outbox.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { keysOf, testSigner } from '../identity/audit/signer.ts'
import { ground } from './ground.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase()
}, 30_000)
afterAll(() => database?.close())

const KEYS = keysOf(testSigner())

/** A console over a real audit log, that ships its checkpoints to a file. */
async function consoleWithLog() {
  const audit = auditLog(database)
  const folder = mkdtempSync(path.join(tmpdir(), 'weft-audit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'shipped.jsonl')
  const keeping = auditKeeping({
    ...{ outbox: auditOutbox(database), keys: KEYS, file, fileLines: false, syslog: undefined, folder },
    ...{ checkpoint: { lines: 1000, interval_ms: 60_000 } },
    onFault: (_, error) => {
      throw error
    },
  })
  await keeping.start()
  const { verificationKeys: keys } = KEYS
  const parts = { audit, evidence: auditEvidence(database), keys, shipping: keeping.shipping }
  const handlers = auditHandlers({ ...parts, shipped: async () => [] })
  const made = await ground({ audit: handlers })
  for (let i = 1; i <= 1200; i++)
    void audit.record({
      ...{ actor: i === 3 ? '=cmd()' : 'olga', address: '::1', action: 'networks.create', outcome: 'done' },
      ...{ subject: null, tenantId: null, changeId: null, detail: `number ${i}, "quoted"`, after: { i } },
    })
  await audit.record({
    ...{ actor: 'olga', address: '::1', action: 'networks.delete', outcome: 'refused', reason: 'network.in-use' },
    ...{ subject: null, tenantId: null, changeId: null, detail: '' },
  })
  await keeping.close()
  await made.login()
  return { ...made, shipped: file }
}

describe('./weft audit', () => {
  test('lists, exports and verifies; what an owner of the database rewrites is found by what was shipped', async () => {
    const { weft, state, shipped } = await consoleWithLog()
    const { out } = await weft('audit', 'list', '--filter', 'outcome:eq:refused')
    expect(out).toMatch(/olga .* networks\.delete .* refused .* network\.in-use/)
    expect((await weft('audit', 'list', '--search', 'number 77,')).out).toContain('number 77, "quoted"')

    const to = path.join(state, 'log.csv')
    expect(await weft('audit', 'export', '--to', to)).toMatchObject({ code: 0, out: '' })
    const rows = readFileSync(to, 'utf8').trimEnd().split('\r\n')
    expect(rows[0]).toMatch(/^id,at,actor,/)
    expect(rows).toHaveLength(1 + 1201)
    expect(rows.find((row) => row.includes('cmd()'))).toContain(`,'=cmd(),`)
    expect(rows.at(-1)).toContain('"number 1, ""quoted"""')
    const lines = await weft('audit', 'export', '--format', 'jsonl', '--filter', 'reason:eq:network.in-use')
    expect(
      lines.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).action),
    ).toEqual(['networks.delete'])
    expect(await weft('audit', 'export', '--to', to)).toMatchObject({ code: 1, err: expect.stringContaining('EEXIST') })

    const sound = await weft('audit', 'verify')
    expect([sound.code, sound.err]).toEqual([0, ''])
    expect(sound.out).toMatch(/operators +1201 +1 +1201 +0/)
    expect((await weft('audit', 'verify', '--checkpoints', shipped)).code).toBe(0)

    const owner = new pg.Client(database.url('weft_owner'))
    await owner.connect()
    await owner.query(`DELETE FROM audit WHERE id = (SELECT max(id) - 500 FROM audit)`)
    const found = await weft('audit', 'verify', '-o', 'json')
    expect(found).toMatchObject({ code: 1, err: expect.stringContaining('1 findings') })
    expect(JSON.parse(found.out)).toMatchObject({ sound: false, findings: [{ kind: 'missing', chain: 'operators' }] })

    for (const table of ['audit', 'audit_chain', 'audit_checkpoint']) await owner.query(`DELETE FROM ${table}`)
    await owner.end()
    expect((await weft('audit', 'verify')).code).toBe(0)
    const cut = await weft('audit', 'verify', '--checkpoints', shipped)
    expect([cut.code, cut.out]).toMatchObject([1, expect.stringMatching(/cut .*operators .*1201/)])
  })

  test('refuses a file without checkpoints, and one that is not there', async () => {
    const { weft, file } = await ground()
    expect((await weft('audit', 'verify', '--checkpoints', file('none', '{}\n'))).code).toBe(2)
    expect((await weft('audit', 'verify', '--checkpoints', '/nowhere')).code).toBe(2)
  })
})
