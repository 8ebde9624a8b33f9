import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LabView, openLab } from '#server/lab/index.ts'
import { launchBrowser, openLocalAccount, openPage } from './browser.ts'
import { type RunningWeft, startWeft } from './weft.ts'

let weft: RunningWeft
let lab: LabView
let browser: Browser
let page: Page
let complaints: readonly string[]

beforeAll(async () => {
  weft = await startWeft('e2e', { settled: false })
  lab = await openLab(`.weft/${weft.instance}/lab`)
  browser = await launchBrowser()
  const opened = await openPage(browser, weft.address)
  page = opened.page
  complaints = opened.complaints
}, 240_000)

afterAll(async () => {
  await browser?.close()
  await weft?.stop()
})

const next = () => page.getByRole('button', { name: 'Next', exact: true }).click()

/** Draws a network with two hosts in the wizard, making its tenant on the way; ends at the preview. */
async function draw(tenant: string, hosts: readonly string[]): Promise<void> {
  await page.getByRole('link', { name: 'Networks' }).first().click()
  await page.getByRole('link', { name: 'Create network' }).first().click()
  await page.getByRole('button', { name: 'New tenant' }).click()
  await page.getByLabel('Tenant name').fill(tenant)
  await page.getByRole('button', { name: 'Create tenant' }).click()
  await page.getByRole('button', { name: 'New tenant' }).waitFor()
  await page.getByLabel('Name', { exact: true }).fill(`${tenant}-net`)
  await next()
  await page.getByRole('heading', { name: 'VXLAN network identifier' }).waitFor()
  await next()
  await page.getByLabel('IPv4 subnet').fill('10.0.0.0/24')
  await next()
  for (const host of hosts) await page.getByRole('checkbox', { name: host, exact: true }).check()
  await page.getByRole('button', { name: 'Preview the change' }).click()
  await page.waitForURL(/\/changes\/C-\d+/)
}

/** Reads the preview, commits, and waits until the page says that it is committed. */
async function commit(reason: string): Promise<void> {
  await page.getByRole('heading', { name: 'Edits to intent' }).waitFor()
  await page.getByLabel('Reason').fill(reason)
  await page.getByRole('button', { name: 'Commit', exact: true }).click()
  await page.locator('.pagehead .pill', { hasText: 'Committed' }).waitFor()
}

interface PortAnswer {
  readonly name: string
  readonly networkName: string
  readonly addresses: readonly string[]
  readonly spoofed: string | null
}

async function portOf(network: string, host: string): Promise<PortAnswer> {
  const items = JSON.parse(await weft.cli('port', 'list', '-o', 'json')) as PortAnswer[] | { items: PortAnswer[] }
  const all = Array.isArray(items) ? items : items.items
  const found = all.find((port) => port.networkName === network && port.name === host)
  if (!found) throw new Error(`${host} is not in ${network}`)
  return found
}

/** Gives each host the address that its port has, as its owner would. */
async function dress(network: string, hosts: readonly string[]): Promise<string[]> {
  return Promise.all(
    hosts.map(async (name) => {
      const [address] = (await portOf(network, name)).addresses
      if (address === undefined) throw new Error(`${name} has no address`)
      await lab.host(name).dress(address, 24)
      return address
    }),
  )
}

describe('red pings red', () => {
  let red: string[]
  let blue: string[]

  test('a stranger is sent to the sign-in page; a wrong password stays there', async () => {
    await page.goto('/networks')
    await page.waitForURL(/sign-in/)
    await openLocalAccount(page)
    await page.getByLabel('Name').fill('admin')
    await page.getByLabel('Password', { exact: true }).fill('not the password')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('alert').first().waitFor()
    expect(page.url()).toContain('sign-in')
  })

  test('an operator signs in with the password of the first start, and chooses another', async () => {
    await page.getByLabel('Password', { exact: true }).fill(weft.firstPassword)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'Choose your own password' }).waitFor()
    await page.goto('/networks')
    await page.getByRole('heading', { name: 'Choose your own password' }).waitFor()
    await page.getByLabel('Password that you were given').fill(weft.firstPassword)
    await page.getByLabel('New password', { exact: true }).fill(weft.password)
    await page.getByLabel('New password again').fill(weft.password)
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByRole('heading', { name: 'Networks' }).waitFor()
  })

  test('two tenants with the same addresses are drawn in the wizard, previewed and committed', async () => {
    await draw('red', ['h1', 'h4'])
    await expect.poll(() => page.getByText('nic-1').count()).toBeGreaterThan(0)
    await commit('the first tenant')
    await draw('blue', ['h2', 'h5'])
    await commit('the second tenant')
    await weft.cli('login', 'admin', '--password-file', weft.passwordFile)
    red = await dress('red-net', ['h1', 'h4'])
    blue = await dress('blue-net', ['h2', 'h5'])
    expect(red).toEqual(blue)
  })

  test('hosts of one tenant reach each other across the underlay, and the wire carries its VNI', async () => {
    const capture = await lab.captureUnderlay('srv-1')
    const fromRed = await lab.host('h1').ping(red[1] as string)
    const fromBlue = await lab.host('h2').ping(blue[1] as string)
    const frames = await capture.stop()
    expect([fromRed.received, fromBlue.received]).toEqual([3, 3])
    const { networks } = JSON.parse(await weft.cli('overview', 'show', '-o', 'json')) as { networks: { vni: number }[] }
    expect(new Set(frames.map(({ vni }) => vni))).toEqual(new Set(networks.map(({ vni }) => vni)))
  })

  test('red never reaches blue: what answers red is red', async () => {
    await lab.host('h5').undress()
    await lab.host('h4').undress()
    await lab.host('h5').dress('10.0.0.77', 24)
    expect((await lab.host('h1').ping('10.0.0.77', { count: 2 })).received).toBe(0)
    await lab.host('h5').undress()
    await dress('red-net', ['h4'])
    await dress('blue-net', ['h5'])
  })

  test('packets with a source that is not the port’s own are dropped and counted on its page', async () => {
    await lab.host('h1').exec(['ip', 'addr', 'add', '10.0.0.66/32', 'dev', 'eth0'])
    await lab
      .host('h1')
      .exec(['ping', '-c', '3', '-i', '0.1', '-W', '1', '-I', '10.0.0.66', red[1] as string])
      .catch(() => '')
    await lab.host('h1').exec(['ip', 'addr', 'del', '10.0.0.66/32', 'dev', 'eth0'])
    await expect
      .poll(async () => Number((await portOf('red-net', 'h1')).spoofed), { timeout: 10_000 })
      .toBeGreaterThanOrEqual(3)
    await page.getByRole('link', { name: 'Networks' }).first().click()
    await page.getByRole('link', { name: 'red-net' }).first().click()
    await page.getByRole('heading', { name: 'red-net' }).waitFor()
  })

  test('an entry of a datapath says why it is there', async () => {
    await page.goto('/datapaths')
    await page.getByRole('link', { name: 'nic-1' }).first().click()
    await page.getByRole('heading', { name: 'nic-1' }).waitFor()
    await page
      .getByRole('button', { name: /^Why is this here\? in_port=1,/ })
      .first()
      .click()
    const why = page.getByRole('group', { name: 'Why is this here?' })
    await why.getByText('C-1').first().waitFor()
    const story = await why.textContent()
    // The intent, the change and the person, with the reason that was given.
    for (const part of ['h1', 'C-1', 'the first tenant']) expect(story).toContain(part)
  })

  test('a change is rolled back from its page', async () => {
    await page.goto('/changes/C-2')
    await page.getByRole('button', { name: 'Roll back' }).click()
    await page.waitForURL(/\/changes\/C-3/)
    await commit('take it back')
    expect((await lab.host('h2').ping(blue[1] as string, { count: 2 })).received).toBe(0)
    expect((await lab.host('h1').ping(red[1] as string, { count: 2 })).received).toBe(2)
  })

  test('the browser had nothing to complain of', () => {
    // The wrong password of the first test is the one refusal that was asked for.
    expect(complaints.filter((text) => !text.startsWith('401 '))).toEqual([])
  })
})
