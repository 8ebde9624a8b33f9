import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseMetadata } from '#server/identity/saml/metadata.ts'
import { passSimpleSamlForm, postedMessage, startBrowsing, textOf } from './browsing.ts'
import { type LassoIdentityProvider, startLasso } from './lasso.ts'
import {
  accepted,
  askSignIn,
  checkPosted,
  described,
  type Ourselves,
  queryOf,
  signInAt,
  startOurselves,
} from './ourselves.ts'
import { type IdentityProvider, NAME_ID_FORMATS, startIdentityProvider } from './simplesamlphp.ts'

/** The SAML core as a service provider, against SimpleSAMLphp and lasso: metadata, requests, responses. */

let ours: Ourselves
let simple: IdentityProvider
let lasso: LassoIdentityProvider
beforeAll(async () => {
  ours = await startOurselves()
  simple = await startIdentityProvider({ name: 'one', serviceProviders: [ours.spMetadata] })
  lasso = await startLasso({ name: 'lasso', serviceProviders: [ours.spMetadata] })
})
afterAll(() => Promise.all([simple, lasso, ours].map((peer) => peer?.stop())))
beforeEach(() => simple.configure({}))

const ALICE = {
  uid: ['alice'],
  mail: ['alice@tenant-a.example'],
  displayName: ['Alice Ödegård <&>'],
  groups: ['noc-admins', 'tenant-a'],
}

describe('metadata of SimpleSAMLphp', () => {
  test('describe the provider', async () => {
    expect(described(await simple.metadata())).toMatchObject({
      entityId: simple.entityId,
      signingCertificates: [expect.stringContaining(simple.certificate().slice(30, 90))],
      wantAuthnRequestsSigned: true,
      singleSignOn: expect.arrayContaining([
        { binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', location: simple.singleSignOnUrl },
      ]),
      singleLogout: [
        { binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', location: simple.singleLogoutUrl },
      ],
      nameIdFormats: [NAME_ID_FORMATS.persistent],
    })
  })

  test('may be signed, and say until when they hold', async () => {
    simple.configure({ signMetadata: true })
    expect(described(await simple.metadata()).entityId).toBe(simple.entityId)
    const validUntil = new Date(Date.now() + 86_400_000)
    expect(described(await simple.metadata({ validUntil })).validUntil_ms).toBe(validUntil.getTime())
    const ended = parseMetadata(await simple.metadata({ validUntil: new Date(1) }), Date.now())
    expect(ended).toMatchObject({ ok: false, reason: 'expired' })
  })

  test('name both keys while one is to take the place of the other', async () => {
    await simple.announceKey()
    expect(described(await simple.metadata()).signingCertificates).toHaveLength(2)
    await simple.rotateKey()
    expect(described(await simple.metadata()).signingCertificates).toHaveLength(1)
  })
})

describe('a genuine response of SimpleSAMLphp', () => {
  test.each([
    ['the response', { signAssertion: false }, ['response'], false],
    ['the assertion', { signResponse: false }, ['assertion'], false],
    ['both', {}, ['response', 'assertion'], false],
    ['both, the assertion encrypted', { encryptAssertions: true }, ['response', 'assertion'], true],
  ] as const)('is accepted with a signature of %s', async (_what, options, signed, encrypted) => {
    simple.configure(options)
    const identity = await signInAt(ours, simple, startBrowsing(), 'alice')
    expect(identity).toMatchObject({ attributes: ALICE, signed, encrypted })
    expect(identity.nameId).toMatchObject({ format: NAME_ID_FORMATS.persistent, spNameQualifier: ours.sp.entityId })
    expect(identity.sessionIndex).toMatch(/^_/)
  })

  // Our metadata ask for signed assertions. What SimpleSAMLphp encrypts with (AES-CBC) says nothing of who encrypted.
  test.each([
    ['inside of a signed response, but not signed itself', { signAssertion: false }, 'unsigned'],
    ['and signed, but not inside of a signed response', { signResponse: false }, 'encryption-algorithm'],
  ] as const)('is refused with an assertion encrypted %s', async (_what, options, reason) => {
    simple.configure({ ...options, encryptAssertions: true })
    const browsing = startBrowsing()
    const form = await browsing.open(simple.idpInitiatedUrl(ours.sp.entityId))
    const { encoded } = postedMessage(await passSimpleSamlForm(browsing, form, 'alice', 'alicepass'))
    expect(await checkPosted(ours, described(await simple.metadata()), encoded)).toMatchObject({ ok: false, reason })
  })

  test.each(Object.entries(NAME_ID_FORMATS))('has a %s name when that is asked for', async (_name, nameIdFormat) => {
    const { nameId } = await signInAt(ours, simple, startBrowsing(), 'alice', { nameIdFormat })
    expect(nameId.format).toBe(nameIdFormat)
  })

  test('that nobody asked for is accepted where it is allowed, with its deep link', async () => {
    const browsing = startBrowsing()
    const form = await browsing.open(simple.idpInitiatedUrl(ours.sp.entityId, '/devices/7'))
    const { encoded, relayState } = postedMessage(await passSimpleSamlForm(browsing, form, 'bob', 'bobpass'))
    const provider = described(await simple.metadata())
    expect(relayState).toBe('/devices/7')
    expect(accepted(await checkPosted(ours, provider, encoded)).attributes.uid).toEqual(['bob'])
    expect(await checkPosted(ours, provider, encoded, '_another')).toMatchObject({
      ok: false,
      reason: 'in-response-to',
    })
  })

  test('by a key that its metadata do not name any more is refused', async () => {
    const provider = described(await simple.metadata())
    await simple.rotateKey()
    const browsing = startBrowsing()
    const form = await browsing.open(simple.idpInitiatedUrl(ours.sp.entityId))
    const { encoded } = postedMessage(await passSimpleSamlForm(browsing, form, 'alice', 'alicepass'))
    expect(await checkPosted(ours, provider, encoded)).toMatchObject({ ok: false, reason: 'signature-key' })
    expect(await checkPosted(ours, described(await simple.metadata()), encoded)).toMatchObject({ ok: true })
  })

  test('signed with SHA-1 is refused', async () => {
    simple.configure({ signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' })
    const browsing = startBrowsing()
    const form = await browsing.open(simple.idpInitiatedUrl(ours.sp.entityId))
    const { encoded } = postedMessage(await passSimpleSamlForm(browsing, form, 'alice', 'alicepass'))
    const provider = described(await simple.metadata())
    expect(await checkPosted(ours, provider, encoded)).toMatchObject({ ok: false, reason: 'signature-algorithm' })
  })
})

describe('our request', () => {
  test('that nobody signed, or that was changed, is refused by SimpleSAMLphp', async () => {
    const { url } = await askSignIn(ours, simple.singleSignOnUrl)
    const unsigned = url.replace(/&SigAlg=.*/, '')
    const changed = url.replace('&SigAlg=', '&RelayState=elsewhere&SigAlg=')
    for (const refused of [unsigned, changed]) {
      const page = await startBrowsing().open(refused)
      expect(page.html).not.toContain('name="password"')
      expect(textOf(page.html)).toMatch(/Validation of received messages enabled|Unable to validate signature/)
    }
    expect((await startBrowsing().open(url)).html).toContain('name="password"')
  })

  test('to sign in anew shows the form to somebody who is signed in', async () => {
    const browsing = startBrowsing()
    await signInAt(ours, simple, browsing, 'alice')
    const { url } = await askSignIn(ours, simple.singleSignOnUrl, { forceAuthn: true })
    expect((await browsing.open(url)).html).toContain('name="password"')
  })

  test('is accepted by lasso, whose response is accepted in turn, encrypted or not', async () => {
    const provider = described(await lasso.metadata())
    for (const encrypt of [false, true]) {
      const { requestId, url } = await askSignIn(ours, lasso.singleSignOnUrl, {
        nameIdFormat: NAME_ID_FORMATS.persistent,
        relayState: '/devices/7',
      })
      const { encoded, relayState } = await lasso.respond('alice', { query: queryOf(url), encrypt })
      expect(relayState).toBe('/devices/7')
      const identity = accepted(await checkPosted(ours, provider, encoded, requestId))
      expect(identity).toMatchObject({ attributes: ALICE, encrypted: encrypt, signed: ['response', 'assertion'] })
      expect(identity.nameId).toMatchObject({ nameQualifier: lasso.entityId, spNameQualifier: ours.sp.entityId })
    }
  })

  test('that was changed is refused by lasso', async () => {
    const { url } = await askSignIn(ours, lasso.singleSignOnUrl, { relayState: '/devices/7' })
    const query = queryOf(url).replace('devices', 'tenants')
    await expect(lasso.respond('alice', { query })).rejects.toThrow(/signature/i)
  })
})
