import { describe, expect, test } from 'vitest'
import { checkResponse } from '#server/identity/saml/response.ts'
import { rsaCredential } from './credentials.ts'
import {
  CIPHER,
  describeProvider,
  encryptAssertion,
  encryptName,
  inputFor,
  OWN,
  SIGNED_BY,
  signElement,
  signResponse,
  writeResponse,
} from './forge.ts'

const provider = rsaCredential()
const ours = rsaCredential()
const input = inputFor(describeProvider(provider), [ours])
const check = (xml: string) => checkResponse(xml, input)
const SAML = 'urn:oasis:names:tc:SAML:2.0:assertion'

describe('a subject whose name is encrypted', () => {
  test.each(SIGNED_BY)('is read where the %s is signed', async (by) => {
    for (const cipher of [CIPHER.aes128Gcm, CIPHER.aes256Gcm, CIPHER.aes256Cbc]) {
      const xml = signResponse(await encryptName(writeResponse(), ours.certificate, cipher), by, provider)
      expect(xml).not.toContain('alice@example.org</saml:NameID>')
      const checked = await check(xml)
      expect(checked).toMatchObject({
        ok: true,
        value: { nameId: { value: 'alice@example.org', spNameQualifier: OWN.entityId }, sessionIndex: '_session-1' },
      })
      expect(checked.steps.map(({ check: what }) => what)).toContain('decryption')
    }
  })

  test('is read inside of an assertion that is encrypted as well', async () => {
    const named = signElement(await encryptName(writeResponse(), ours.certificate), '_assertion', provider)
    const xml = signElement(await encryptAssertion(named, ours.certificate), '_response', provider)
    expect(await check(xml)).toMatchObject({ ok: true, value: { nameId: { value: 'alice@example.org' } } })
  })

  test('is refused where no key fits, or there is none', async () => {
    const xml = signResponse(await encryptName(writeResponse(), rsaCredential().certificate), 'both', provider)
    expect(await check(xml)).toMatchObject({ reason: 'decryption' })
    expect(await checkResponse(xml, inputFor(describeProvider(provider)))).toMatchObject({ reason: 'decryption' })
  })

  test.each([
    ['Triple-DES', CIPHER.tripleDes, CIPHER.rsaOaep],
    ['a key by RSA 1.5', CIPHER.aes256Gcm, CIPHER.rsa15],
  ])('by %s is refused', async (_what, cipher, wrapping) => {
    const xml = await encryptName(writeResponse(), ours.certificate, cipher, wrapping)
    expect(await check(signResponse(xml, 'both', provider))).toMatchObject({ reason: 'encryption-algorithm' })
  })

  test.each([
    ['something else', `<saml:Issuer xmlns:saml="${SAML}">alice</saml:Issuer>`, 'wrong-root'],
    ['a name of another namespace', '<NameID xmlns="urn:other">alice</NameID>', 'wrong-root'],
    ['no XML', 'alice@example.org', 'not-xml'],
    ['a document type', `<!DOCTYPE a><saml:NameID xmlns:saml="${SAML}">alice</saml:NameID>`, 'doctype'],
    ['an empty name', `<saml:NameID xmlns:saml="${SAML}"> </saml:NameID>`, 'name-id'],
  ])('is refused when %s comes out', async (_what, plain, reason) => {
    const xml = await encryptName(writeResponse(), ours.certificate, CIPHER.aes256Gcm, CIPHER.rsaOaep, plain)
    expect(await check(signResponse(xml, 'both', provider))).toMatchObject({ ok: false, reason })
  })

  test.each([
    ['beside a plain one', (xml: string) => xml.replace('</saml:EncryptedID>', '$&<saml:NameID>eve</saml:NameID>')],
    ['twice', (xml: string) => xml.replace(/<saml:EncryptedID>.*<\/saml:EncryptedID>/s, '$&$&')],
    ['beside a BaseID', (xml: string) => xml.replace('</saml:EncryptedID>', '$&<saml:BaseID/>')],
    ['with data beside it', (xml: string) => xml.replace('</saml:EncryptedID>', '<x/>$&')],
    [
      'with the cipher text elsewhere',
      (xml: string) =>
        xml.replace(/<(\w*:?)CipherValue>.*?<\/\1CipherValue>/s, '<$1CipherReference URI="https://evil.example"/>'),
    ],
  ])('is refused %s', async (_what, change) => {
    const xml = change(await encryptName(writeResponse(), ours.certificate))
    expect(await check(signResponse(xml, 'both', provider))).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^(name-id|decryption|schema)$/),
    })
  })

  test('put in by somebody else is refused: what was signed is not that', async () => {
    const xml = signResponse(writeResponse(), 'both', provider)
    const eve = `<saml:NameID xmlns:saml="${SAML}">eve</saml:NameID>`
    const forged = await encryptName(xml, ours.certificate, CIPHER.aes256Gcm, CIPHER.rsaOaep, eve)
    expect(await check(forged)).toMatchObject({ ok: false, reason: 'signature-invalid' })
  })
})
