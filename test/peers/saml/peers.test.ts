import { createPublicKey, X509Certificate } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { passSimpleSamlForm, postedMessage, startBrowsing, textOf } from './browsing.ts'
import { startLasso } from './lasso.ts'
import { identityShown, startMellon } from './mellon.ts'
import { NAME_ID_FORMATS, startIdentityProvider } from './simplesamlphp.ts'

const running: { stop(): Promise<void> }[] = []
async function keep<Peer extends { stop(): Promise<void> }>(starting: Promise<Peer>): Promise<Peer> {
  const peer = await starting
  running.push(peer)
  return peer
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.stop()))
})

const took = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
  const start = performance.now()
  const answer = await work()
  return [answer, performance.now() - start]
}

const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`weft-peer-${process.pid}-`))

describe('identity providers and service providers agree among themselves', () => {
  test('a person signs in at SimpleSAMLphp for mod_auth_mellon, and out again', async () => {
    const provider = await keep(startIdentityProvider({ name: 'one' }))
    const console_ = await keep(startMellon({ name: 'fw', identityProvider: await provider.metadata() }))
    provider.addServiceProvider(await console_.metadata())
    const browsing = startBrowsing()

    const form = await browsing.open(console_.secretUrl)
    expect(form.url).toContain(provider.origin)
    const wrong = await passSimpleSamlForm(browsing, form, 'alice', 'bobpass')
    expect(textOf(wrong.html)).toContain('Incorrect username or password')
    const onward = await passSimpleSamlForm(browsing, wrong, 'alice', 'alicepass')
    const page = await browsing.submit(onward)

    expect(page).toMatchObject({ status: 200, url: console_.secretUrl })
    expect(identityShown(page.html)).toMatchObject({
      IDP: provider.entityId,
      uid: 'alice',
      displayName: 'Alice Ödegård &lt;&amp;&gt;',
      groups: 'noc-admins;tenant-a',
    })

    const out = await browsing.open(console_.logoutUrl())
    expect(textOf(out.html)).toContain('Signed out')
    expect((await browsing.open(console_.secretUrl)).html).toContain('name="password"')
  })

  test('signing out at the provider signs out of the service provider', async () => {
    const provider = await keep(startIdentityProvider({ name: 'one' }))
    const console_ = await keep(startMellon({ name: 'fw', identityProvider: await provider.metadata() }))
    provider.addServiceProvider(await console_.metadata())
    const browsing = startBrowsing()
    const form = await browsing.open(console_.secretUrl)
    await browsing.submit(await passSimpleSamlForm(browsing, form, 'bob', 'bobpass'))
    expect((await browsing.open(console_.secretUrl)).status).toBe(200)

    const after = await browsing.open(provider.logoutUrl(`${console_.origin}/`))

    expect(after.url).toBe(`${console_.origin}/`)
    const again = await browsing.open(console_.secretUrl, { stopAt: provider.origin })
    expect(again.url).toContain('SAMLRequest')
  })

  test('two providers sign people in side by side, in one browser', async () => {
    const [one, two] = await Promise.all(['one', 'two'].map((name) => keep(startIdentityProvider({ name }))))
    const [first, second] = await Promise.all(
      [one, two].map(async (provider, index) =>
        keep(
          startMellon({ name: `fw${index}`, identityProvider: await (provider as NonNullable<typeof one>).metadata() }),
        ),
      ),
    )
    if (!one || !two || !first || !second) throw new Error('four peers')
    one.addServiceProvider(await first.metadata())
    two.addServiceProvider(await second.metadata())
    const browsing = startBrowsing()
    const enter = async (url: string, user: string) =>
      browsing.submit(await passSimpleSamlForm(browsing, await browsing.open(url), user, `${user}pass`))

    await enter(first.secretUrl, 'alice')
    await enter(second.secretUrl, 'bob')

    expect(identityShown((await browsing.open(first.secretUrl)).html)).toMatchObject({
      uid: 'alice',
      IDP: one.entityId,
    })
    expect(identityShown((await browsing.open(second.secretUrl)).html)).toMatchObject({ uid: 'bob', IDP: two.entityId })
  })
})

describe('SimpleSAMLphp as the tests want it', () => {
  const serviceProvider = (certificate: string) => `<md:EntityDescriptor
    xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="http://sp.test">
    <md:SPSSODescriptor WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
      <md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate.replace(/-----[A-Z ]+-----|\s/g, '')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
      <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="http://sp.test/acs" index="0"/>
    </md:SPSSODescriptor></md:EntityDescriptor>`

  test('what is signed and encrypted is chosen while it runs', async () => {
    const provider = await keep(startIdentityProvider({ name: 'one' }))
    provider.addServiceProvider(serviceProvider(provider.certificate()))
    const browsing = startBrowsing()
    const form = await browsing.open(provider.idpInitiatedUrl('http://sp.test', '/devices/7'))
    const message = postedMessage(await passSimpleSamlForm(browsing, form, 'alice', 'alicepass'))
    expect(message).toMatchObject({ action: 'http://sp.test/acs', relayState: '/devices/7' })

    const seen: string[] = []
    for (const [signResponse, signAssertion, encryptAssertions] of [
      [true, false, false],
      [false, true, false],
      [true, true, false],
      [true, true, true],
    ]) {
      provider.configure({ signResponse, signAssertion, encryptAssertions, nameIdFormat: 'emailAddress' })
      const { xml } = postedMessage(await browsing.open(provider.idpInitiatedUrl('http://sp.test')))
      const [response, assertion] = xml.split('<samlp:Status>')
      seen.push(
        [
          response?.includes('<ds:Signature ') ? 'response' : '',
          assertion?.includes('<ds:Signature ') ? 'assertion' : '',
          assertion?.includes('EncryptedAssertion') ? 'encrypted' : '',
        ].join(' '),
      )
      if (!encryptAssertions) expect(xml).toContain(`Format="${NAME_ID_FORMATS.emailAddress}"`)
    }
    expect(seen).toEqual(['response  ', ' assertion ', 'response assertion ', 'response  encrypted'])
  })

  test('a key is announced beside the one in use, then takes its place', async () => {
    const provider = await keep(startIdentityProvider({ name: 'one' }))
    const certificates = async () =>
      [
        ...(await provider.metadata()).matchAll(/<md:KeyDescriptor use="signing">[\s\S]*?<ds:X509Certificate>([^<]+)/g),
      ].map(([, text]) => new X509Certificate(Buffer.from(text ?? '', 'base64')).fingerprint256)
    const before = await certificates()
    expect(before).toEqual([new X509Certificate(provider.certificate()).fingerprint256])

    await provider.announceKey()
    expect(await certificates()).toHaveLength(2)
    expect(await certificates()).toContain(before[0])

    await provider.rotateKey()
    const after = await certificates()
    expect(after).toEqual([new X509Certificate(provider.certificate()).fingerprint256])
    expect(after).not.toEqual(before)
    const published = new X509Certificate(provider.certificate()).publicKey.export({ type: 'spki', format: 'pem' })
    expect(createPublicKey(provider.signingKey()).export({ type: 'spki', format: 'pem' })).toBe(published)
  })

  test('metadata are signed, or end, when that is asked for', async () => {
    const provider = await keep(startIdentityProvider({ name: 'one', options: { signMetadata: true } }))
    expect(await provider.metadata()).toContain('<ds:SignatureValue>')
    expect(await provider.metadata({ validUntil: new Date(0) })).toMatch(
      /<md:EntityDescriptor validUntil="1970-01-01T00:00:00.000Z" (?![\s\S]*SignatureValue)/,
    )
  })

  test('a provider that is down comes back on the same port with the same key', async () => {
    const provider = await keep(startIdentityProvider({ name: 'one' }))
    const before = await provider.metadata()
    await provider.halt()
    await expect(fetch(provider.metadataUrl)).rejects.toThrow()
    await provider.resume()
    expect(await provider.metadata()).toBe(before)
  })
})

describe('lasso', () => {
  test('signs people in with and without a form, and out by SOAP', async () => {
    const provider = await keep(startLasso({ name: 'lasso' }))
    const console_ = await keep(startMellon({ name: 'fw', identityProvider: await provider.metadata() }))
    await provider.addServiceProvider(await console_.metadata())

    const browsing = startBrowsing()
    const form = await browsing.open(console_.secretUrl)
    const wrong = await browsing.submit(form, { username: 'bob', password: 'alicepass' })
    expect(wrong.status).toBe(403)
    const page = await browsing.submit(await browsing.submit(form, { username: 'bob', password: 'bobpass' }))
    expect(identityShown(page.html)).toMatchObject({ uid: 'bob', IDP: provider.entityId })

    // One session at a time: mod_auth_mellon ends one session for a name, not all of them.
    for (const encrypt of [false, true]) {
      const other = startBrowsing()
      const to = { serviceProvider: console_.entityId, relayState: console_.secretUrl, encrypt }
      const { action, encoded, relayState, xml } = await provider.respond('alice', to)
      expect(xml.includes('EncryptedAssertion')).toBe(encrypt)
      const inside = await other.send(action, { SAMLResponse: encoded, RelayState: relayState ?? '' })
      expect(identityShown(inside.html)).toMatchObject({ uid: 'alice', displayName: 'Alice Ödegård &lt;&amp;&gt;' })

      const ended = await provider.logOut('alice', console_.entityId)
      expect(ended).toMatchObject({ status: 200, answer: expect.stringContaining('status:Success') })
      expect(ended.error).toBeUndefined()
      expect((await other.open(console_.secretUrl, { stopAt: provider.origin })).status).toBe(0)
    }
    expect((await browsing.open(console_.secretUrl)).status).toBe(200)
  })

  test('refuses a logout request that nobody signed', async () => {
    const provider = await keep(startLasso({ name: 'lasso' }))
    const console_ = await keep(startMellon({ name: 'fw', identityProvider: await provider.metadata() }))
    await provider.addServiceProvider(await console_.metadata())
    await provider.respond('alice', { serviceProvider: console_.entityId })
    const request = (await provider.logOut('alice', console_.entityId)).sent
    const unsigned = request
      .replace(/<Signature[\s\S]*<\/Signature>/, '')
      .replace(`<saml:Issuer>${provider.entityId}`, `<saml:Issuer>${console_.entityId}`)
      .replace(/Destination="[^"]*"/, `Destination="${provider.soapLogoutUrl}"`)

    const answer = await fetch(provider.soapLogoutUrl, {
      method: 'POST',
      body: unsigned,
      headers: { 'content-type': 'text/xml' },
    })

    expect(await answer.text()).not.toContain('status:Success')
    expect(await provider.received()).toMatchObject([{ error: expect.stringMatching(/signature/i) }])
  })
})

/** Measured: 0.3 to 0.6 s each on an idle machine of two cores, most of it for making the RSA key. */
const START_MAX_ms = 5000

describe('the processes', () => {
  test('start and stop within seconds, and leave no process and no folder', async () => {
    const before = folders()
    const [provider, provider_ms] = await took(() => startIdentityProvider({ name: 'one' }))
    const [console_, console_ms] = await took(async () =>
      startMellon({ name: 'fw', identityProvider: await provider.metadata() }),
    )
    const [lasso, lasso_ms] = await took(() => startLasso({ name: 'lasso' }))
    const pids = [provider, console_, lasso].flatMap((peer) => peer.pids())
    expect(pids.length).toBeGreaterThanOrEqual(8)
    expect(folders()).toHaveLength(before.length + 3)

    const [, stop_ms] = await took(() => Promise.all([provider, console_, lasso].map((peer) => peer.stop())))

    expect(Math.max(provider_ms, console_ms, lasso_ms, stop_ms)).toBeLessThan(START_MAX_ms)
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
    expect(folders()).toEqual(before)
  })
})
