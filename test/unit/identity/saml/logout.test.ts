import { createPublicKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { encrypt } from 'xml-encryption'
import {
  buildLogoutRequest,
  buildLogoutResponse,
  checkLogoutRequest,
  checkLogoutResponse,
  type LogoutOutcome,
  type LogoutRequestInput,
  type LogoutRequestParts,
} from '#server/identity/saml/logout.ts'
import { NAME_ID, NS } from '#server/identity/saml/names.ts'
import { unwrapSoap, wrapSoap } from '#server/identity/saml/soap.ts'
import { rsaCredential, signerOf } from './credentials.ts'
import { NOW_ms } from './forge.ts'
import {
  byPost,
  byRedirect,
  bySoap,
  CONSOLE,
  OWN_IDP,
  reasonOf,
  type Sent,
  senderOf,
  taken,
  unsigned,
} from './parties.ts'

const credential = rsaCredential()
const foreign = rsaCredential()
const signer = signerOf(credential)
const NAME = {
  value: 'a1b2 & c3',
  format: NAME_ID.persistent,
  nameQualifier: OWN_IDP.entityId,
  spNameQualifier: CONSOLE,
}

const request = (parts: Partial<LogoutRequestParts> = {}) =>
  buildLogoutRequest({
    id: '_logout',
    issuer: CONSOLE,
    issueInstant_ms: NOW_ms - 1_000,
    destination: OWN_IDP.sloUrl,
    nameId: NAME,
    sessionIndexes: ['_s1', '_s2'],
    notOnOrAfter_ms: NOW_ms + 120_000,
    ...parts,
  })

const check = ({ xml, arrival }: Sent, input: Partial<LogoutRequestInput> = {}) =>
  checkLogoutRequest(xml, {
    sender: senderOf(CONSOLE, credential.certificate),
    arrival,
    destination: OWN_IDP.sloUrl,
    now_ms: NOW_ms,
    ...input,
  })

const WAYS = [
  ['redirect', byRedirect],
  ['post', byPost],
  ['soap', bySoap],
] as const

const written = async (from: string | RegExp, to: string) => {
  const xml = request().replace(from, to)
  expect(xml).not.toBe(request())
  return check(await byRedirect(xml, signer))
}

describe('a logout request', () => {
  it.each(WAYS)('passes our own checks by %s', async (_, send) => {
    const reason = 'urn:oasis:names:tc:SAML:2.0:logout:user'
    expect(taken(await check(await send(request({ reason }), signer)))).toEqual({
      id: '_logout',
      issuer: CONSOLE,
      issueInstant_ms: NOW_ms - 1_000,
      acceptedUntil_ms: NOW_ms + 180_000,
      nameId: NAME,
      sessionIndexes: ['_s1', '_s2'],
      reason,
      encrypted: false,
    })
  })

  it('survives its envelope', async () => {
    const { xml, arrival } = await bySoap(request(), signer)
    expect(reasonOf(await check({ xml: taken(unwrapSoap(Buffer.from(wrapSoap(xml)))), arrival }))).toBe('accepted')
  })

  it('may name no session, and thereby all', async () => {
    expect(taken(await check(await byRedirect(request({ sessionIndexes: [] }), signer))).sessionIndexes).toEqual([])
  })

  it('leaves qualifiers out that are empty', () => {
    const xml = request({ nameId: { ...NAME, nameQualifier: '', spNameQualifier: '' } })
    expect(xml).not.toContain('Qualifier')
  })

  it.each(WAYS)('must be signed by the sender by %s', async (name, send) => {
    if (name !== 'redirect') expect(reasonOf(await check(unsigned(request(), name)))).toBe('unsigned')
    const forged = reasonOf(await check(await send(request(), signerOf(foreign))))
    expect(['signature-invalid', 'signature-key']).toContain(forged)
    const sent = await send(request(), signer)
    expect(reasonOf(await check(sent, { sender: senderOf(CONSOLE) }))).toBe('no-key')
    expect(reasonOf(await check(sent, { sender: senderOf('https://other', credential.certificate) }))).toBe('issuer')
  })

  it('is not accepted by a query without signature, or with that of another message', async () => {
    const { xml, arrival } = await byRedirect(request(), signer)
    const { rawQuery } = arrival as { rawQuery: string }
    const bare = rawQuery.replace(/&SigAlg=.*/, '')
    expect(reasonOf(await check({ xml, arrival: { binding: 'redirect', rawQuery: bare } }))).toBe('unsigned')
    expect(reasonOf(await check({ xml: request({ sessionIndexes: [] }), arrival }))).toBe('binding')
    const [first, second, ...rest] = rawQuery.split('&')
    const turned = [second, first, ...rest].join('&')
    expect(reasonOf(await check({ xml, arrival: { binding: 'redirect', rawQuery: turned } }))).toBe('query-order')
  })

  it.each([
    ['version', 'Version="2.0"', 'Version="2.1"'],
    ['destination', / Destination="[^"]*"/, ' Destination="https://weft.example.org/saml/slo"'],
    ['destination', / Destination="[^"]*"/, ''],
    ['expired', / NotOnOrAfter="[^"]*"/, ' NotOnOrAfter="2026-11-21T11:58:59Z"'],
    ['schema', / NotOnOrAfter="[^"]*"/, ' NotOnOrAfter="soon"'],
    ['expired', / IssueInstant="[^"]*"/, ' IssueInstant="2026-11-21T11:50:00Z"'],
    ['not-yet-valid', / IssueInstant="[^"]*"/, ' IssueInstant="2026-11-21T12:05:00Z"'],
    ['name-id', /<saml:NameID.*<\/saml:NameID>/, ''],
    ['name-id', /<saml:NameID.*<\/saml:NameID>/, '<saml:BaseID/>'],
    ['name-id', /<saml:NameID/, '<saml:EncryptedID/><saml:NameID'],
    ['name-id', NAME.value.replace('&', '&amp;'), ''],
    ['schema', /<saml:NameID/, '<saml:NameID>b</saml:NameID><saml:NameID'],
    ['schema', '>_s1<', '><'],
    [
      'count',
      '<samlp:SessionIndex>',
      '<samlp:SessionIndex>x</samlp:SessionIndex>'.repeat(100).concat('<samlp:SessionIndex>'),
    ],
    ['decryption', /<saml:NameID.*<\/saml:NameID>/, '<saml:EncryptedID/>'],
    ['wrong-root', /LogoutRequest/g, 'LogoutResponse'],
  ])('is refused as %s, written with %s as %s', async (reason, from, to) => {
    expect(reasonOf(await written(from, to))).toBe(reason)
  })

  it('need not say by SOAP where it goes, but must not say elsewhere', async () => {
    const silent = request().replace(/ Destination="[^"]*"/, '')
    expect(reasonOf(await check(await bySoap(silent, signer)))).toBe('accepted')
    expect(reasonOf(await check(await byPost(silent, signer)))).toBe('destination')
    const elsewhere = request({ destination: 'https://elsewhere.example.org' })
    expect(reasonOf(await check(await bySoap(elsewhere, signer)))).toBe('destination')
  })

  it('may name the person in secret', async () => {
    const ours = rsaCredential()
    const plain = `<saml:NameID xmlns:saml="${NS.assertion}" Format="${NAME_ID.persistent}">secret</saml:NameID>`
    const data = await new Promise<string>((resolve, reject) => {
      const options = {
        rsa_pub: createPublicKey(ours.certificate).export({ type: 'spki', format: 'pem' }) as string,
        pem: ours.certificate,
        encryptionAlgorithm: 'http://www.w3.org/2009/xmlenc11#aes128-gcm',
        keyEncryptionAlgorithm: 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
      }
      encrypt(plain, options, (error, result = '') => (error ? reject(error) : resolve(result)))
    })
    const xml = request().replace(/<saml:NameID.*<\/saml:NameID>/, `<saml:EncryptedID>${data}</saml:EncryptedID>`)
    const sent = await bySoap(xml, signer)
    const pem = ours.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const other = foreign.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const opened = taken(await check(sent, { decrypter: { privateKeys: async () => [other, pem] } }))
    expect(opened).toMatchObject({ encrypted: true, nameId: { value: 'secret', format: NAME_ID.persistent } })
    expect(reasonOf(await check(sent, { decrypter: { privateKeys: async () => [other] } }))).toBe('decryption')
    expect(reasonOf(await check(sent))).toBe('decryption')
  })

  it('whose signed bytes are altered is refused', async () => {
    const { xml, arrival } = await bySoap(request(), signer)
    for (const altered of [xml.replace('_s2', '_s3'), xml.replace(NAME_ID.persistent, NAME_ID.transient)])
      expect(reasonOf(await check({ xml: altered, arrival }))).toBe('signature-invalid')
  })

  test('is answered, whatever it is', async () => {
    const { xml, arrival } = await bySoap(request(), signer)
    const edit = fc.tuple(
      fc.nat(xml.length),
      fc.nat(80),
      fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('<', '"', '/>')),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const edited = edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), xml)
        fc.pre(edited !== xml)
        expect(reasonOf(await check({ xml: edited, arrival }))).not.toBe('fault')
        expect(reasonOf(checkResponse({ xml: edited, arrival }))).not.toMatch(/fault|accepted/)
      }),
      { numRuns: 400 },
    )
  })
})

const response = (outcome: LogoutOutcome = 'success', words?: string) =>
  buildLogoutResponse({
    id: '_answer',
    issuer: CONSOLE,
    issueInstant_ms: NOW_ms,
    destination: OWN_IDP.sloUrl,
    inResponseTo: '_asked',
    outcome,
    ...(words === undefined ? {} : { words }),
  })

const checkResponse = ({ xml, arrival }: Sent, requestId = '_asked') =>
  checkLogoutResponse(xml, {
    sender: senderOf(CONSOLE, credential.certificate),
    arrival,
    destination: OWN_IDP.sloUrl,
    now_ms: NOW_ms,
    requestId,
  })

describe('a logout response', () => {
  it.each(['success', 'partial', 'requester', 'responder'] as const)('says %s', async (outcome) => {
    for (const sent of [
      await byRedirect(response(outcome, 'a < b'), signer, 'SAMLResponse'),
      await bySoap(response(outcome, 'a < b'), signer),
    ])
      expect(taken(checkResponse(sent))).toMatchObject({ id: '_answer', outcome, words: 'a < b' })
  })

  it('says partial whichever code is around it', async () => {
    const xml = response('partial').replace('status:Success', 'status:Responder')
    expect(taken(checkResponse(await bySoap(xml, signer)))).toMatchObject({ outcome: 'partial', words: '' })
  })

  it.each([
    ['in-response-to', '_asked', '_other'],
    ['in-response-to', ' InResponseTo="_asked"', ''],
    ['status', /<samlp:Status>.*<\/samlp:Status>/, ''],
    ['status', /<samlp:StatusCode [^>]*>/, ''],
    ['destination', OWN_IDP.sloUrl, OWN_IDP.sloSoapUrl],
    ['issuer', `>${CONSOLE}<`, '>https://other.example.org<'],
    ['expired', /IssueInstant="[^"]*"/, 'IssueInstant="2026-11-21T11:50:00Z"'],
  ])('is refused as %s, written with %s as %s', async (reason, from, to) => {
    const xml = response().replace(from, to)
    expect(xml).not.toBe(response())
    expect(reasonOf(checkResponse(await byRedirect(xml, signer, 'SAMLResponse')))).toBe(reason)
  })

  it('must be signed', async () => {
    expect(reasonOf(checkResponse(unsigned(response(), 'soap')))).toBe('unsigned')
    const { xml, arrival } = await byRedirect(response(), signer, 'SAMLResponse')
    const rawQuery = (arrival as { rawQuery: string }).rawQuery.replace(/&SigAlg=.*/, '')
    expect(reasonOf(checkResponse({ xml, arrival: { binding: 'redirect', rawQuery } }))).toBe('unsigned')
  })
})
