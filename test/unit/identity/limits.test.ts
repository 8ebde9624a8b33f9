import { describe, expect, test } from 'vitest'
import { limitCounter, limitWatch } from '#server/identity/limits.ts'
import { memoryAudit, watchInto } from './stores.ts'

const MINUTE_MS = 60_000

function ground(begun_ms = Date.UTC(2026, 0, 1, 12)) {
  let now_ms = begun_ms
  const audit = memoryAudit()
  const watch = watchInto(audit, { now_ms: () => now_ms })
  const pass = (minutes: number) => {
    now_ms += minutes * MINUTE_MS
  }
  /** As a counter tells it, a minute before its window ends. */
  const reach = (key: string, limit = 'rate.address', wait_s = 60) =>
    watch.reached({ limit, key, words: `Too much of ${key}.`, wait_s }, { address: key })
  return { audit, reach, pass }
}

describe('a limit that is reached', () => {
  test('leaves one line for a thousand refused requests, with who, what and until when', async () => {
    const audit = memoryAudit()
    const limit = { name: 'rate.account', points: 5, window_ms: MINUTE_MS, what: 'requests for this account' }
    const { count } = limitCounter(limit, watchInto(audit))
    const by = { address: '192.0.2.1', actor: 'anna', actorId: 'a', subject: 'user/a', tenantId: 'red' }
    const counts = await Promise.all(Array.from({ length: 1005 }, () => count('a', by)))
    expect(counts.filter(({ over }) => over)).toHaveLength(1000)
    expect(audit.lines).toMatchObject([{ ...by, action: 'limit.reached', outcome: 'refused', reason: 'rate.account' }])
    expect(audit.lines[0]?.detail).toMatch(
      /^More than 5 requests for this account in 60 s\. Refused until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.$/,
    )
  })

  test('leaves another in the next window, and one for each key and limit', async () => {
    const { audit, reach, pass } = ground()
    for (let n = 0; n < 3; n++) await reach('192.0.2.1')
    await reach('192.0.2.2')
    await reach('192.0.2.1', 'sign-in.address')
    expect(audit.lines.map(({ reason, address }) => [reason, address])).toEqual([
      ['rate.address', '192.0.2.1'],
      ['rate.address', '192.0.2.2'],
      ['sign-in.address', '192.0.2.1'],
    ])
    expect(audit.lines[0]?.detail).toBe('Too much of 192.0.2.1. Refused until 2026-01-01T12:01:00Z.')
    pass(1)
    for (let n = 0; n < 3; n++) await reach('192.0.2.1')
    expect(audit.lines).toHaveLength(4)
  })

  test('leaves no further one while tries that worked are forgiven', async () => {
    const audit = memoryAudit()
    const limit = { name: 'x', points: 1, window_ms: MINUTE_MS, what: 'tries' }
    const { count, forgive } = limitCounter(limit, watchInto(audit))
    await count('a', { address: '' })
    for (let n = 0; n < 10; n++) {
      await count('a', { address: '' })
      await forgive('a')
    }
    expect(audit.lines).toHaveLength(1)
  })

  test('is not written without end, from however many addresses: one line says that there are more', async () => {
    const { audit, reach, pass } = ground()
    for (let n = 0; n < 5000; n++) await reach(`address ${n}`)
    expect(audit.lines).toHaveLength(101)
    expect(audit.lines.at(-1)?.detail).toBe(
      'This limit was reached more than 100 times: no further line until 2026-01-01T12:15:00Z.',
    )
    await reach('anna', 'rate.account')
    expect(audit.lines.at(-1)).toMatchObject({ reason: 'rate.account' })
    pass(15)
    await reach('address 1')
    expect(audit.lines.at(-1)).toMatchObject({ reason: 'rate.address', address: 'address 1' })
  })

  test('is remembered through the next quarter of an hour where its window is longer', async () => {
    const { audit, reach, pass } = ground()
    await reach('192.0.2.1', 'sign-in.address', 3600)
    for (let quarter = 0; quarter < 3; quarter++) {
      pass(15)
      await reach('192.0.2.1', 'sign-in.address', 3600)
    }
    expect(audit.lines).toHaveLength(1)
    for (let n = 0; n < 200; n++) await reach(`address ${n}`, 'sign-in.address', 3600)
    // Keys that are remembered count against what the quarter may hold.
    expect(audit.lines).toHaveLength(101)
  })

  test('refuses though its line cannot be written', async () => {
    const faults: string[] = []
    const watch = limitWatch({
      ...{ audit: { record: () => Promise.reject(new Error('away')) }, clock: { now_ms: () => 0 } },
      onFault: ({ message }) => void faults.push(message),
    })
    const { count } = limitCounter({ name: 'x', points: 1, window_ms: MINUTE_MS, what: 'tries' }, watch)
    await count('a', { address: '' })
    expect(await count('a', { address: '' })).toMatchObject({ over: true, remaining: 0 })
    expect(faults).toEqual(['away'])
  })
})
