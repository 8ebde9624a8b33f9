import { describe, expect, it } from 'vitest'
import {
  buildErrorResponse,
  buildResponse,
  type IdpRefusal,
  type IdpResponseParts,
} from '#server/identity/saml/idp-response.ts'
import { BINDING, NAME_ID, NS, STATUS } from '#server/identity/saml/names.ts'
import { allElements, attributeOf, childrenOf } from '#server/identity/saml/nodes.ts'
import type { SpDescription } from '#server/identity/saml/provider.ts'
import { checkResponse, type ResponseInput } from '#server/identity/saml/response.ts'
import { verifySignature } from '#server/identity/saml/signature.ts'
import { parseStrict } from '#server/identity/saml/xml.ts'
import { ecCredential, rsaCredential, signerOf } from './credentials.ts'
import { NOW_ms, OWN } from './forge.ts'
import { OWN_IDP, reasonOf, rootOf, taken } from './parties.ts'

const credential = rsaCredential()
const recipient = rsaCredential()
const signer = signerOf(credential)

/** Ourselves, so that what we build as one side is checked by the other. */
const SP: SpDescription = {
  entityId: OWN.entityId,
  signingCertificates: [],
  encryptionCertificates: [ecCredential().certificate, recipient.certificate],
  assertionConsumers: [{ binding: BINDING.post, location: OWN.acsUrl, index: 0, isDefault: true }],
  singleLogout: [],
  authnRequestsSigned: false,
  wantAssertionsSigned: true,
  nameIdFormats: [],
}
const PASSWORD = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'
const PARTS: IdpResponseParts = {
  own: OWN_IDP,
  sp: SP,
  acsUrl: OWN.acsUrl,
  inResponseTo: '_asked',
  nameId: {
    value: 'pair-1',
    format: NAME_ID.persistent,
    nameQualifier: OWN_IDP.entityId,
    spNameQualifier: OWN.entityId,
  },
  sessionIndex: '_session',
  attributes: { mail: ['a@b', 'c&<d>'], 'urn:oid:2.5.4.3': ['Anna "A" Böll'], none: [] },
  authnContext: PASSWORD,
  authenticatingAuthorities: ['https://up.example.org', 'https://up2.example.org'],
  authnInstant_ms: NOW_ms - 60_000,
  now_ms: NOW_ms,
  sessionNotOnOrAfter_ms: NOW_ms + 3_600_000,
  encrypt: false,
}
const INPUT: ResponseInput = {
  provider: {
    entityId: OWN_IDP.entityId,
    signingCertificates: [credential.certificate],
    singleSignOn: [],
    singleLogout: [],
    wantAuthnRequestsSigned: true,
    nameIdFormats: [],
  },
  own: OWN,
  requestId: '_asked',
  allowUnsolicited: false,
  now_ms: NOW_ms + 1_000,
  skew_ms: 0,
  decrypter: { privateKeys: async () => [recipient.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string] },
}
const IDENTITY = {
  nameId: PARTS.nameId,
  sessionIndex: '_session',
  sessionNotOnOrAfter_ms: NOW_ms + 3_600_000,
  authnInstant_ms: NOW_ms - 60_000,
  authnContext: PASSWORD,
  authenticatingAuthorities: PARTS.authenticatingAuthorities,
  attributes: PARTS.attributes,
  notOnOrAfter_ms: NOW_ms + 300_000,
  signed: ['response', 'assertion'],
}

describe('a response of ours', () => {
  it('passes our own checks, signed inside and outside', async () => {
    const xml = await buildResponse(PARTS, signer)
    expect(taken(await checkResponse(xml, INPUT))).toMatchObject({ ...IDENTITY, encrypted: false })
  })

  it('passes encrypted, and tells nothing outside', async () => {
    const xml = await buildResponse({ ...PARTS, encrypt: true }, signer)
    expect(taken(await checkResponse(xml, { ...INPUT, requireEncrypted: true }))).toMatchObject({
      ...IDENTITY,
      encrypted: true,
    })
    expect(xml).not.toMatch(/pair-1|a@b|_session/)
    const algorithms = [...allElements(rootOf(xml, 'Response'))]
      .filter(({ localName }) => localName === 'EncryptionMethod')
      .map((method) => attributeOf(method, 'Algorithm'))
    expect(algorithms).toEqual([
      'http://www.w3.org/2009/xmlenc11#aes256-gcm',
      'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
    ])
  })

  it('may answer no request', async () => {
    const { inResponseTo: _, ...parts } = PARTS
    const xml = await buildResponse(parts, signer)
    expect(xml).not.toContain('InResponseTo')
    const input = { ...INPUT, requestId: undefined, allowUnsolicited: true }
    expect(reasonOf(await checkResponse(xml, input))).toBe('accepted')
  })

  it('releases nothing where nothing is to be released', async () => {
    const xml = await buildResponse({ ...PARTS, attributes: {} }, signer)
    expect(xml).not.toContain('Attribute')
    expect(taken(await checkResponse(xml, INPUT)).attributes).toEqual({})
  })

  it('has new ids each time, and basic names but for those that are URIs', async () => {
    const ids = (xml: string) => [...xml.matchAll(/ ID="([^"]+)"/g)].map(([, id]) => id)
    const [one, other] = [await buildResponse(PARTS, signer), await buildResponse(PARTS, signer)]
    expect(new Set([...ids(one), ...ids(other)]).size).toBe(4)
    expect(one).toMatch(/Name="mail" NameFormat="[^"]*:basic"/)
    expect(one).toMatch(/Name="urn:oid:2.5.4.3" NameFormat="[^"]*:uri"/)
    const given = await buildResponse({ ...PARTS, responseId: '_r', assertionId: '_a' }, signer)
    expect(ids(given)).toEqual(['_r', '_a'])
  })

  it('is for one provider and one address', async () => {
    const xml = await buildResponse({ ...PARTS, sp: { ...SP, entityId: 'https://other.example.org' } }, signer)
    expect(reasonOf(await checkResponse(xml, INPUT))).toBe('audience')
    const elsewhere = await buildResponse({ ...PARTS, acsUrl: 'https://other.example.org/acs' }, signer)
    expect(reasonOf(await checkResponse(elsewhere, INPUT))).toBe('destination')
    expect(reasonOf(await checkResponse(xml, { ...INPUT, now_ms: NOW_ms + 300_000 }))).toBe('expired')
  })

  it('is not made when it cannot be encrypted, or the key is out of reach', async () => {
    const sp = { ...SP, encryptionCertificates: [ecCredential().certificate, rsaCredential(1_024).certificate] }
    await expect(buildResponse({ ...PARTS, sp, encrypt: true }, signer)).rejects.toThrow('no certificate')
    const away = { ...signer, sign: () => Promise.reject(new Error('the token is gone')) }
    await expect(buildResponse(PARTS, away)).rejects.toThrow('the token is gone')
  })
})

describe('a response without assertion', () => {
  it.each([
    ['authnFailed', STATUS.responder],
    ['invalidNameIdPolicy', STATUS.requester],
    ['noAuthnContext', STATUS.responder],
    ['noAvailableIdp', STATUS.responder],
    ['noPassive', STATUS.responder],
    ['proxyCountExceeded', STATUS.responder],
    ['requestDenied', STATUS.responder],
    ['unknownPrincipal', STATUS.responder],
  ] as const)('says %s, signed', async (refusal: IdpRefusal, outer) => {
    const parts = {
      own: OWN_IDP,
      acsUrl: OWN.acsUrl,
      inResponseTo: '_asked',
      refusal,
      words: 'no <way>',
      now_ms: NOW_ms,
    }
    const xml = await buildErrorResponse(parts, signer)
    const document = taken(parseStrict(xml, { namespace: NS.protocol, name: 'Response' }))
    expect(reasonOf(verifySignature(document, document.root, [credential.certificate]))).toBe('accepted')
    const codes = [...allElements(document.root)].filter(({ localName }) => localName === 'StatusCode')
    expect(codes.map((code) => attributeOf(code, 'Value'))).toEqual([outer, STATUS[refusal]])
    expect(childrenOf(document.root, NS.assertion, 'Assertion')).toEqual([])
    expect(reasonOf(await checkResponse(xml, INPUT))).toBe('status')
  })
})
