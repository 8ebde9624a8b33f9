/**
 * Lines of the audit log a second, each stored before its writer goes on, hashed and chained; beside it, in turns, plain
 * INSERTs of the same rows by as many writers. Then how long it takes to verify them all, and to read a page at the far
 * end, with the memory that it took. `node test/bench/audit.ts [lines to verify]`
 */
import pg from 'pg'
import { auditVerifier } from '#server/api/audit-verification.ts'
import type { AuditEntry } from '#server/identity/ports.ts'
import { AUDIT_FIELDS, auditLog } from '#server/inventory/audit.ts'
import { auditEvidence } from '#server/inventory/audit-evidence.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { readList } from '#server/inventory/list.ts'
import { startTestDatabase } from '#test/peers/postgres.ts'

const ROUNDS = 5
const ROUND_MS = 1000
const WRITERS = [1, 8, 64]
const TENANTS = ['0190a0a0-0000-7000-8000-000000000001', null, '0190a0a0-0000-7000-8000-000000000002']

const entry = (n: number): AuditEntry => ({
  ...{
    actor: 'olga',
    actorId: '0190a0a0-0000-7000-8000-00000000000a',
    address: '192.0.2.7',
    action: 'networks.update',
  },
  ...{ outcome: 'done', subject: `network/${n}`, tenantId: TENANTS[n % 3] ?? null, changeId: null, detail: `C-${n}` },
  ...{ before: { name: 'web', vni: n, mtu: 1500 }, after: { name: 'front', vni: n, mtu: 1400 } },
})

const database = await startTestDatabase()
const log = auditLog(database)

const plain = (one: AuditEntry) =>
  database.engine.query(
    `INSERT INTO audit (actor, actor_id, address, action, outcome, subject, tenant_id, change_id, detail, before, after)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...[one.actor, one.actorId, one.address, one.action, one.outcome, one.subject, one.tenantId, one.changeId],
      ...[one.detail, JSON.stringify(one.before), JSON.stringify(one.after)],
    ],
  )

/** Lines a second that so many writers bring about, each waiting for its own. */
async function rate(writers: number, write: (one: AuditEntry) => Promise<unknown>): Promise<number> {
  const start = performance.now()
  let count = 0
  const writer = async () => {
    while (performance.now() - start < ROUND_MS) {
      count += 1
      await write(entry(count))
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
  return (count / (performance.now() - start)) * 1000
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

await rate(8, log.record)
for (const writers of WRITERS) {
  const [chained, bare]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    chained.push(await rate(writers, log.record))
    bare.push(await rate(writers, plain))
  }
  const ratio = median(chained.map((one, i) => one / (bare[i] ?? 1)))
  const [ours, theirs] = [chained, bare].map((rates) => Math.round(median(rates)).toLocaleString('en'))
  console.log(
    `${String(writers).padStart(3)} writers: ${ours} lines/s chained, ${theirs} plain INSERTs/s: ${ratio.toFixed(2)} times`,
  )
}

const WANTED = Number(process.argv[2] ?? 100_000)
for (let written = 0; written < WANTED; written += 2000)
  await Promise.all(Array.from({ length: 2000 }, (_, i) => log.record(entry(written + i))))
// As the database does by itself after a while.
const owner = new pg.Client(database.url('weft_owner'))
await owner.connect()
await owner.query('ANALYZE audit')
await owner.end()

const verify = auditVerifier({ evidence: auditEvidence(database), keys: async () => [], shipped: async () => [] })
let peak = 0
const before = process.memoryUsage().rss
const watching = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage().rss - before)
}, 20)
const begun = performance.now()
const { lines, findings } = await verify(EVERYTHING, undefined, [])
const took = performance.now() - begun
clearInterval(watching)
const edited = findings.filter(({ kind }) => kind !== 'outside').length
console.log(
  `verified ${lines.toLocaleString('en')} lines (${edited} findings) in ${(took / 1000).toFixed(1)} s: ` +
    `${Math.round(lines / (took / 1000)).toLocaleString('en')} a second, ${(peak / 2 ** 20).toFixed(0)} MiB more memory`,
)

const pageAt = async (cursor?: string) => {
  const start = performance.now()
  const page = await log.lines(EVERYTHING, readList({ limit: 500, ...(cursor && { cursor }) }, AUDIT_FIELDS))
  return { ms: performance.now() - start, page }
}
await pageAt()
const newest = await pageAt()
const far = await pageAt(Buffer.from(JSON.stringify([1000, '1000'])).toString('base64url'))
console.log(`a page of 500 lines: ${newest.ms.toFixed(0)} ms at the near end, ${far.ms.toFixed(0)} ms at the far one`)
const start = performance.now()
await log.list(EVERYTHING, { ...readList({ limit: 100 }, AUDIT_FIELDS), search: 'no such text' })
console.log(`a search that finds nothing: ${(performance.now() - start).toFixed(0)} ms`)
await database.close()
