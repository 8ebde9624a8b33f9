/**
 * What it costs a read that the decision to let it in is written down, and how fast what waits is stored.
 * `node test/bench/decisions.ts [accounts]`
 */
import type { Decision } from '#server/identity/ports.ts'
import { decisionLog } from '#server/inventory/decisions.ts'
import { startTestDatabase } from '#test/peers/postgres.ts'

const [accounts = 200] = process.argv.slice(2).map(Number)
const PROCEDURES = 40
const READS = 2_000_000
const LIMIT_US = 5

const reads: Decision[] = Array.from({ length: accounts * PROCEDURES }, (_, n) => ({
  accountId: `0190a0a0-0000-7000-8000-${String(n % accounts).padStart(12, '0')}`,
  ...{
    account: `person-${n % accounts}`,
    tenantId: null,
    address: '192.0.2.1',
    procedure: `area.read${Math.floor(n / accounts)}`,
  },
  ...{ right: 'network.read', kind: 'read', allowed: true },
  because: 'the role operator everywhere (binding 0190a0a0-0000-7000-8000-000000000000)',
}))

const database = await startTestDatabase()
try {
  let lost = 0
  const log = decisionLog(database, {
    onLost: (count) => {
      lost += count
    },
  })
  for (const one of reads) log.record(one)
  await log.flush()
  const begun_ms = performance.now()
  for (let n = 0; n < READS; n++) log.record(reads[n % reads.length] as Decision)
  const each_us = ((performance.now() - begun_ms) * 1000) / READS
  const flushed_ms = performance.now()
  await log.flush()
  const flush_ms = performance.now() - flushed_ms
  const { rows } = await database.engine.query('SELECT count(*)::int AS rows, sum(count)::int AS calls FROM decision')
  process.stdout.write(`${each_us.toFixed(2)} µs a read; ${rows[0].rows} rows stored in ${flush_ms.toFixed(0)} ms\n`)
  process.stdout.write(`${rows[0].calls} reads are counted, ${lost} lost\n`)
  process.stdout.write(`${each_us <= LIMIT_US ? 'within' : 'BEYOND'} ${LIMIT_US} µs\n`)
} finally {
  await database.close()
}
