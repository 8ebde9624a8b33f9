import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Group } from '#server/contract/access.ts'
import type { ChangeSummary } from '#server/contract/changes.ts'
import type { Attachment, Tenant } from '#server/contract/inventory.ts'
import type { Network } from '#server/contract/networks.ts'
import type { IdentityProvider } from '#server/contract/providers.ts'
import type { Account } from '#server/contract/session.ts'
import { until } from '#server/lab/until.ts'
import { type Api, apiAt, commit, signIn as sessionOf } from './api.ts'
import { launchBrowser, openPage, signIn } from './browser.ts'
import { quiet, SIZES, THEMES, violations } from './looks.ts'
import type { Page as ListPage, Wrote } from './running-lab.ts'
import { type RunningWeft, startWeft } from './weft.ts'

let weft: RunningWeft
let browser: Browser
let routes: string[]

/** The id of the first object of a list. */
async function firstId(noun: string): Promise<string> {
  const answer = JSON.parse(await weft.cli(noun, 'list', '-o', 'json')) as { items?: { id: string }[] }
  const [first] = answer.items ?? (answer as unknown as { id: string }[])
  if (!first) throw new Error(`there is no ${noun}`)
  return first.id
}

/** A network with names as long as people make them, two subnets and tagged ports, drafted in a change. */
async function draftLongNames(api: Api): Promise<{ readonly change: ChangeSummary; readonly network: Network }> {
  const tenant = await api.post<Tenant>('/tenants', { name: 'kestrel-research-laboratories-north-campus' })
  const change = await api.post<ChangeSummary>('/changes', {
    title: 'Replicate the experiments of both campuses at night',
  })
  const within = { change: change.id }
  const { item: network } = await api.post<Wrote<Network>>('/networks', {
    ...within,
    tenantId: tenant.id,
    name: 'experimental-storage-replication-between-campuses',
  })
  for (const prefix of ['10.145.116.0/22', '10.146.116.0/22'])
    await api.post('/subnets', { ...within, networkId: network.id, prefix })
  const { items } = await api.get<ListPage<Attachment>>('/attachments')
  for (const [index, { id }] of items.entries())
    await api.post('/ports', {
      ...within,
      networkId: network.id,
      attachmentId: id,
      name: `replica-${index}-of-the-experiment`,
      vlan: 3000 + index,
    })
  return { change, network }
}

/** A person, a group with a role, a role, a token and a provider; answers the pages of those that have one. */
async function giveAccess(api: Api): Promise<string[]> {
  const user = await api.post<Account>('/users', { name: 'ingrid', displayName: 'Ingrid Solheim', role: 'auditor' })
  const group = await api.post<Group>('/groups', { name: 'People who watch the networks at night' })
  await api.post(`/groups/${group.id}/members`, { userId: user.id })
  await api.post(`/groups/${group.id}/bindings`, {
    role: 'operator',
    from: ['10.145.116.0/22', '2001:db8:116::/48'],
    hours: 'Mon-Fri 19:00-07:00 Europe/Berlin',
  })
  await api.post('/roles', { name: 'network-watch', words: 'Watches at night.', rights: ['network.read'] })
  await api.post('/tokens', { name: 'backup on nas-2', rights: ['network.read', 'change.read'], days: 9 })
  // Metadata like any provider's: our own, under another name and without the signature that says ours.
  const own = await (await fetch(`${weft.address}/saml/idp/metadata`)).text()
  const metadata = own
    .replace(/<ds:Signature[\s\S]*?<\/ds:Signature>/, '')
    .replace(/entityID="[^"]*"/, 'entityID="https://login.norrdata.example/idp"')
  const rules = [
    { when: [{ attribute: 'groups', operator: 'is', value: 'ops' }], then: { give: 'role', role: 'operator' } },
    { when: [{ attribute: 'mail', operator: 'ends-with', value: '@guest.example' }], then: { give: 'nothing' } },
  ]
  const names = { name: 'norrdata', displayName: 'Norrdata Operations', emailDomains: ['norrdata.example'] }
  const provider = await api.post<IdentityProvider>('/identity-providers', {
    ...names,
    operators: true,
    rules,
    metadata,
  })
  return [`/settings/users/${user.id}`, `/settings/groups/${group.id}`, `/settings/identity-providers/${provider.id}`]
}

beforeAll(async () => {
  weft = await startWeft('pages', { bare: false })
  browser = await launchBrowser()
  await until('the first network', async () => (await weft.cli('change', 'list')).includes('committed'), {
    deadline_ms: 30_000,
  })
  const api = apiAt(weft.address, await sessionOf(weft.address, 'admin', weft.password))
  const long = await draftLongNames(api)
  await commit(api, long.change.id, { reason: 'so that the pages have something long to show' })
  const draft = await api.post<ChangeSummary>('/changes', { title: 'A draft with an edit' })
  const { revision } = await api.get<Network>(`/networks/${long.network.id}`)
  await api.patch(`/networks/${long.network.id}?change=${draft.id}`, revision, { mtu: 1300, change: draft.id })
  const [network, datapath] = [await firstId('network'), await firstId('datapath')]
  const access = await giveAccess(api)
  routes = [
    ...['/', '/networks', '/networks/new', '/changes', '/changes/C-1', '/datapaths', '/inventory', '/settings'],
    ...['/inventory/nics', '/inventory/attachments', '/inventory/tenants', '/settings/users', '/settings/audit'],
    ...[
      '/settings/notices',
      '/settings/my-consoles',
      '/settings/sessions',
      '/settings/sessions?of=all',
      '/settings/tokens',
    ],
    ...[
      '/settings/groups',
      '/settings/roles',
      '/settings/identity-providers',
      '/settings/identity-providers/new',
      '/settings/consoles',
    ],
    ...[
      '/settings/decisions',
      '/settings/keys',
      ...access,
      '/proved',
      '/signed-out?ended=Norrdata&left=Firewall',
      '/sign-in/arrival',
    ],
    ...[`/networks/${network}`, `/networks/${network}/edit`, `/datapaths/${datapath}`, '/no-such-page'],
    ...[`/networks/${long.network.id}`, `/networks/${long.network.id}/edit`, `/changes/${long.change.name}`],
    ...[
      `/changes/${draft.name}`,
      `/datapaths/${datapath}?view=ports`,
      `/datapaths/${datapath}?view=connection`,
      '/networks?q=no-network-is-called-so',
    ],
  ]
}, 240_000)

afterAll(async () => {
  await browser?.close()
  await weft?.stop()
})

/** In the two-line rows of a phone: what is cut off, and figures that say not of what. */
const ROWS = `(() => {
  const faults = []
  for (const cell of document.querySelectorAll('.twoline tbody td[class*="p-"]')) {
    if (cell.clientWidth === 0) continue
    const text = cell.innerText.trim()
    if ([cell, ...cell.querySelectorAll('.clip')].some((e) => e.scrollWidth > e.clientWidth + 1)) faults.push('cuts off ' + text)
    if (/^[\\d.,]+$/.test(text)) faults.push('shows the bare figure ' + text)
  }
  return faults
})()`

describe.each(THEMES)('in the %s theme', (theme) => {
  test.each(SIZES)('every page fits $width pixels and meets WCAG 2.2 AA', async (size) => {
    const { page, context, complaints } = await openPage(browser, weft.address, { ...size, theme })
    const faults: string[] = []
    const look = async (route: string) => {
      await page.goto(route, { waitUntil: 'load' })
      await quiet(page)
      const wide = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
      if ((wide as number) > 0) faults.push(`${route} is ${wide} pixels too wide`)
      if (size.width < 720) faults.push(...((await page.evaluate(ROWS)) as string[]).map((line) => `${route} ${line}`))
      faults.push(...(await violations(page)).map((line) => `${route}: ${line}`))
    }
    await look('/sign-in?error=4f1c-22ab')
    await signIn(page, 'admin', weft.password)
    for (const route of routes) await look(route)
    await context.close()
    expect(faults).toEqual([])
    expect(complaints.filter((line) => !line.includes('/no-such-page'))).toEqual([])
  })
})
