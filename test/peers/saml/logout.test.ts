import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  buildLogoutRequest,
  buildLogoutResponse,
  checkLogoutRequest,
  checkLogoutResponse,
} from '#server/identity/saml/logout.ts'
import { newId } from '#server/identity/saml/message.ts'
import type { Identity } from '#server/identity/saml/provider.ts'
import { readRedirect, signRedirect } from '#server/identity/saml/redirect.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { unwrapSoap, wrapSoap } from '#server/identity/saml/soap.ts'
import { type Browsing, postedMessage, startBrowsing, textOf } from './browsing.ts'
import { type LassoIdentityProvider, startLasso } from './lasso.ts'
import { accepted, checkPosted, described, type Ourselves, queryOf, signInAt, startOurselves } from './ourselves.ts'
import { type IdentityProvider, startIdentityProvider } from './simplesamlphp.ts'

/** Single logout of the SAML core as a service provider, against SimpleSAMLphp (redirect) and lasso (SOAP). */

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

describe('logout by redirect with SimpleSAMLphp', () => {
  const signedOut = async (browsing: Browsing) =>
    expect((await browsing.open(simple.idpInitiatedUrl(ours.sp.entityId))).html).toContain('name="password"')

  test('begins with our request and ends with its response', async () => {
    const browsing = startBrowsing()
    const { nameId, sessionIndex } = await signInAt(ours, simple, browsing, 'alice')
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

  test.each([
    ['plain', false],
    ['encrypted', true],
  ])('begins with its request, the name %s, and ends with our response', async (_what, encryptNames) => {
    const browsing = startBrowsing()
    const { nameId, sessionIndex } = await signInAt(ours, simple, browsing, 'bob')
    simple.configure({ encryptNames })
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
        decrypter: ours.decrypter,
      }),
    )
    const ends = { nameId, sessionIndexes: [sessionIndex], encrypted: encryptNames }
    expect(asked).toMatchObject({ issuer: simple.entityId, ...ends })

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
    const { nameId } = await signInAt(ours, simple, browsing, 'alice')
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
    return accepted(await checkPosted(ours, described(await lasso.metadata()), encoded))
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
