import { describe, expect, test } from 'vitest'
import { checkResponse, inResponseToOf, issuerOf, type ResponseInput } from '#server/identity/saml/response.ts'
import { rsaCredential } from './credentials.ts'
import { describeProvider, genuine, ISSUER, inputFor, REQUEST_ID, signResponse, writeResponse } from './forge.ts'

const provider = rsaCredential()
const input = inputFor(describeProvider(provider))

/** A genuine response, changed before it was signed. */
const check = (
  change: (xml: string) => string,
  known: Partial<ResponseInput> = {},
  requestId: string | undefined = REQUEST_ID,
) => {
  const xml = writeResponse(requestId)
  const changed = change(xml)
  return checkResponse(signResponse(changed, 'assertion', provider), { ...input, ...known })
}
const same = (xml: string) => xml
const DATA = /<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/s

describe('a response that answers no request', () => {
  const unsolicited = (known: Partial<ResponseInput>, change: (xml: string) => string = same) =>
    checkResponse(
      signResponse(change(writeResponse().replaceAll(` InResponseTo="${REQUEST_ID}"`, '')), 'both', provider),
      {
        ...input,
        requestId: undefined,
        ...known,
      },
    )

  test('is taken of a provider that may send such, and of no other', async () => {
    expect(await unsolicited({ allowUnsolicited: true })).toMatchObject({ ok: true })
    expect(await unsolicited({ allowUnsolicited: false })).toMatchObject({ ok: false, reason: 'unsolicited' })
  })

  test('is refused where a request was made', async () => {
    expect(await unsolicited({ requestId: REQUEST_ID, allowUnsolicited: true })).toMatchObject({
      reason: 'in-response-to',
    })
  })

  test.each(['<samlp:Response ', '<saml:SubjectConfirmationData '])(
    'is refused where %s says that it does',
    async (tag) => {
      const answering = (xml: string) => xml.replace(tag, `${tag}InResponseTo="_foreign" `)
      expect(await unsolicited({ allowUnsolicited: true }, answering)).toMatchObject({ reason: 'in-response-to' })
    },
  )
})

describe('an assertion', () => {
  test('is confirmed by the one of several confirmations that is for us', async () => {
    const other = (xml: string) => {
      const data = DATA.exec(xml)?.[0] ?? ''
      return xml.replace(data, data.replace(/Recipient="[^"]*"/, 'Recipient="https://other.example.net/"') + data)
    }
    expect(await check(other)).toMatchObject({ ok: true })
  })

  test('with confirmations without end is refused', async () => {
    const many = (xml: string) => xml.replace(DATA, (data) => data.repeat(9))
    expect(await check(many)).toMatchObject({ ok: false, reason: 'count' })
  })

  test('may be for one use, and limit how far it is passed on', async () => {
    const limited = (xml: string) =>
      xml.replace('</saml:Conditions>', '<saml:OneTimeUse/><saml:ProxyRestriction Count="0"/></saml:Conditions>')
    expect(await check(limited)).toMatchObject({ ok: true, value: { proxyCount: 0 } })
    const free = await check(same)
    expect(free.ok && 'proxyCount' in free.value).toBe(false)
  })

  test('ends at the earlier of its ends', async () => {
    const later = (xml: string) => xml.replace(/(<saml:Conditions [^>]*NotOnOrAfter=")[^"]*/, '$12026-11-21T13:00:00Z')
    expect(await check(later)).toMatchObject({ ok: true, value: { notOnOrAfter_ms: input.now_ms + 300_000 } })
  })

  test('names who vouched for somebody before', async () => {
    const proxied = (xml: string) =>
      xml.replace(
        '</saml:AuthnContext>',
        '<saml:AuthenticatingAuthority>urn:first</saml:AuthenticatingAuthority></saml:AuthnContext>',
      )
    expect(await check(proxied)).toMatchObject({ ok: true, value: { authenticatingAuthorities: ['urn:first'] } })
  })

  test('may come from a response that does not say where to, since its recipient is signed', async () => {
    expect(await check((xml) => xml.replace(/ Destination="[^"]*"/, ''))).toMatchObject({ ok: true })
  })

  test('keeps the format and qualifiers of a NameID apart', async () => {
    const bare = (xml: string) => xml.replace(/<saml:NameID [^>]*>/, '<saml:NameID NameQualifier="urn:q">')
    expect(await check(bare)).toMatchObject({
      ok: true,
      value: {
        nameId: {
          value: 'alice@example.org',
          format: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
          nameQualifier: 'urn:q',
          spNameQualifier: '',
        },
      },
    })
  })

  test('takes ways of authentication that were asked for', async () => {
    const authnContext = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'
    expect(await check(same, { requestedAuthnContexts: ['urn:other', authnContext] })).toMatchObject({
      ok: true,
      value: { authnContext },
    })
  })
})

describe('attributes', () => {
  const attributes = (content: string) => (xml: string) =>
    xml.replace(
      /<saml:AttributeStatement>.*<\/saml:AttributeStatement>/s,
      content && `<saml:AttributeStatement>${content}</saml:AttributeStatement>`,
    )
  const attribute = (name: string, ...values: string[]) =>
    `<saml:Attribute Name="${name}">${values.map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`).join('')}</saml:Attribute>`
  const read = async (content: string) => {
    const checked = await check(attributes(content))
    return checked.ok ? checked.value.attributes : checked.reason
  }

  test('may be absent, empty, or come in parts', async () => {
    expect(await read('')).toEqual({})
    expect(await read(attribute('a') + attribute('b', ''))).toEqual({ a: [], b: [''] })
    expect(await read(attribute('a', '1') + attribute('b', '2') + attribute('a', '3'))).toEqual({
      a: ['1', '3'],
      b: ['2'],
    })
  })

  test('may hold a NameID as a value, and nothing else', async () => {
    expect(await read(attribute('a', '<saml:NameID>x</saml:NameID>', '<b xmlns="urn:b">y</b>', 'z'))).toEqual({
      a: ['x', 'z'],
    })
  })

  test('may have any name', async () => {
    const read_ = await check(attributes(attribute('__proto__', 'x') + attribute('constructor', 'y')))
    expect(read_.ok && Object.entries(read_.value.attributes)).toEqual([
      ['__proto__', ['x']],
      ['constructor', ['y']],
    ])
  })

  test('may be a thousand groups, and no more than is sane', async () => {
    const groups = Array.from({ length: 1_000 }, (_, n) => `cn=group-${n},ou=groups,dc=example,dc=org`)
    expect(await read(attribute('groups', ...groups))).toEqual({ groups })
    expect(await read(attribute('a').repeat(257))).toBe('attributes')
    expect(await read(attribute('a', ...Array.from({ length: 2_049 }, () => 'x')))).toBe('attributes')
    expect(await read(attribute('a', 'x'.repeat(8_193)))).toBe('attributes')
  })
})

describe('what is read to find the other side', () => {
  test('is the issuer and the request, in whatever message', () => {
    const xml = genuine('response', provider)
    expect(issuerOf(xml)).toMatchObject({ ok: true, value: ISSUER })
    expect(inResponseToOf(xml)).toBe(REQUEST_ID)
    const request = `<p:LogoutRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion"> ${ISSUER}\n</Issuer></p:LogoutRequest>`
    expect(issuerOf(request)).toMatchObject({ ok: true, value: ISSUER })
    expect(inResponseToOf(request)).toBeUndefined()
  })

  test('passes the strict layer too', () => {
    expect(issuerOf('<!DOCTYPE a><a/>')).toMatchObject({ ok: false, reason: 'doctype' })
    expect(issuerOf('<a xmlns="urn:a"/>')).toMatchObject({ ok: false, reason: 'wrong-root' })
    expect(inResponseToOf('<a xmlns="urn:a" InResponseTo="x"/>')).toBeUndefined()
  })
})
