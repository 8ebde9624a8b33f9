import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { meetsAuthnContext } from '#server/identity/saml/authn-context.ts'
import {
  type AuthnRequestInput,
  type AuthnRequestParts,
  buildAuthnRequest,
  checkAuthnRequest,
} from '#server/identity/saml/authn-request.ts'
import { BINDING, NAME_ID } from '#server/identity/saml/names.ts'
import type { SpDescription } from '#server/identity/saml/provider.ts'
import { rsaCredential, signerOf } from './credentials.ts'
import { NOW_ms } from './forge.ts'
import { byPost, byRedirect, CONSOLE, OWN_IDP, reasonOf, type Sent, taken, unsigned } from './parties.ts'

const credential = rsaCredential()
const foreign = rsaCredential()
const signer = signerOf(credential)
const ACS = `${CONSOLE}/acs`
const SP: SpDescription = {
  entityId: CONSOLE,
  signingCertificates: [credential.certificate],
  encryptionCertificates: [],
  assertionConsumers: [
    { binding: BINDING.post, location: `${CONSOLE}/other`, index: 3, isDefault: false },
    { binding: BINDING.post, location: ACS, index: 5, isDefault: true },
    { binding: BINDING.soap, location: `${CONSOLE}/paos`, index: 6, isDefault: false },
  ],
  singleLogout: [],
  authnRequestsSigned: true,
  wantAssertionsSigned: true,
  nameIdFormats: [],
}
const OPEN: SpDescription = { ...SP, authnRequestsSigned: false }
const CLASS = 'urn:oasis:names:tc:SAML:2.0:ac:classes:'

/** A request of the console, as it would build one with our own builder. */
const request = (parts: Partial<AuthnRequestParts> = {}) =>
  buildAuthnRequest({
    id: '_request',
    own: { entityId: CONSOLE, acsUrl: ACS, sloUrl: `${CONSOLE}/slo`, sloSoapUrl: `${CONSOLE}/soap` },
    destination: OWN_IDP.ssoUrl,
    issueInstant_ms: NOW_ms - 2_000,
    ...parts,
  })

const check = ({ xml, arrival }: Sent, input: Partial<AuthnRequestInput> = {}) =>
  checkAuthnRequest(xml, {
    sp: SP,
    own: OWN_IDP,
    arrival: arrival as AuthnRequestInput['arrival'],
    now_ms: NOW_ms,
    ...input,
  })

/** What becomes of a request that is written otherwise, and signed as written. */
const written = async (from: string | RegExp, to: string, parts: Partial<AuthnRequestParts> = {}) => {
  const xml = request(parts).replace(from, to)
  expect(xml).not.toBe(request(parts))
  return check(await byRedirect(xml, signer))
}
const EMPTY_POLICY = '<samlp:NameIDPolicy AllowCreate="true"/>'

describe('a request of ours', () => {
  it.each([
    ['redirect', byRedirect],
    ['post', byPost],
  ] as const)('passes our own checks by %s', async (_, send) => {
    const xml = request({
      forceAuthn: true,
      isPassive: true,
      nameIdFormat: NAME_ID.persistent,
      authnContext: { comparison: 'minimum', classes: [`${CLASS}Password`, 'urn:a&b'] },
      proxyCount: 0,
      requesterIds: ['https://behind.example.org'],
    })
    expect(taken(check(await send(xml, signer)))).toEqual({
      id: '_request',
      issueInstant_ms: NOW_ms - 2_000,
      acceptedUntil_ms: NOW_ms - 2_000 + 360_000,
      issuer: CONSOLE,
      signed: true,
      acsUrl: ACS,
      forceAuthn: true,
      isPassive: true,
      allowCreate: true,
      nameIdFormat: NAME_ID.persistent,
      requestedAuthnContext: { comparison: 'minimum', classes: [`${CLASS}Password`, 'urn:a&b'] },
      proxyCount: 0,
      idpList: [],
      requesterIds: ['https://behind.example.org'],
    })
  })

  it('asks for nothing that it is not told to', async () => {
    const asked = taken(check(await byRedirect(request(), signer)))
    expect(asked).toMatchObject({ forceAuthn: false, isPassive: false, idpList: [], requesterIds: [] })
    expect(asked).not.toHaveProperty('requestedAuthnContext')
    expect(asked).not.toHaveProperty('nameIdFormat')
    expect(asked).not.toHaveProperty('proxyCount')
  })
})

describe('the signature of a request', () => {
  it('is needed when the metadata says so, or we do', async () => {
    expect(reasonOf(check(unsigned(request())))).toBe('unsigned')
    expect(reasonOf(check(unsigned(request()), { sp: OPEN, requireSigned: true }))).toBe('unsigned')
    expect(taken(check(unsigned(request()), { sp: OPEN }))).toMatchObject({ signed: false, acsUrl: ACS })
  })

  it('must hold even where none is needed', async () => {
    for (const send of [byRedirect, byPost]) {
      const forged = check(await send(request(), signerOf(foreign)), { sp: OPEN })
      expect(['signature-invalid', 'signature-key']).toContain(reasonOf(forged))
    }
    const { xml, arrival } = await byRedirect(request(), signer)
    const { rawQuery } = arrival as { rawQuery: string }
    const half = rawQuery.replace(/&Signature=.*/, '')
    expect(reasonOf(check({ xml, arrival: { binding: 'redirect', rawQuery: half } }, { sp: OPEN }))).toBe('unsigned')
    const bare = rawQuery.replace(/&SigAlg=.*/, '')
    expect(reasonOf(check({ xml, arrival: { binding: 'redirect', rawQuery: bare } }, { sp: OPEN }))).toBe('accepted')
  })

  it('needs a stored key', async () => {
    const keyless = { ...SP, signingCertificates: [] }
    expect(reasonOf(check(await byRedirect(request(), signer), { sp: keyless }))).toBe('no-key')
    expect(reasonOf(check(await byPost(request(), signer), { sp: keyless }))).toBe('no-key')
  })

  it('is of the message that is read, and stands in one place', async () => {
    const sent = await byRedirect(request(), signer)
    expect(reasonOf(check({ ...sent, xml: request({ forceAuthn: true }) }))).toBe('binding')
    const asResponse = await byRedirect(request(), signer, 'SAMLResponse')
    expect(reasonOf(check(asResponse))).toBe('binding')
    const inside = await byPost(request(), signer)
    expect(reasonOf(check(await byRedirect(inside.xml, signer)))).toBe('signature-place')
  })

  it('covers all of a posted request', async () => {
    const { xml, arrival } = await byPost(request(), signer)
    expect(reasonOf(check({ xml: xml.replace(ACS, `${CONSOLE}/other`), arrival }))).toBe('signature-invalid')
    const wrapped = xml.replace(
      '</samlp:AuthnRequest>',
      `${request().replace('_request', '_other')}</samlp:AuthnRequest>`,
    )
    expect(reasonOf(check({ xml: wrapped, arrival }))).toBe('signature-invalid')
  })
})

describe('where the answer goes', () => {
  const asked = (attributes: string) =>
    written(/ AssertionConsumerServiceURL="[^"]*" ProtocolBinding="[^"]*"/, attributes)

  it('is an address of the metadata: by address, by index, or the default', async () => {
    expect(taken(await asked(` AssertionConsumerServiceURL="${CONSOLE}/other"`)).acsUrl).toBe(`${CONSOLE}/other`)
    expect(taken(await asked(' AssertionConsumerServiceIndex="3"')).acsUrl).toBe(`${CONSOLE}/other`)
    expect(taken(await asked('')).acsUrl).toBe(ACS)
    const noDefault = {
      ...OPEN,
      assertionConsumers: SP.assertionConsumers.map((one) => ({ ...one, isDefault: false })),
    }
    const xml = request().replace(/ AssertionConsumerServiceURL="[^"]*"/, '')
    expect(taken(check(unsigned(xml), { sp: noDefault })).acsUrl).toBe(`${CONSOLE}/other`)
  })

  it.each([
    ['endpoint', ' AssertionConsumerServiceURL="https://attacker.example/acs"'],
    ['endpoint', ` AssertionConsumerServiceURL="${ACS}/"`],
    ['endpoint', ` AssertionConsumerServiceURL="${ACS.toUpperCase()}"`],
    ['endpoint', ` AssertionConsumerServiceURL="${CONSOLE}/paos"`],
    ['endpoint', ' AssertionConsumerServiceURL=""'],
    ['endpoint', ' AssertionConsumerServiceIndex="4"'],
    ['endpoint', ' AssertionConsumerServiceIndex="6"'],
    ['schema', ' AssertionConsumerServiceIndex="-1"'],
    ['request', ` AssertionConsumerServiceIndex="3" AssertionConsumerServiceURL="${ACS}"`],
    ['request', ` AssertionConsumerServiceIndex="3" ProtocolBinding="${BINDING.post}"`],
    ['binding', ' ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"'],
  ])('is refused as %s otherwise:%s', async (reason, attributes) => {
    expect(reasonOf(await asked(attributes))).toBe(reason)
  })
})

describe('a request is refused', () => {
  it.each([
    ['version', 'Version="2.0"', 'Version="1.1"'],
    ['issuer', `>${CONSOLE}<`, '>https://other.example.org<'],
    ['issuer', /<saml:Issuer>.*<\/saml:Issuer>/, ''],
    ['schema', 'ID="_request"', 'ID="1 2"'],
    ['schema', 'ID="_request"', ''],
    ['schema', / IssueInstant="[^"]*"/, ''],
    ['schema', / IssueInstant="[^"]*"/, ' IssueInstant="yesterday"'],
    ['expired', / IssueInstant="[^"]*"/, ' IssueInstant="2026-11-21T11:53:59Z"'],
    ['not-yet-valid', / IssueInstant="[^"]*"/, ' IssueInstant="2026-11-21T12:01:01Z"'],
    ['destination', / Destination="[^"]*"/, ''],
    ['destination', / Destination="[^"]*"/, ' Destination="https://elsewhere.example.org/"'],
    ['wrong-root', /AuthnRequest/g, 'LogoutRequest'],
    ['not-xml', '</samlp:AuthnRequest>', ''],
    ['comment', `>${CONSOLE}<`, `>${CONSOLE}<!-- --><`],
    ['schema', EMPTY_POLICY, '<samlp:NameIDPolicy AllowCreate="perhaps"/>'],
    ['name-id', EMPTY_POLICY, '<samlp:NameIDPolicy SPNameQualifier="https://affiliation.example.org"/>'],
    ['schema', ' Version', ' ForceAuthn="yes" Version'],
    ['schema', ' Version', ' IsPassive="" Version'],
    ['schema', EMPTY_POLICY, '<samlp:RequestedAuthnContext Comparison="fuzzy"/>'],
    ['count', EMPTY_POLICY, '<samlp:Scoping><samlp:RequesterID/></samlp:Scoping>'],
    ['count', EMPTY_POLICY, `<samlp:Scoping>${'<samlp:RequesterID>x</samlp:RequesterID>'.repeat(51)}</samlp:Scoping>`],
    ['schema', EMPTY_POLICY, '<samlp:Scoping ProxyCount="-1"/>'],
    ['schema', EMPTY_POLICY, '<samlp:Scoping/><samlp:Scoping/>'],
    ['expired', EMPTY_POLICY, '<saml:Conditions NotOnOrAfter="2026-11-21T11:58:59Z"/>'],
    ['not-yet-valid', EMPTY_POLICY, '<saml:Conditions NotBefore="2026-11-21T12:01:01Z"/>'],
    ['name-id', EMPTY_POLICY, '<saml:Subject><saml:NameID> </saml:NameID></saml:Subject>'],
    ['name-id', EMPTY_POLICY, '<saml:Subject/>'],
    [
      'request',
      EMPTY_POLICY,
      '<saml:Subject><saml:NameID>a</saml:NameID><saml:SubjectConfirmation Method="urn:x"/></saml:Subject>',
    ],
  ])('as %s, written with %s as %s', async (reason, from, to) => {
    expect(reasonOf(await written(from, to))).toBe(reason)
  })

  test('whatever it is, by an answer and not by an error', async () => {
    const { xml, arrival } = await byPost(request({ authnContext: { comparison: 'exact', classes: ['a'] } }), signer)
    const edit = fc.tuple(
      fc.nat(xml.length),
      fc.nat(60),
      fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('<', '"', '/>')),
    )
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const edited = edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), xml)
        for (const sp of [SP, OPEN]) expect(reasonOf(check({ xml: edited, arrival }, { sp }))).not.toBe('fault')
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(['accepted', 'fault']).not.toContain(reasonOf(check(unsigned(text), { sp: OPEN })))
      }),
    )
  })
})

test('what a request says besides is read', async () => {
  const scoping = `<samlp:Scoping ProxyCount="2"><samlp:IDPList><samlp:IDPEntry ProviderID="https://up.example.org" Name="x"/></samlp:IDPList></samlp:Scoping>`
  const subject = `<saml:Subject><saml:NameID Format="${NAME_ID.email}">a@b</saml:NameID></saml:Subject>`
  const answer = taken(await written(EMPTY_POLICY, `${subject}${scoping}`))
  expect(answer).toMatchObject({
    allowCreate: false,
    proxyCount: 2,
    idpList: ['https://up.example.org'],
    subject: { value: 'a@b', format: NAME_ID.email, nameQualifier: '', spNameQualifier: '' },
  })
  expect(answer).not.toHaveProperty('nameIdFormat')
  const named = request().replace(' Version', ' ProviderName="Your bank" Version')
  expect(JSON.stringify(taken(check(unsigned(named), { sp: OPEN })))).not.toContain('bank')
})

describe('an assurance level', () => {
  const [weak, middle, strong] = [`${CLASS}Password`, `${CLASS}PasswordProtectedTransport`, `${CLASS}TimeSyncToken`]

  it.each([
    ['exact', [middle], [middle]],
    ['exact', [weak, strong], [weak, strong]],
    ['exact', ['urn:own'], ['urn:own']],
    ['exact', [], []],
    ['minimum', [middle], [middle, strong]],
    ['minimum', [strong], [strong]],
    ['minimum', ['urn:own'], ['urn:own']],
    ['maximum', [middle], [weak, middle]],
    ['better', [weak], [middle, strong]],
    ['better', [weak, middle], [strong]],
    ['better', ['urn:own'], []],
    ['better', [], []],
  ] as const)('asked for as %s %j is met by %j alone', (comparison, classes, meeting) => {
    const met = [weak, middle, strong, 'urn:own'].filter((given) => meetsAuthnContext({ comparison, classes }, given))
    expect(met).toEqual(meeting)
  })

  it('is met by anything where none is asked for', () => {
    expect(meetsAuthnContext(undefined, 'urn:anything')).toBe(true)
  })
})
