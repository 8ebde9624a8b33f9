import { describe, expect, test } from 'vitest'
import { RateExceeded, rateHeaders, requestRates } from '#server/http/rates.ts'
import type { Caller } from '#server/identity/sessions.ts'
import { UNWATCHED } from '../identity/stores.ts'
import { startConsole } from './ground.ts'

const LIMITS = { perAccount: 100, perToken: 100, perAddress: 100, perTenant: 100 }

const ratesOf = (limits: Partial<typeof LIMITS>) => {
  const rates = requestRates({ ...LIMITS, ...limits }, UNWATCHED)
  return { address: rates.address, caller: (who: Caller) => rates.caller(who, '192.0.2.1') }
}

const caller = (id: string, tenantId: string | null = null, token?: string) =>
  ({ account: { id }, scope: { tenantId }, ...(token && { token: { id: token } }) }) as unknown as Caller

const times = async (count: number, work: () => Promise<unknown>) => {
  for (let i = 0; i < count; i++) await work()
}

describe('requests are limited', () => {
  test('for each account, which others do not use up', async () => {
    const rates = ratesOf({ perAccount: 2 })
    await times(2, () => rates.caller(caller('anna')))
    await expect(rates.caller(caller('anna'))).rejects.toBeInstanceOf(RateExceeded)
    expect(await rates.caller(caller('bert'))).toMatchObject({ limit: 2, remaining: 1 })
  })

  test('for each token apart from its owner', async () => {
    const rates = ratesOf({ perToken: 1 })
    await rates.caller(caller('anna', null, 'ci'))
    await expect(rates.caller(caller('anna', null, 'ci'))).rejects.toThrow('this token')
    await rates.caller(caller('anna'))
  })

  test('for all of a tenant together', async () => {
    const rates = ratesOf({ perTenant: 2 })
    await rates.caller(caller('anna', 'red'))
    expect(await rates.caller(caller('bert', 'red'))).toMatchObject({ limit: 2, remaining: 0 })
    await expect(rates.caller(caller('carl', 'red'))).rejects.toThrow('this tenant')
    await rates.caller(caller('dora', 'blue'))
  })

  test('for each address, an IPv6 network being one, and this machine none', async () => {
    const rates = ratesOf({ perAddress: 1 })
    await rates.address('2001:db8::1')
    await expect(rates.address('2001:db8::2')).rejects.toThrow('this address')
    await rates.address('2001:db8:1::1')
    await rates.address('192.0.2.1')
    await expect(rates.address('::ffff:192.0.2.1')).rejects.toThrow('this address')
    for (const own of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) await times(3, () => rates.address(own))
  })

  test('and say how long to wait once nothing is left', () => {
    expect(rateHeaders({ limit: 5, remaining: 4, reset_s: 9 })).toEqual({
      ...{ 'ratelimit-limit': '5', 'ratelimit-remaining': '4', 'ratelimit-reset': '9' },
    })
    expect(rateHeaders({ limit: 5, remaining: 0, reset_s: 9 })['retry-after']).toBe('9')
  })
})

describe('over HTTP', () => {
  test('who asks too much gets 429 with when to come back, and leaves one line in the audit log', async () => {
    const { enter, send, audit } = await startConsole({ WEFT_RATE_PER_ACCOUNT: '3' })
    const { headers } = await enter()
    const asked = () => send('GET', '/api/v1/session', undefined, headers)
    const first = await asked()
    expect(first.headers.get('ratelimit-limit')).toBe('3')
    expect(first.headers.get('ratelimit-remaining')).toBe('2')
    await times(2, asked)
    const before = audit.lines.length
    const answer = await asked()
    expect(answer.status).toBe(429)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.headers.get('ratelimit-remaining')).toBe('0')
    expect(await answer.json()).toMatchObject({ code: 'too-many', errors: [{ rule: 'rate.account' }] })
    await times(20, asked)
    expect(audit.lines.slice(before)).toMatchObject([
      {
        ...{
          actor: 'admin',
          address: '127.0.0.1',
          action: 'limit.reached',
          outcome: 'refused',
          reason: 'rate.account',
        },
        subject: expect.stringMatching(/^user\//),
        detail: expect.stringMatching(/^More than 3 requests for this account in 60 s\. Refused until /),
      },
    ])
  })

  test('an address behind a proxy is counted before anything is looked up', async () => {
    const { send, audit } = await startConsole({
      ...{ WEFT_RATE_PER_ADDRESS: '2', WEFT_TRUSTED_PROXY: '127.0.0.1', WEFT_ORIGIN: 'http://127.0.0.1' },
    })
    const from = (address: string) =>
      send('GET', '/api/v1/session', undefined, { 'x-forwarded-for': address, 'x-forwarded-host': '127.0.0.1' })
    const codes = []
    const before = audit.lines.length
    for (let i = 0; i < 3; i++) codes.push((await from('192.0.2.5')).status)
    expect(codes).toEqual([401, 401, 429])
    expect((await from('192.0.2.6')).status).toBe(401)
    expect(audit.lines.slice(before)).toMatchObject([{ actor: '', address: '192.0.2.5', reason: 'rate.address' }])
  })
})
