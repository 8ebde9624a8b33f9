import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Problem } from '#server/contract/base.ts'
import type { Tenant } from '#server/contract/inventory.ts'
import { type Api, apiAt, signIn } from './api.ts'
import { NOWHERE, refusedTo, rule, said } from './refused.ts'
import type { RunningLab } from './running-lab.ts'
import { startTwoTenants, type TwoTenants } from './two-tenants.ts'

let running: RunningLab
let api: Api
let red: TwoTenants['red']
let first: TwoTenants['first']
let bea: TwoTenants['bea']

beforeAll(async () => {
  ;({ running, red, first, bea } = await startTwoTenants('e2es'))
  api = running.api
})

afterAll(() => running?.stop())

const refused = refusedTo(() => api)

const aNetwork = (more: object) => ({ body: { tenantId: red.tenant.id, name: 'more', ...more } })

describe('a request is refused', () => {
  test('whose body is not JSON', async () => {
    expect(await refused(api, 'POST', '/networks', { body: '{"name": ' })).toMatchObject({
      status: 400,
      code: 'malformed',
    })
  })
  test('whose body is of another kind', async () => {
    const asked = { body: 'name=red', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    expect(await refused(api, 'POST', '/networks', asked)).toMatchObject({ status: 415 })
  })
  test('whose body is over its limit', async () => {
    const large = { body: { tenantId: red.tenant.id, name: 'x'.repeat(70_000) } }
    expect(await refused(api, 'POST', '/networks', large)).toMatchObject({ status: 413, code: 'too-large' })
  })
  test('whose id is not there, or is none', async () => {
    expect(await refused(api, 'GET', `/networks/${NOWHERE}`)).toMatchObject({ status: 404, code: 'not-found' })
    expect(await refused(api, 'GET', '/networks/red-net')).toMatchObject({ status: 404, code: 'not-found' })
    expect(await refused(api, 'GET', '/changes/C-9999')).toMatchObject({ status: 404 })
  })
  test('whose path or method is not there', async () => {
    expect(await refused(api, 'GET', '/nothing')).toMatchObject({ status: 404 })
    expect(await refused(api, 'PUT', '/networks', { body: {} })).toMatchObject({ status: 405 })
  })
  test('whose query has what a list does not know', async () => {
    expect(await refused(api, 'GET', '/networks', { query: { filter: 'colour:eq:red' } })).toMatchObject({
      status: 400,
    })
    expect(await refused(api, 'GET', '/networks', { query: { limit: 5000 } })).toMatchObject(rule('/limit', 'maximum'))
    expect(await refused(api, 'GET', '/networks', { query: { page: 2 } })).toMatchObject(rule('/page', 'unknown-key'))
    expect(await refused(api, 'GET', '/networks', { query: { cursor: 'nonsense' } })).toMatchObject({ status: 400 })
  })
  test('to commit, preview or edit what is no draft any more', async () => {
    const { id } = first
    expect(await refused(api, 'POST', `/changes/${id}/commit`, { body: {} })).toMatchObject({
      status: 409,
      rule: 'change.draft',
    })
    expect(await refused(api, 'POST', '/networks', aNetwork({ change: id }))).toMatchObject({ status: 409 })
    expect(await refused(api, 'DELETE', `/changes/${id}`)).toMatchObject({ status: 409 })
  })
  test('to commit a draft that edits nothing', async () => {
    const { id } = await running.draft('nothing')
    expect(await refused(api, 'POST', `/changes/${id}/commit`, { body: {} })).toMatchObject(rule('', 'change.empty'))
    await api.remove(`/changes/${id}`)
  })
  test('to remove a tenant that has networks', async () => {
    const { revision } = await api.get<Tenant>(`/tenants/${red.tenant.id}`)
    expect(await refused(api, 'DELETE', `/tenants/${red.tenant.id}`, { revision })).toMatchObject({ status: 409 })
  })
})

/** A request with headers that fetch does not let one set. */
const raw = (path: string, headers: Record<string, string>, method = 'GET'): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, port: number } = new URL(running.weft.address)
    request({ host: hostname, port: number, path, method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })

describe('a stranger', () => {
  const nobody = () => apiAt(running.weft.address)

  test('without a session, or with a made-up one, gets nothing', async () => {
    const made = apiAt(running.weft.address, 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
    for (const one of [nobody(), made])
      for (const path of ['/networks', '/changes', '/datapaths', '/session', '/audit'])
        expect(await refused(one, 'GET', path)).toMatchObject({ status: 401, code: 'unauthenticated' })
    expect(await refused(nobody(), 'POST', '/tenants', { body: { name: 'mine' } })).toMatchObject({ status: 401 })
    expect((await fetch(`${running.weft.address}/events`)).status).toBe(401)
  })

  test('behind a page of another site is refused, whatever cookie comes along', async () => {
    const session = await signIn(running.weft.address, 'admin', running.weft.password)
    const as = apiAt(running.weft.address, session)
    const body = { name: 'mine' }
    const foreign = [
      ['origin', 'https://evil.example'],
      ['origin', 'null'],
      ['sec-fetch-site', 'cross-site'],
    ] as const
    for (const headers of foreign.map(([name, value]) => ({ [name]: value })))
      expect(await refused(as, 'POST', '/tenants', { body, headers })).toMatchObject({ status: 403, code: 'forbidden' })
  })

  test('who calls the console by a foreign name is refused', async () => {
    expect(await raw('/api/v1/session', { host: 'evil.example' })).toBe(400)
    expect(await raw('/', { host: 'evil.example' })).toBe(400)
  })

  test('meets headers that keep pages to themselves', async () => {
    const page = await fetch(`${running.weft.address}/sign-in`)
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/script-src 'self' 'nonce-[^']+' 'strict-dynamic'/)
    expect(policy).toContain("frame-ancestors 'none'")
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] as string
    const scripts = [...(await page.text()).matchAll(/<script\b[^>]*>/g)].map(([tag]) => tag)
    expect(scripts.length).toBeGreaterThan(0)
    expect(scripts.filter((tag) => !tag.includes(`nonce="${nonce}"`))).toEqual([])
    const data = await fetch(`${running.weft.address}/api/v1/session`)
    for (const { headers } of [page, data])
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      })
    expect(data.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(data.headers.get('cache-control')).toBe('no-store')
    expect(page.headers.get('cache-control')).toContain('no-store')
  })

  test('gets a cookie that scripts and other sites do not see', async () => {
    const reply = await nobody().ask('POST', '/session', { body: { name: 'bea', password: bea.password } })
    expect(reply.headers.get('set-cookie')).toMatch(
      /^__Host-weft-e2es=[\w-]{32,}; Path=\/; Max-Age=\d+; HttpOnly; Secure; SameSite=Lax$/,
    )
    expect(reply.headers.get('x-weft-session')).toBeNull()
  })

  test('who tries a wrong password learns nothing, and is stopped after ten', async () => {
    const wrong = (name: string) => nobody().ask<Problem>('POST', '/session', { body: { name, password: 'wrong' } })
    const [known, unknown] = [await wrong('bea'), await wrong('nobody')]
    expect(known.status).toBe(401)
    expect(unknown.body).toEqual(known.body)
    for (let tries = 1; tries < 10; tries++) expect((await wrong('bea')).status).toBe(401)
    const stopped = await wrong('bea')
    expect(said(stopped)).toMatchObject({ status: 429, code: 'too-many' })
    expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(0)
    const right = await nobody().ask('POST', '/session', { body: { name: 'bea', password: bea.password } })
    expect(right.status).toBe(429)
    expect((await bea.api.ask('GET', '/session')).status).toBe(200)
  })

  test('who was signed out is one again', async () => {
    const session = await signIn(running.weft.address, 'admin', running.weft.password)
    const as = apiAt(running.weft.address, session)
    expect((await as.ask('GET', '/session')).status).toBe(200)
    expect((await as.ask('DELETE', '/session')).status).toBe(204)
    expect((await as.ask('GET', '/session')).status).toBe(401)
  })
})
