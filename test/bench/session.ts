/**
 * What a request costs before anything is done for it: finding out who has a session id. Uncached is one statement at a
 * PostgreSQL of its own; cached is what every request but the first of some seconds pays. `node test/bench/session.ts [sessions]`
 */
import { cachedSessions } from '#server/identity/access-cache.ts'
import { sessionKeeper } from '#server/identity/sessions.ts'
import { accountStore } from '#server/inventory/accounts.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { sessionStore } from '#server/inventory/sessions.ts'
import { systemClock } from '#server/kernel/clock.ts'
import { startTestDatabase } from '#test/peers/postgres.ts'

const [count = 1000] = process.argv.slice(2).map(Number)
const FROM = { address: '2001:db8::7', agent: 'bench' }
const LIMIT_US = 200
const CHECKS = { uncached: 2000, cached: 200_000 }
const LIMITS = { idle_ms: 3_600_000, absolute_ms: 3_600_000, secondFactor: 'optional' as const, fresh_ms: 600_000 }

const database = await startTestDatabase()
try {
  const { moves } = database
  const store = sessionStore(database)
  const cache = cachedSessions(store, { moves, clock: systemClock, limits: { kept_ms: 60_000, entries: count } })
  const uncached = sessionKeeper(store, LIMITS)
  const cached = sessionKeeper(cache, LIMITS)
  const account = await accountStore(database).create(EVERYTHING, {
    ...{ name: 'anna', displayName: 'Anna', role: 'operator', tenantId: null, passwordHash: '' },
  })
  const ids: string[] = []
  for (let n = 0; n < count; n++) ids.push((await uncached.begin(account, FROM)).id)
  while (!moves.attentive) await new Promise((resolve) => setTimeout(resolve, 5))

  /** Microseconds for each check: the median and the 99th of a hundred. */
  const measure = async (keeper: typeof cached, checks: number) => {
    const times_us = new Float64Array(checks)
    for (let n = 0; n < checks; n++) {
      const id = ids[n % ids.length] as string
      const begun_ms = performance.now()
      if (!(await keeper.find(id, FROM))) throw new Error('a session is not there')
      times_us[n] = (performance.now() - begun_ms) * 1000
    }
    times_us.sort()
    return { median: times_us[checks >> 1] as number, p99: times_us[Math.floor(checks * 0.99)] as number }
  }
  for (const keeper of [uncached, cached]) await measure(keeper, count)
  const slow = await measure(uncached, CHECKS.uncached)
  const fast = await measure(cached, CHECKS.cached)
  const line = (what: string, { median, p99 }: typeof slow) =>
    `${what.padEnd(9)} ${median.toFixed(1).padStart(8)} µs, 99 of 100 within ${p99.toFixed(1)} µs\n`
  process.stdout.write(line('uncached', slow) + line('cached', fast))
  const verdict = fast.median <= LIMIT_US ? 'within' : 'BEYOND'
  process.stdout.write(`${(slow.median / fast.median).toFixed(0)} times; ${verdict} ${LIMIT_US} µs\n`)
} finally {
  await database.close()
}
