import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { buildAuthnRequest } from '#server/identity/saml/authn-request.ts'
import {
  buildLogoutRequest,
  buildLogoutResponse,
  checkLogoutRequest,
  checkLogoutResponse,
} from '#server/identity/saml/logout.ts'
import { newId } from '#server/identity/saml/message.ts'
import { parseMetadata } from '#server/identity/saml/metadata.ts'
import { readPost } from '#server/identity/saml/post.ts'
import type { Identity, IdpDescription } from '#server/identity/saml/provider.ts'
import { readRedirect, signRedirect } from '#server/identity/saml/redirect.ts'
import { checkResponse } from '#server/identity/saml/response.ts'
import type { Checked } from '#server/identity/saml/result.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { unwrapSoap, wrapSoap } from '#server/identity/saml/soap.ts'
import { type Browsing, passSimpleSamlForm, postedMessage, startBrowsing, textOf } from './browsing.ts'
import { type LassoIdentityProvider, startLasso } from './lasso.ts'
import { type Ourselves, startOurselves } from './ourselves.ts'
import { type IdentityProvider, NAME_ID_FORMATS, startIdentityProvider } from './simplesamlphp.ts'

/** The SAML core as a service provider, against SimpleSAMLphp and lasso. */

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

/** The value of a check that must pass: its refusal otherwise. */
function accepted<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(`${checked.reason}: ${checked.detail}`)
  return checked.value
}

function described(metadata: string): IdpDescription {
  const { idp } = accepted(parseMetadata(metadata, Date.now()))
  if (idp === undefined) throw new Error('no identity provider in there')
  return idp
}

const queryOf = (url: string) => url.slice(url.indexOf('?') + 1)

function check(provider: IdpDescription, encoded: string, requestId?: string): Promise<Checked<Identity>> {
  const { xml } = accepted(readPost({ SAMLResponse: encoded }))
  return checkResponse(xml, {
    provider,
    own: ours.sp,
    requestId,
    allowUnsolicited: requestId === undefined,
    now_ms: Date.now(),
    skew_ms: 60_000,
    decrypter: ours.decrypter,
  })
}

const request = (destination: string, more: { forceAuthn?: boolean; nameIdFormat?: string } = {}) => {
  const id = newId()
  return { id, xml: buildAuthnRequest({ id, own: ours.sp, destination, issueInstant_ms: Date.now(), ...more }) }
}

const ALICE = {
  uid: ['alice'],
  mail: ['alice@tenant-a.example'],
  displayName: ['Alice Ödegård <&>'],
  groups: ['noc-admins', 'tenant-a'],
}

/** Signs somebody in at SimpleSAMLphp by our request, and answers what the core makes of the response. */
async function signIn(browsing: Browsing, user: string, more: Parameters<typeof request>[1] = {}): Promise<Identity> {
  const { id, xml } = request(simple.singleSignOnUrl, more)
  const url = await signRedirect(simple.singleSignOnUrl, { SAMLRequest: xml }, 'state-1', ours.signer)
  const page = await passSimpleSamlForm(browsing, await browsing.open(url), user, `${user}pass`)
  const { encoded, action, relayState } = postedMessage(page)
  expect({ action, relayState }).toEqual({ action: ours.sp.acsUrl, relayState: 'state-1' })
  return accepted(await check(described(await simple.metadata()), encoded, id))
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
    const identity = await signIn(startBrowsing(), 'alice')
    expect(identity).toMatchObject({ attributes: ALICE, signed, encrypted })
    expect(identity.nameId).toMatchObject({ format: NAME_ID_FORMATS.persistent, spNameQualifier: ours.sp.entityId })
    expect(identity.sessionIndex).toMatch(/^_/)
  })

  test.each(Object.entries(NAME_ID_FORMATS))('has a %s name when that is asked for', async (_name, nameIdFormat) => {
    const { nameId } = await signIn(startBrowsing(), 'alice', { nameIdFormat })
    expect(nameId.format).toBe(nameIdFormat)
  })

  test('that nobody asked for is accepted where it is allowed, with its deep link', async () => {
    const browsing = startBrowsing()
    const form = await browsing.open(simple.idpInitiatedUrl(ours.sp.entityId, '/devices/7'))
    const { encoded, relayState } = postedMessage(await passSimpleSamlForm(browsing, form, 'bob', 'bobpass'))
    const provider = described(await simple.metadata())
    expect(relayState).toBe('/devices/7')
    expect(accepted(await check(provider, encoded)).attributes.uid).toEqual(['bob'])
    expect(await check(provider, encoded, '_another')).toMatchObject({ ok: false, reason: 'in-response-to' })
  })

  test('by a key that its metadata do not name any more is refused', async () => {
    const provider = described(await simple.metadata())
    await simple.rotateKey()
    const browsing = startBrowsing()
    const form = await browsing.open(simple.idpInitiatedUrl(ours.sp.entityId))
    const { encoded } = postedMessage(await passSimpleSamlForm(browsing, form, 'alice', 'alicepass'))
    expect(await check(provider, encoded)).toMatchObject({ ok: false, reason: 'signature-key' })
    expect(await check(described(await simple.metadata()), encoded)).toMatchObject({ ok: true })
  })

  test('signed with SHA-1 is refused', async () => {
    simple.configure({ signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' })
    const browsing = startBrowsing()
    const form = await browsing.open(simple.idpInitiatedUrl(ours.sp.entityId))
    const { encoded } = postedMessage(await passSimpleSamlForm(browsing, form, 'alice', 'alicepass'))
    const provider = described(await simple.metadata())
    expect(await check(provider, encoded)).toMatchObject({ ok: false, reason: 'signature-algorithm' })
  })
})

describe('our request', () => {
  test('that nobody signed, or that was changed, is refused by SimpleSAMLphp', async () => {
    const { xml } = request(simple.singleSignOnUrl)
    const url = await signRedirect(simple.singleSignOnUrl, { SAMLRequest: xml }, undefined, ours.signer)
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
    await signIn(browsing, 'alice')
    const again = await signRedirect(
      simple.singleSignOnUrl,
      { SAMLRequest: request(simple.singleSignOnUrl, { forceAuthn: true }).xml },
      undefined,
      ours.signer,
    )
    expect((await browsing.open(again)).html).toContain('name="password"')
  })

  test('is accepted by lasso, whose response is accepted in turn, encrypted or not', async () => {
    const provider = described(await lasso.metadata())
    for (const encrypt of [false, true]) {
      const { id, xml } = request(lasso.singleSignOnUrl, { nameIdFormat: NAME_ID_FORMATS.persistent })
      const url = await signRedirect(lasso.singleSignOnUrl, { SAMLRequest: xml }, '/devices/7', ours.signer)
      const { encoded, relayState } = await lasso.respond('alice', { query: queryOf(url), encrypt })
      expect(relayState).toBe('/devices/7')
      const identity = accepted(await check(provider, encoded, id))
      expect(identity).toMatchObject({ attributes: ALICE, encrypted: encrypt, signed: ['response', 'assertion'] })
      expect(identity.nameId).toMatchObject({ nameQualifier: lasso.entityId, spNameQualifier: ours.sp.entityId })
    }
  })

  test('that was changed is refused by lasso', async () => {
    const { xml } = request(lasso.singleSignOnUrl)
    const url = await signRedirect(lasso.singleSignOnUrl, { SAMLRequest: xml }, '/devices/7', ours.signer)
    const query = queryOf(url).replace('devices', 'tenants')
    await expect(lasso.respond('alice', { query })).rejects.toThrow(/signature/i)
  })
})

describe('logout by redirect with SimpleSAMLphp', () => {
  const signedOut = async (browsing: Browsing) =>
    expect((await browsing.open(simple.idpInitiatedUrl(ours.sp.entityId))).html).toContain('name="password"')

  test('begins with our request and ends with its response', async () => {
    const browsing = startBrowsing()
    const { nameId, sessionIndex } = await signIn(browsing, 'alice')
    const id = newId()
    const xml = buildLogoutRequest({
      id,
      issuer: ours.sp.entityId,
      destination: simple.singleLogoutUrl,
      issueInstant_ms: Date.now(),
      nameId,
      sessionIndexes: [sessionIndex as string],
      notOnOrAfter_ms: Date.now() + 300_000,
    })
    const url = await signRedirect(simple.singleLogoutUrl, { SAMLRequest: xml }, 'run-1', ours.signer)

    const back = await browsing.open(url, { stopAt: ours.origin })

    const rawQuery = queryOf(back.url)
    const message = accepted(readRedirect(rawQuery))
    expect(message).toMatchObject({ kind: 'response', relayState: 'run-1' })
    const answered = accepted(
      checkLogoutResponse(message.xml, {
        requestId: id,
        sender: described(await simple.metadata()),
        destination: ours.sp.sloUrl,
        arrival: { binding: 'redirect', rawQuery },
        now_ms: Date.now(),
      }),
    )
    expect(answered.outcome).toBe('success')
    await signedOut(browsing)
  })

  test('begins with its request and ends with our response', async () => {
    const browsing = startBrowsing()
    const { nameId, sessionIndex } = await signIn(browsing, 'bob')
    const sender = described(await simple.metadata())

    const here = await browsing.open(simple.logoutUrl(`${simple.origin}/?bye`), { stopAt: ours.origin })

    const rawQuery = queryOf(here.url)
    const message = accepted(readRedirect(rawQuery))
    const asked = accepted(
      await checkLogoutRequest(message.xml, {
        sender,
        destination: ours.sp.sloUrl,
        arrival: { binding: 'redirect', rawQuery },
        now_ms: Date.now(),
      }),
    )
    expect(asked).toMatchObject({ issuer: simple.entityId, nameId, sessionIndexes: [sessionIndex] })

    const xml = buildLogoutResponse({
      id: newId(),
      issuer: ours.sp.entityId,
      destination: simple.singleLogoutUrl,
      issueInstant_ms: Date.now(),
      inResponseTo: asked.id,
      outcome: 'success',
    })
    const answer = await signRedirect(simple.singleLogoutUrl, { SAMLResponse: xml }, message.relayState, ours.signer)
    const end = await browsing.open(answer, { stopAt: `${simple.origin}/?bye` })
    expect(end.url).toBe(`${simple.origin}/?bye`)
    await signedOut(browsing)
  })

  test('is refused there when nobody signed it', async () => {
    const browsing = startBrowsing()
    const { nameId } = await signIn(browsing, 'alice')
    const xml = buildLogoutRequest({
      id: newId(),
      issuer: ours.sp.entityId,
      destination: simple.singleLogoutUrl,
      issueInstant_ms: Date.now(),
      nameId,
      sessionIndexes: [],
      notOnOrAfter_ms: Date.now() + 300_000,
    })
    const url = await signRedirect(simple.singleLogoutUrl, { SAMLRequest: xml }, 'run-1', ours.signer)
    const page = await browsing.open(url.replace(/&SigAlg=.*/, ''), { stopAt: ours.origin })
    expect(textOf(page.html)).toContain('Validation of received messages enabled')
    expect(postedMessage(await browsing.open(simple.idpInitiatedUrl(ours.sp.entityId))).xml).toContain('Response')
  })
})

describe('logout by SOAP with lasso', () => {
  const signInUnasked = async (user: string): Promise<Identity> => {
    const { encoded } = await lasso.respond(user, { serviceProvider: ours.sp.entityId })
    return accepted(await check(described(await lasso.metadata()), encoded))
  }
  const sendLogout = async (identity: Identity) => {
    const id = newId()
    const xml = buildLogoutRequest({
      id,
      issuer: ours.sp.entityId,
      destination: lasso.soapLogoutUrl,
      issueInstant_ms: Date.now(),
      nameId: identity.nameId,
      sessionIndexes: identity.sessionIndex === undefined ? [] : [identity.sessionIndex],
      notOnOrAfter_ms: Date.now() + 300_000,
    })
    const answer = await fetch(lasso.soapLogoutUrl, {
      method: 'POST',
      headers: { 'content-type': 'text/xml' },
      body: wrapSoap(await signXml(xml, id, ours.signer)),
    })
    return checkLogoutResponse(accepted(unwrapSoap(Buffer.from(await answer.arrayBuffer()))), {
      requestId: id,
      sender: described(await lasso.metadata()),
      destination: ours.sp.sloSoapUrl,
      arrival: { binding: 'soap' },
      now_ms: Date.now(),
    })
  }

  test('ends the session there by our request', async () => {
    const identity = await signInUnasked('alice')
    expect(accepted(await sendLogout(identity)).outcome).toBe('success')
    const received = await lasso.received()
    expect(received.at(-1)).toEqual({ from: ours.sp.entityId, nameId: identity.nameId.value, user: 'alice' })
  })

  test('says that it did not end a session that is not there', async () => {
    const identity = await signInUnasked('bob')
    const nameId = { ...identity.nameId, value: '_nobody' }
    expect(accepted(await sendLogout({ ...identity, nameId })).outcome).not.toBe('success')
  })

  test('ends ours by its request, and takes our answer', async () => {
    const identity = await signInUnasked('alice')
    const sender = described(await lasso.metadata())
    ours.takeSoap('/saml/slo/soap', async (body) => {
      const asked = accepted(
        await checkLogoutRequest(accepted(unwrapSoap(body)), {
          sender,
          destination: ours.sp.sloSoapUrl,
          arrival: { binding: 'soap' },
          now_ms: Date.now(),
        }),
      )
      expect(asked).toMatchObject({ nameId: identity.nameId, sessionIndexes: [identity.sessionIndex] })
      const id = newId()
      const xml = buildLogoutResponse({
        id,
        issuer: ours.sp.entityId,
        issueInstant_ms: Date.now(),
        inResponseTo: asked.id,
        outcome: 'success',
      })
      return wrapSoap(await signXml(xml, id, ours.signer))
    })
    const { status, error } = await lasso.logOut('alice', ours.sp.entityId)
    expect({ status, error }).toEqual({ status: 200, error: undefined })
  })

  test('is not over for lasso when our answer is not signed', async () => {
    await signInUnasked('alice')
    ours.takeSoap('/saml/slo/soap', async (body) => {
      const inResponseTo = /ID="([^"]+)"/.exec(accepted(unwrapSoap(body)))?.[1] ?? ''
      return wrapSoap(
        buildLogoutResponse({
          id: newId(),
          issuer: ours.sp.entityId,
          issueInstant_ms: Date.now(),
          inResponseTo,
          outcome: 'success',
        }),
      )
    })
    expect((await lasso.logOut('alice', ours.sp.entityId)).error).toMatch(/signature/i)
  })
})
