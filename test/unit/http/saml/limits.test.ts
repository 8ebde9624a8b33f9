import { once } from 'node:events'
import { createDeflateRaw } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { neighbourhood } from '#server/identity/limits.ts'
import { type SignInGround, startSignIn } from './ground.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

const TRIES = 20
let ground: SignInGround
beforeAll(async () => {
  const proxy = {
    WEFT_TRUSTED_PROXY: '127.0.0.1',
    WEFT_ORIGIN: 'https://weft.example.org',
    WEFT_SECOND_FACTOR: 'optional',
  }
  ground = await startSignIn({ ...proxy, WEFT_FEDERATED_TRIES_PER_ADDRESS: String(TRIES) })
}, 60_000)
afterAll(() => ground?.close())

/** As the proxy in front of the console hands on what comes from that address. */
const from = (address: string) => ({
  ...{ 'x-forwarded-for': address, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'weft.example.org' },
})
const local = (path: string, init: RequestInit & { headers: Record<string, string> }) =>
  fetch(`http://127.0.0.1:${ground.port}${path}`, { ...init, redirect: 'manual' })
const postFrom = (address: string, fields: Record<string, string>) =>
  local('/saml/acs', { method: 'POST', body: new URLSearchParams(fields), headers: from(address) })

describe('whoever sends what is refused', () => {
  test('is not listened to any more after a while, and cannot fill the audit log', async () => {
    const before = ground.audit.lines.length
    const statuses = []
    for (let n = 0; n < TRIES + 10; n++) statuses.push((await postFrom('192.0.2.1', { SAMLResponse: 'x' })).status)
    expect(new Set(statuses.slice(0, TRIES))).toEqual(new Set([400]))
    expect(new Set(statuses.slice(TRIES))).toEqual(new Set([429]))
    const left = ground.audit.lines.slice(before)
    expect(left).toHaveLength(TRIES + 1)
    expect(left.at(-1)).toMatchObject({ reason: 'providers.answers', address: '192.0.2.1', action: 'limit.reached' })
    const limited = await postFrom('192.0.2.1', { SAMLResponse: 'x' })
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
    const idp = await ground.provider()
    expect((await postFrom('192.0.2.2', { SAMLResponse: await ground.respond(idp) })).status).toBe(303)
  })

  test('and those who set out again and again', async () => {
    const idp = await ground.provider()
    const statuses = []
    for (let n = 0; n < TRIES + 2; n++)
      statuses.push((await local(`/saml/login?idp=${idp.name}`, { headers: from('192.0.2.3') })).status)
    expect(statuses).toEqual([...Array(TRIES).fill(303), 429, 429])
  })

  test('but many who sign in from one address are let in', async () => {
    const idp = await ground.provider()
    for (let n = 0; n < TRIES + 5; n++) {
      const answer = await postFrom('192.0.2.4', { SAMLResponse: await ground.respond(idp) })
      expect(answer.status).toBe(303)
    }
  })

  test('and whoever asks for providers without end', async () => {
    const statuses = []
    for (let n = 0; n < TRIES + 1; n++)
      statuses.push((await local('/api/v1/sign-in/providers?tenant=red', { headers: from('192.0.2.5') })).status)
    expect(statuses).toEqual([...Array(TRIES).fill(200), 429])
  })
})

test('a token that is not known leaves lines until it is limited, and one more', async () => {
  const before = ground.audit.lines.length
  const push = () => local('/scim/v2/Users', { headers: { ...from('192.0.2.7'), authorization: 'Bearer x' } })
  for (let n = 0; n < TRIES + 10; n++) expect((await push()).status).toBe(n < TRIES ? 401 : 429)
  const left = ground.audit.lines.slice(before)
  expect(left).toHaveLength(TRIES + 1)
  expect(left.at(-1)).toMatchObject({ reason: 'scim', address: '192.0.2.7', action: 'limit.reached' })
})

test.each([
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
  ['192.0.2.1', '::ffff:192.0.2.1', true],
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
])('%s and %s are counted together: %s', (one, other, together) => {
  expect(neighbourhood(one) === neighbourhood(other)).toBe(together)
})

/** What inflates to so many megabytes; made piece by piece, so that making it takes no memory either. */
async function bombOf(megabytes: number): Promise<string> {
  const [deflate, pieces] = [createDeflateRaw(), [] as Buffer[]]
  deflate.on('data', (piece: Buffer) => pieces.push(piece))
  const piece = Buffer.alloc(1024 * 1024, 0x20)
  for (let n = 0; n < megabytes; n++) if (!deflate.write(piece)) await once(deflate, 'drain')
  deflate.end()
  await once(deflate, 'end')
  return Buffer.concat(pieces).toString('base64')
}

test('200 MB in a message of 260 KB move the memory by less than 20 MB', async () => {
  const bomb = await bombOf(200)
  expect(bomb.length).toBeGreaterThan(200_000)
  const before = process.memoryUsage().rss
  for (const name of ['SAMLResponse', 'SAMLRequest']) {
    const answer = await postFrom('192.0.2.6', { [name]: bomb })
    expect(answer.status).toBe(400)
  }
  const query = `SAMLRequest=${encodeURIComponent(bomb)}`
  const asked = await local(`/saml/login?${query}`, { headers: from('192.0.2.6') }).then(
    ({ status }) => status,
    () => 431,
  )
  expect([403, 431]).toContain(asked)
  expect(process.memoryUsage().rss - before).toBeLessThan(20 * 1024 * 1024)
})
