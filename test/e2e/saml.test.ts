import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { AuditRecord } from '#server/contract/audit.ts'
import type { IdentityProvider as Provider } from '#server/contract/providers.ts'
import type { Session } from '#server/contract/session.ts'
import { type IdentityProvider, startIdentityProvider } from '#test/peers/saml/simplesamlphp.ts'
import { type Api, apiAt, signIn } from './api.ts'
import { launchBrowser, openPage } from './browser.ts'
import { signInAtSimpleSaml } from './peers-browser.ts'
import { type RunningWeft, startWeft } from './weft.ts'

/** People of two tenants sign in with a browser, each through their own provider, which a script set up. */

const RULES = `
- when: [{ attribute: groups, operator: is, value: noc-admins }]
  then: { give: role, role: tenant-administrator }
- when: [{ attribute: groups, operator: is, value: noc-readonly }]
  then: { give: role, role: tenant-member }
# A tenant's provider cannot make an operator, whatever its rules say.
- when: []
  then: { give: role, role: operator }
`

let weft: RunningWeft
let browser: Browser
let admin: Api
let folder: string
let ofRed: IdentityProvider
let ofBlue: IdentityProvider

/** Sets a provider up as an unattended installation does. */
async function importProvider(tenant: string, peer: IdentityProvider): Promise<void> {
  const [metadata, rules] = [path.join(folder, `${tenant}.xml`), path.join(folder, 'rules.yaml')]
  await writeFile(metadata, await peer.metadata())
  await writeFile(rules, RULES)
  await weft.cli('tenant', 'create', tenant)
  await weft.cli(
    ...['identity-provider', 'import', '--name', `${tenant}-idp`, '--tenant', tenant, '--metadata', metadata],
    ...['--rules', rules, '--email-domains', `${tenant}.example`],
  )
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'weft-e2e-'))
  weft = await startWeft('saml', { lab: false })
  await writeFile(path.join(folder, 'password'), weft.password)
  await weft.cli('login', 'admin', '--password-file', path.join(folder, 'password'))
  admin = apiAt(weft.address, await signIn(weft.address, 'admin', weft.password))
  const metadata = await (await fetch(`${weft.address}/saml/metadata`)).text()
  ofRed = await startIdentityProvider({ name: 'red', serviceProviders: [metadata] })
  ofBlue = await startIdentityProvider({ name: 'blue', serviceProviders: [metadata] })
  await importProvider('red', ofRed)
  await importProvider('blue', ofBlue)
  browser = await launchBrowser()
}, 240_000)

afterAll(async () => {
  await browser?.close()
  for (const peer of [ofRed, ofBlue]) await peer?.stop()
  await weft?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})
beforeEach(() => ofRed.configure({}))

/** A browser of somebody's own. */
async function person() {
  const opened = await openPage(browser, weft.address)
  onTestFinished(() => opened.context.close())
  const whoIs = () => opened.page.evaluate(async () => (await fetch('/api/v1/session')).json() as Promise<unknown>)
  return { ...opened, whoIs: whoIs as () => Promise<Session> }
}

const lastSignIns = async () =>
  (await admin.get<{ items: AuditRecord[] }>('/audit', { filter: 'action:eq:signIn.saml', limit: 5 })).items

/** The sign-in page leads to the provider of an address. */
async function toProvider(page: Page, address: string): Promise<void> {
  await page.getByLabel(/e-mail|tenant/i).fill(address)
  await page.getByRole('button', { name: /continue|next/i }).click()
}

describe('a person of red', () => {
  test('signs in from the console’s own page, found by their address', async () => {
    const { page, whoIs, complaints } = await person()
    await page.goto('/networks')
    await page.waitForURL(/\/sign-in/)
    await toProvider(page, 'alice@red.example')
    await signInAtSimpleSaml(page, 'alice', 'alicepass')
    await page.waitForURL(`${weft.address}/networks`)
    await page.getByRole('heading', { name: 'Networks' }).waitFor()
    const { account } = await whoIs()
    expect(account).toMatchObject({ name: 'alice', displayName: 'Alice Ödegård <&>', tenantName: 'red' })
    expect(account.role).toBe('tenant-administrator')
    expect(complaints.filter((line) => !line.includes('401'))).toEqual([])
  })

  test('signs in from the provider, and lands on the page that it names', async () => {
    const { page, whoIs } = await person()
    await page.goto(ofRed.idpInitiatedUrl(`${weft.address}/saml/metadata`, '/settings'))
    await signInAtSimpleSaml(page, 'bob', 'bobpass')
    await page.waitForURL(`${weft.address}/settings`)
    expect((await whoIs()).account).toMatchObject({ name: 'bob', role: 'tenant-member' })
  })

  test('signs in with an encrypted assertion', async () => {
    ofRed.configure({ encryptAssertions: true })
    const { page, whoIs } = await person()
    await page.goto('/saml/login?idp=red-idp&returnTo=/changes')
    await signInAtSimpleSaml(page, 'alice', 'alicepass')
    await page.waitForURL(`${weft.address}/changes`)
    expect((await whoIs()).account.name).toBe('alice')
  })

  test('who goes back and posts the answer again is told nothing, and has no second session', async () => {
    const { page, whoIs } = await person()
    let posted = ''
    page.on('request', (request) => {
      if (request.url().endsWith('/saml/acs')) posted = request.postData() ?? ''
    })
    await page.goto('/saml/login?idp=red-idp')
    await signInAtSimpleSaml(page, 'alice', 'alicepass')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    expect((await whoIs()).account.name).toBe('alice')
    const again = await fetch(`${weft.address}/saml/acs`, {
      ...{ method: 'POST', body: posted, redirect: 'manual' },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect([400, 403]).toContain(again.status)
    expect(again.headers.getSetCookie().filter((cookie) => /^__Host-weft-saml=/.test(cookie))).toEqual([])
    expect((await lastSignIns())[0]).toMatchObject({ outcome: 'refused', reason: expect.any(String) })
  })
})

test('people of two tenants are kept apart, each by their own provider', async () => {
  const [red, blue] = [await person(), await person()]
  await red.page.goto('/saml/login?idp=red-idp')
  await signInAtSimpleSaml(red.page, 'alice', 'alicepass')
  await red.page.getByRole('heading', { name: 'Overview' }).waitFor()
  await blue.page.goto('/saml/login?idp=blue-idp')
  await signInAtSimpleSaml(blue.page, 'alice', 'alicepass')
  await blue.page.getByRole('heading', { name: 'Overview' }).waitFor()
  const [inRed, inBlue] = [(await red.whoIs()).account, (await blue.whoIs()).account]
  expect([inRed.tenantName, inBlue.tenantName]).toEqual(['red', 'blue'])
  expect(inRed.id).not.toBe(inBlue.id)
  const seen = await red.page.evaluate(
    async () => (await (await fetch('/api/v1/identity-providers')).json()) as unknown,
  )
  expect((seen as { items: Provider[] }).items.map(({ name }) => name)).toEqual(['red-idp'])
})

test('a provider that is closed lets nobody in, and the other goes on', async () => {
  const [provider] = (await admin.get<{ items: Provider[] }>('/identity-providers', { filter: 'name:eq:blue-idp' }))
    .items
  if (!provider) throw new Error('blue has no provider')
  await weft.cli('identity-provider', 'set-state', 'blue-idp', 'closed')
  const { page, whoIs } = await person()
  const refused = await page.goto('/saml/login?idp=blue-idp')
  expect(refused?.status()).toBeGreaterThanOrEqual(400)
  await page.goto('/saml/login?idp=red-idp')
  await signInAtSimpleSaml(page, 'bob', 'bobpass')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  expect((await whoIs()).account.name).toBe('bob')
  await weft.cli('identity-provider', 'set-state', 'blue-idp', 'open')
})
