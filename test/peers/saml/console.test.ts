import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ConsoleRecord } from '#server/identity/federation/console-ports.ts'
import { type ConsoleAdministration, consoleAdministration } from '#server/inventory/consoles.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { member, type SignInGround, startSignIn } from '#test/unit/http/saml/ground.ts'
import { type Browsing, type Page, passSimpleSamlForm, postedMessage, startBrowsing } from './browsing.ts'
import { identityShown, type Mellon, startMellon } from './mellon.ts'
import { type IdentityProvider, NAME_ID_FORMATS, startIdentityProvider } from './simplesamlphp.ts'

/** People sign in to the consoles of VNFs, which are mod_auth_mellon, through us, and with us through SimpleSAMLphp. */

let weft: SignInGround
let store: ConsoleAdministration
let upstream: IdentityProvider
let elsewhere: IdentityProvider
let firewall: Mellon
let balancer: Mellon
let registered: ConsoleRecord
let blue: string

const nameIdFormat = NAME_ID_FORMATS.persistent

const register = async (mellon: Mellon, more: Partial<ConsoleRecord> = {}) =>
  store.create(EVERYTHING, {
    ...{ id: uuidv7(), name: `c-${uuidv7()}`, displayName: 'Firewall', tenantId: weft.tenant.id, homeUrl: null },
    ...{ entityId: mellon.entityId, metadata: await mellon.metadata(), release: [], encrypt: false },
    ...more,
  })

beforeAll(async () => {
  weft = await startSignIn()
  store = consoleAdministration(weft.database)
  const [sp, idp] = await Promise.all(
    ['/saml/metadata', '/saml/idp/metadata'].map(async (path) => (await weft.get(path)).text()),
  )
  const serviceProviders = [sp as string]
  upstream = await startIdentityProvider({ name: 'one', serviceProviders })
  elsewhere = await startIdentityProvider({ name: 'two', serviceProviders })
  firewall = await startMellon({ name: 'fw', nameIdFormat, identityProvider: idp as string })
  balancer = await startMellon({ name: 'lb', nameIdFormat, identityProvider: idp as string })
  blue = (await tenantStore(weft.database).create(EVERYTHING, { name: 'blue', quotas: { networks: 1, ports: 1 } })).id
  const add = async (peer: IdentityProvider, tenantId: string) =>
    weft.provider({ issuer: peer.entityId, metadata: await peer.metadata(), rules: [member], tenantId })
  await add(upstream, weft.tenant.id)
  await add(elsewhere, blue)
  registered = await register(firewall, { homeUrl: firewall.secretUrl })
  await register(balancer)
})
afterAll(async () => {
  for (const peer of [firewall, balancer, upstream, elsewhere]) await peer?.stop()
  await weft?.close()
})
beforeEach(() => upstream.configure({}))

const last = () => weft.audit.lines.at(-1)

/** Our page with the response for the console, reached through the form of the provider upstream where there is one. */
async function ourPage(browsing: Browsing, mellon: Mellon, who = 'alice'): Promise<Page> {
  const first = await browsing.open(mellon.secretUrl)
  if (first.url.startsWith(weft.origin)) return first
  const answered = await passSimpleSamlForm(browsing, first, who, `${who}pass`)
  return browsing.submit(answered)
}

const signIn = async (browsing: Browsing, mellon: Mellon, who?: string) =>
  browsing.submit(await ourPage(browsing, mellon, who))

const change = async (patch: Parameters<ConsoleAdministration['update']>[3]) => {
  const { revision } = await store.get(EVERYTHING, registered.id)
  await store.update(EVERYTHING, registered.id, revision, patch)
}

describe('a console is opened through us and the provider behind us', () => {
  test('by a person whom it is told nothing of but a name', async () => {
    const browsing = startBrowsing()
    const ours = await ourPage(browsing, firewall)
    const { xml } = postedMessage(ours)
    expect(xml).toContain(`<saml:AuthenticatingAuthority>${upstream.entityId}</saml:AuthenticatingAuthority>`)
    const page = await browsing.submit(ours)
    expect([page.url, page.status]).toEqual([firewall.secretUrl, 200])
    const shown = identityShown(page.html)
    expect(shown).toMatchObject({
      IDP: `${weft.origin}/saml/idp/metadata`,
      NAME_ID: expect.stringMatching(/^_[0-9a-f]{40}$/),
    })
    expect(JSON.stringify(shown)).not.toMatch(/alice|noc-admins|deg/i)
    expect(last()).toMatchObject({ action: 'signIn.console', outcome: 'done', actor: 'alice' })
  })

  test('encrypted on both ways', async () => {
    upstream.configure({ encryptAssertions: true })
    await change({ encrypt: true })
    const browsing = startBrowsing()
    const ours = await ourPage(browsing, firewall)
    expect(postedMessage(ours).xml).toContain('<saml:EncryptedAssertion')
    expect(identityShown((await browsing.submit(ours)).html).NAME_ID).toMatch(/^_[0-9a-f]{40}$/)
    await change({ encrypt: false })
  })

  test('which is told what was chosen for it', async () => {
    await change({ release: ['name', 'displayName', 'email', 'roles', 'tenant'] })
    const { html } = await signIn(startBrowsing(), firewall)
    await change({ release: [] })
    expect(identityShown(html)).toMatchObject({
      ...{ name: 'alice', displayName: 'Alice Ödegård &lt;&amp;&gt;', email: 'alice@tenant-a.example' },
      ...{ roles: 'tenant-member', tenant: 'red' },
    })
  })

  test('under a name that lasts, and that no other console knows', async () => {
    const nameAt = async (mellon: Mellon, who?: string) =>
      identityShown((await signIn(startBrowsing(), mellon, who)).html).NAME_ID
    const name = await nameAt(firewall)
    expect(await nameAt(firewall)).toBe(name)
    expect(await nameAt(balancer)).not.toBe(name)
    expect(await nameAt(firewall, 'bob')).not.toBe(name)
  })

  test('after another without a word', async () => {
    const browsing = startBrowsing()
    await signIn(browsing, firewall)
    const ours = await browsing.open(balancer.secretUrl)
    expect(ours.url).toContain(`${weft.origin}/saml/idp/continue`)
    expect((await browsing.submit(ours)).url).toBe(balancer.secretUrl)
  })

  test('from the page of links, at its home', async () => {
    const browsing = startBrowsing()
    await signIn(browsing, balancer)
    const page = await browsing.submit(await browsing.open(`${weft.origin}/saml/idp/launch?console=${registered.id}`))
    expect([page.url, page.status]).toEqual([firewall.secretUrl, 200])
  })
})

describe('a console’s request is refused', () => {
  /** The address that mod_auth_mellon sends a browser to, not gone to yet. */
  const asked = async (browsing: Browsing) => (await browsing.open(firewall.secretUrl, { stopAt: weft.origin })).url

  test('without its signature, or with another RelayState', async () => {
    const browsing = startBrowsing()
    const url = await asked(browsing)
    const bare = await browsing.open(url.replace(/&SigAlg=.*/, ''))
    expect([bare.status, last()?.reason]).toEqual([403, 'unsigned'])
    const turned = await browsing.open(url.replace(/RelayState=[^&]*/, 'RelayState=https%3A%2F%2Felsewhere.example'))
    expect([turned.status, last()?.reason]).toEqual([403, 'signature-invalid'])
  })

  test('a second time', async () => {
    const browsing = startBrowsing()
    const url = await asked(browsing)
    expect((await browsing.open(url)).html).toContain('AuthState')
    const again = await browsing.open(url)
    expect([again.status, last()?.reason]).toEqual([403, 'replay'])
  })

  test('when the answer is to go where its registered metadata do not say', async () => {
    const metadata = await firewall.metadata()
    await change({ metadata: metadata.replaceAll('/mellon/postResponse', '/mellon/elsewhere') })
    const browsing = startBrowsing()
    const page = await browsing.open(await asked(browsing))
    await change({ metadata })
    expect([page.status, last()?.reason]).toEqual([403, 'endpoint'])
  })

  test('by a key that its registered metadata do not hold', async () => {
    const metadata = await firewall.metadata()
    const keyOf = (xml: string) => /<ds:X509Certificate>[\s\S]*?<\/ds:X509Certificate>/.exec(xml)?.[0] ?? ''
    await change({ metadata: metadata.replaceAll(keyOf(metadata), keyOf(await balancer.metadata())) })
    const browsing = startBrowsing()
    const page = await browsing.open(await asked(browsing))
    await change({ metadata })
    expect([page.status, last()?.reason]).toEqual([403, 'signature-invalid'])
  })

  test('for the people of another tenant, whom the console does not let in', async () => {
    const browsing = startBrowsing()
    const idp = (await weft.federation.providers.byIssuer(elsewhere.entityId))?.name
    const form = await browsing.open(`${weft.origin}/saml/login?idp=${idp}`)
    await browsing.submit(await passSimpleSamlForm(browsing, form, 'bob', 'bobpass'))
    const ours = await browsing.open(firewall.secretUrl)
    expect(postedMessage(ours).xml).toContain('status:RequestDenied')
    expect(last()).toMatchObject({ action: 'signIn.console', outcome: 'refused', reason: 'no-access', actor: 'bob' })
    const page = await browsing.submit(ours)
    expect(page.status).toBeGreaterThanOrEqual(400)
    expect((await browsing.open(firewall.secretUrl, { stopAt: weft.origin })).status).toBe(0)
  })
})
