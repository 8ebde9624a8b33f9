import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { readConfig } from '#server/config.ts'
import type { Datapath } from '#server/contract/datapaths.ts'
import { type Openvswitch, startPeer, stopPeersAfterAll, until } from '../peers/openvswitch.ts'
import { request, setSsl } from '../peers/switch-files.ts'
import { launchBrowser, openPage, signIn } from './browser.ts'
import { type RunningWeft, startWeft } from './weft.ts'

stopPeersAfterAll()

const INSTANCE = 'e2etl'
const DATAPATH = '00000000000000a0'
let weft: RunningWeft
let browser: Browser
let page: Page
let peer: Openvswitch

const inventory = (port: number) => ({
  sites: [{ name: 'lab' }],
  servers: [{ name: 'server-a', site: 'lab', vtep: '172.16.0.1' }],
  ...{ nics: [], attachments: [] },
  datapaths: [
    {
      ...{ name: 'a', server: 'server-a', role: 'fabric', datapathId: DATAPATH, bridge: 'br-a', ovsdb: 'listen' },
      controller: `tcp:127.0.0.1:${port}`,
    },
  ],
})

beforeAll(async () => {
  peer = await startPeer({ datapath: 'dummy' })
  await peer.addBridge('br-a', { datapathId: DATAPATH })
  const { openflow } = readConfig({ instance: INSTANCE }, {})
  const file = path.join(peer.dir, 'inventory.json')
  await writeFile(file, JSON.stringify(inventory(openflow.port)))
  const environment = { WEFT_SWITCH_TLS: 'required', WEFT_INVENTORY_FILE: file }
  weft = await startWeft(INSTANCE, { lab: false, environment })
  browser = await launchBrowser()
  page = (await openPage(browser, weft.address)).page
  await signIn(page, 'admin', weft.password)
})
afterAll(async () => {
  await browser?.close()
  await weft?.stop()
})

const datapath = async (): Promise<Datapath> => JSON.parse(await weft.cli('datapath', 'show', 'a', '-o', 'json'))

/** Presses a button that makes a file, and answers what is in it. */
async function downloaded(name: string): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).last().click()])
  return readFile(await file.path(), 'utf8')
}

test('a switch is enrolled, connected and revoked from its page and the command line', async () => {
  onTestFailed(async () => void (await page.screenshot({ path: '.weft/e2etl.png' })))
  const { key, csr } = await request(peer.dir)
  await page.goto(`/datapaths/${(await datapath()).id}?view=connection`)
  await page.getByRole('button', { name: 'Enrol' }).click()
  await page.getByLabel('The request, or a certificate of your own authority').fill('-----BEGIN NOTHING-----')
  await page.getByRole('dialog').getByRole('button', { name: 'Enrol' }).click()
  await page.getByText('The request is not taken: it is not a PKCS#10 request in PEM.').waitFor()
  await page.getByLabel('The request, or a certificate of your own authority').fill(csr)
  await page.getByRole('dialog').getByRole('button', { name: 'Enrol' }).click()
  await page.getByRole('heading', { name: 'a is enrolled' }).waitFor()
  const files = { key, certificate: `${key}.cert`, authority: `${key}.ca` }
  await writeFile(files.certificate, await downloaded('Download its certificate'))
  await writeFile(files.authority, await downloaded('Download Weft’s CA'))
  await page.getByRole('button', { name: 'Done' }).click()

  await setSsl(peer, files)
  await peer.vsctl('set-manager', `ssl:127.0.0.1:${readConfig({ instance: INSTANCE }, {}).ovsdb.port}`)
  await until('it to be connected', async () => (await datapath()).connected, { deadline_ms: 20_000 })
  expect(await datapath()).toMatchObject({
    openflow: { type: 'tls', protocol: 'TLSv1.3', certificateId: expect.any(String) },
    ovsdb: { type: 'tls', protocol: 'TLSv1.3' },
  })
  await page.getByText('TLS 1.3,').first().waitFor()
  await page.getByText('connected with it').waitFor()

  await page.getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('button', { name: 'Revoke it' }).click()
  await page.getByText('Revoked', { exact: true }).waitFor()
  await until('it to be refused', async () => (await datapath()).reason?.includes('its certificate was revoked'))
  await page.getByText('its certificate was revoked').first().waitFor()
  const { items } = JSON.parse(await weft.cli('datapath', 'certificates', 'a', '-o', 'json'))
  expect(items).toMatchObject([{ state: 'revoked', revokedBy: 'admin', datapaths: [{ name: 'a' }] }])

  const again = path.join(peer.dir, 'again.csr')
  const fresh = await request(peer.dir)
  await writeFile(again, fresh.csr)
  const words = ['datapath', 'enrol', 'a', '--csr', again, '--days', '20', '-o', 'json']
  const enrolled = JSON.parse(await weft.cli(...words))
  await writeFile(files.certificate, enrolled.certificate)
  await setSsl(peer, { ...files, key: fresh.key })
  await until('it to come back', async () => (await datapath()).connected, { deadline_ms: 20_000 })
  // It ends within 30 days, which the overview says.
  await page.goto('/')
  await page.getByText('Certificate of a').waitFor()
  await weft.cli('datapath', 'revoke', 'a', enrolled.id)
  await until('it to be away', async () => !(await datapath()).connected)
})
