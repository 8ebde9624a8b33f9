import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkAuthnRequest, type DownstreamRequest } from '#server/identity/saml/authn-request.ts'
import { buildErrorResponse, buildResponse } from '#server/identity/saml/idp-response.ts'
import {
  buildLogoutRequest,
  buildLogoutResponse,
  checkLogoutRequest,
  checkLogoutResponse,
} from '#server/identity/saml/logout.ts'
import { newId } from '#server/identity/saml/message.ts'
import { parseMetadata } from '#server/identity/saml/metadata.ts'
import type { NameId, SpDescription } from '#server/identity/saml/provider.ts'
import { readRedirect, signRedirect } from '#server/identity/saml/redirect.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { unwrapSoap, wrapSoap } from '#server/identity/saml/soap.ts'
import { type Browsing, type Page, startBrowsing } from './browsing.ts'
import { identityShown, type Mellon, startMellon } from './mellon.ts'
import { accepted, type Ourselves, queryOf, startOurselves } from './ourselves.ts'
import { NAME_ID_FORMATS } from './simplesamlphp.ts'

/** The SAML core as an identity provider, against mod_auth_mellon. */

let ours: Ourselves
let mellon: Mellon
let sp: SpDescription
beforeAll(async () => {
  ours = await startOurselves()
  mellon = await startMellon({
    name: 'fw',
    identityProvider: ours.idpMetadata,
    nameIdFormat: NAME_ID_FORMATS.persistent,
  })
  const parsed = accepted(parseMetadata(await mellon.metadata(), Date.now()))
  sp = parsed.sp as SpDescription
})
afterAll(() => Promise.all([mellon, ours].map((peer) => peer?.stop())))

const PASSWORD = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'
const UPSTREAM = 'https://idp.example/saml'
const nameOf = (value: string): NameId => ({
  value,
  format: NAME_ID_FORMATS.persistent,
  nameQualifier: ours.idp.entityId,
  spNameQualifier: mellon.entityId,
})

/** Opens the console, which asks us: its request as the core reads it, and the RelayState. */
async function asked(browsing: Browsing): Promise<{ request: DownstreamRequest; relayState: string }> {
  const { url } = await browsing.open(mellon.secretUrl, { stopAt: ours.origin })
  const rawQuery = queryOf(url)
  const { xml, relayState } = accepted(readRedirect(rawQuery))
  const request = accepted(
    checkAuthnRequest(xml, { sp, own: ours.idp, arrival: { binding: 'redirect', rawQuery }, now_ms: Date.now() }),
  )
  return { request, relayState: relayState ?? '' }
}

const respond = (request: DownstreamRequest, value: string, more: { encrypt?: boolean; sessionIndex?: string } = {}) =>
  buildResponse(
    {
      own: ours.idp,
      sp,
      acsUrl: request.acsUrl,
      inResponseTo: request.id,
      nameId: nameOf(value),
      sessionIndex: more.sessionIndex ?? newId(),
      attributes: { uid: ['alice'], displayName: ['Alice Ödegård'], groups: ['noc-admins', 'tenant-a'] },
      authnContext: PASSWORD,
      authenticatingAuthorities: [UPSTREAM],
      authnInstant_ms: Date.now(),
      now_ms: Date.now(),
      sessionNotOnOrAfter_ms: Date.now() + 3_600_000,
      encrypt: more.encrypt ?? false,
    },
    ours.signer,
  )

const post = (browsing: Browsing, action: string, xml: string, relayState: string): Promise<Page> =>
  browsing.send(action, { SAMLResponse: Buffer.from(xml).toString('base64'), RelayState: relayState })

/** Signs somebody in at the console by our response. */
async function signIn(browsing: Browsing, value: string, more: Parameters<typeof respond>[2] = {}): Promise<Page> {
  const { request, relayState } = await asked(browsing)
  return post(browsing, request.acsUrl, await respond(request, value, more), relayState)
}

const isIn = async (browsing: Browsing) =>
  (await browsing.open(mellon.secretUrl, { stopAt: ours.origin })).status === 200

describe('mod_auth_mellon', () => {
  test('is described by the metadata that it generates', () => {
    expect(sp).toMatchObject({
      entityId: mellon.entityId,
      signingCertificates: [expect.stringContaining(mellon.certificate.slice(30, 90))],
      encryptionCertificates: [expect.stringContaining(mellon.certificate.slice(30, 90))],
      authnRequestsSigned: true,
      wantAssertionsSigned: true,
      nameIdFormats: [NAME_ID_FORMATS.persistent],
      assertionConsumers: expect.arrayContaining([
        {
          binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
          location: `${mellon.origin}/mellon/postResponse`,
          index: 0,
          isDefault: true,
        },
      ]),
    })
    expect(sp.singleLogout.map(({ location }) => location)).toEqual([mellon.singleLogoutUrl, mellon.singleLogoutUrl])
  })

  test('asks with a signed request', async () => {
    const { request, relayState } = await asked(startBrowsing())
    expect(request).toMatchObject({
      issuer: mellon.entityId,
      signed: true,
      acsUrl: `${mellon.origin}/mellon/postResponse`,
      nameIdFormat: NAME_ID_FORMATS.persistent,
      allowCreate: true,
    })
    expect(relayState).toBe(mellon.secretUrl)
  })

  test.each([
    ['plain', false],
    ['encrypted', true],
  ])('accepts our response, the assertion %s', async (_what, encrypt) => {
    const page = await signIn(startBrowsing(), '_pairwise-1', { encrypt })
    expect(page.url).toBe(mellon.secretUrl)
    expect(identityShown(page.html)).toMatchObject({
      NAME_ID: '_pairwise-1',
      IDP: ours.idp.entityId,
      uid: 'alice',
      displayName: 'Alice Ödegård',
      groups: 'noc-admins;tenant-a',
    })
  })

  test('refuses our response once it is changed', async () => {
    const browsing = startBrowsing()
    const { request, relayState } = await asked(browsing)
    const xml = (await respond(request, '_pairwise-2')).replace('tenant-a', 'tenant-b')
    expect((await post(browsing, request.acsUrl, xml, relayState)).status).toBe(400)
    expect(await isIn(browsing)).toBe(false)
  })

  test('refuses our response that brings nobody', async () => {
    const browsing = startBrowsing()
    const { request, relayState } = await asked(browsing)
    const xml = await buildErrorResponse(
      { own: ours.idp, acsUrl: request.acsUrl, inResponseTo: request.id, refusal: 'requestDenied', now_ms: Date.now() },
      ours.signer,
    )
    const page = await post(browsing, request.acsUrl, xml, relayState)
    expect(page.status).toBeGreaterThanOrEqual(400)
    expect(mellon.log()).toContain('RequestDenied')
  })
})

describe('logout', () => {
  test('by SOAP from us ends the session there, and its answer holds', async () => {
    const browsing = startBrowsing()
    await signIn(browsing, '_pairwise-3', { sessionIndex: '_index-3' })
    expect(await isIn(browsing)).toBe(true)
    const id = newId()
    const xml = buildLogoutRequest({
      id,
      issuer: ours.idp.entityId,
      destination: mellon.singleLogoutUrl,
      issueInstant_ms: Date.now(),
      nameId: nameOf('_pairwise-3'),
      sessionIndexes: ['_index-3'],
      notOnOrAfter_ms: Date.now() + 300_000,
    })

    const answer = await fetch(mellon.singleLogoutUrl, {
      method: 'POST',
      headers: { 'content-type': 'text/xml' },
      body: wrapSoap(await signXml(xml, id, ours.signer)),
    })

    const response = checkLogoutResponse(accepted(unwrapSoap(Buffer.from(await answer.arrayBuffer()))), {
      requestId: id,
      sender: sp,
      destination: ours.idp.sloSoapUrl,
      arrival: { binding: 'soap' },
      now_ms: Date.now(),
    })
    expect(accepted(response).outcome).toBe('success')
    expect(await isIn(browsing)).toBe(false)
  })

  // mod_auth_mellon takes SOAP requests that nobody signed: that it looks at our signature is seen by breaking it.
  test('by SOAP whose signature is broken ends nothing', async () => {
    const browsing = startBrowsing()
    await signIn(browsing, '_pairwise-4', { sessionIndex: '_index-4' })
    const id = newId()
    const xml = buildLogoutRequest({
      id,
      issuer: ours.idp.entityId,
      destination: mellon.singleLogoutUrl,
      issueInstant_ms: Date.now(),
      nameId: nameOf('_pairwise-4'),
      sessionIndexes: ['_index-5'],
      notOnOrAfter_ms: Date.now() + 300_000,
    })
    const changed = (await signXml(xml, id, ours.signer)).replace('_index-5', '_index-4')

    const answer = await fetch(mellon.singleLogoutUrl, {
      method: 'POST',
      headers: { 'content-type': 'text/xml' },
      body: wrapSoap(changed),
    })

    expect(await answer.text()).not.toContain('status:Success')
    expect(await isIn(browsing)).toBe(true)
  })

  test('by redirect from the console is answered by us', async () => {
    const browsing = startBrowsing()
    await signIn(browsing, '_pairwise-5', { sessionIndex: '_index-5' })

    const { url } = await browsing.open(mellon.logoutUrl(), { stopAt: ours.origin })

    expect(url.startsWith(ours.idp.sloUrl)).toBe(true)
    const rawQuery = queryOf(url)
    const { xml, relayState } = accepted(readRedirect(rawQuery))
    const request = accepted(
      await checkLogoutRequest(xml, {
        sender: sp,
        destination: ours.idp.sloUrl,
        arrival: { binding: 'redirect', rawQuery },
        now_ms: Date.now(),
      }),
    )
    expect(request).toMatchObject({ nameId: nameOf('_pairwise-5'), sessionIndexes: ['_index-5'] })
    const answer = buildLogoutResponse({
      id: newId(),
      issuer: ours.idp.entityId,
      destination: mellon.singleLogoutUrl,
      issueInstant_ms: Date.now(),
      inResponseTo: request.id,
      outcome: 'success',
    })
    const back = await signRedirect(mellon.singleLogoutUrl, { SAMLResponse: answer }, relayState, ours.signer)
    expect((await browsing.open(back)).url).toBe(`${mellon.origin}/`)
    expect(await isIn(browsing)).toBe(false)
  })

  test('by redirect from us ends the session there, and its answer holds', async () => {
    const browsing = startBrowsing()
    await signIn(browsing, '_pairwise-6', { sessionIndex: '_index-6' })
    const id = newId()
    const xml = buildLogoutRequest({
      id,
      issuer: ours.idp.entityId,
      destination: mellon.singleLogoutUrl,
      issueInstant_ms: Date.now(),
      nameId: nameOf('_pairwise-6'),
      sessionIndexes: ['_index-6'],
      notOnOrAfter_ms: Date.now() + 300_000,
    })
    const url = await signRedirect(mellon.singleLogoutUrl, { SAMLRequest: xml }, 'run-6', ours.signer)

    const back = await browsing.open(url, { stopAt: ours.origin })

    const rawQuery = queryOf(back.url)
    const message = accepted(readRedirect(rawQuery))
    expect(message).toMatchObject({ kind: 'response', relayState: 'run-6' })
    const response = checkLogoutResponse(message.xml, {
      requestId: id,
      sender: sp,
      destination: ours.idp.sloUrl,
      arrival: { binding: 'redirect', rawQuery },
      now_ms: Date.now(),
    })
    expect(accepted(response).outcome).toBe('success')
    expect(await isIn(browsing)).toBe(false)
  })
})
