import { describe, expect, test } from 'vitest'
import { PASSWORD, startConsole } from './ground.ts'

const NETWORKS = { WEFT_ADMINISTRATION_FROM: '10.0.0.0/8, 2001:db8::/32', WEFT_SECOND_FACTOR: 'optional' }
const proxied = { WEFT_HOST: '0.0.0.0', WEFT_TRUSTED_PROXY: '127.0.0.1', WEFT_ORIGIN: 'https://weft.test' }
const from = (address: string) => ({
  ...{ 'x-forwarded-for': address, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'weft.test' },
})
/** A console behind a proxy, with whom it signs in from where. */
async function behindProxy() {
  const made = await startConsole({ ...NETWORKS, ...proxied })
  await made.person('operator')
  const signIn = async (name: string, password: string, address: string) => {
    const answer = await made.send('POST', '/api/v1/session', { name, password }, from(address))
    return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
  }
  const make = async (cookie: string, address: string) => {
    const answer = await made.send('POST', '/api/v1/users', newUser(`u${Date.now()}`), { cookie, ...from(address) })
    return { status: answer.status, ...((await answer.json()) as object) }
  }
  return {
    ...made,
    make,
    operator: (at: string) => signIn('operator', PASSWORD, at),
    glass: (at: string) => signIn('admin', made.password, at),
  }
}

const newUser = (name: string) => ({ name, role: 'auditor' })

describe('dangerous acts where networks for administration are named', () => {
  test('are done from these alone; all else from everywhere', async () => {
    const { operator, make, send } = await behindProxy()
    const outside = await operator('203.0.113.9')
    expect(await make(outside, '203.0.113.9')).toMatchObject({
      ...{ status: 403, code: 'forbidden', detail: 'This is not done from 203.0.113.9.' },
      errors: [{ rule: 'administration.from', limit: '10.0.0.0/8, 2001:db8::/32' }],
    })
    const read = await send('GET', '/api/v1/users', undefined, { cookie: outside, ...from('203.0.113.9') })
    expect(read.status).toBe(200)
    expect(await make(outside, '10.1.2.3'), 'and then for a proof').toMatchObject({ code: 'step-up-required' })
    expect(await make(await operator('10.1.2.3'), '10.1.2.3')).toMatchObject({ status: 201 })
    expect(await make(await operator('2001:db8::7'), '2001:db8::7')).toMatchObject({ status: 201 })
  })

  test('are refused on the host itself too, but for break-glass accounts, which are refused elsewhere', async () => {
    const { operator, glass, make } = await behindProxy()
    expect(await make(await operator('127.0.0.1'), '127.0.0.1')).toMatchObject({ status: 403 })
    expect(await make(await glass('127.0.0.1'), '127.0.0.1')).toMatchObject({ status: 201 })
    expect(await make(await glass('203.0.113.9'), '203.0.113.9')).toMatchObject({
      errors: [{ rule: 'administration.from' }],
    })
  })

  test('leave a line and a decision where they are refused', async () => {
    const { person, send, audit, decisions } = await startConsole(NETWORKS)
    const { cookie } = await person('operator')
    await send('POST', '/api/v1/users', newUser('a'), { cookie })
    expect(audit.lines.at(-1)).toMatchObject({ outcome: 'refused', reason: 'administration.from' })
    expect(decisions.at(-1)).toMatchObject({ allowed: false, because: 'This is not done from 127.0.0.1.' })
  })
})
