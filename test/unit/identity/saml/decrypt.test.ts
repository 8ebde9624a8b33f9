import { describe, expect, test } from 'vitest'
import { checkResponse } from '#server/identity/saml/response.ts'
import { rsaCredential } from './credentials.ts'
import {
  CIPHER,
  describeProvider,
  encryptAssertion,
  genuineEncrypted,
  inputFor,
  SIGNED_BY,
  signElement,
  writeResponse,
} from './forge.ts'

const provider = rsaCredential()
const stranger = rsaCredential()
const ours = rsaCredential()
const input = inputFor(describeProvider(provider), [ours])
const check = (xml: string) => checkResponse(xml, input)

describe('an encrypted assertion', () => {
  test.each(SIGNED_BY)('is read where the %s is signed', async (by) => {
    for (const cipher of [CIPHER.aes128Gcm, CIPHER.aes256Gcm]) {
      const xml = await genuineEncrypted(by, provider, ours.certificate, cipher)
      expect(xml).not.toContain('alice')
      const signed = by === 'both' ? ['response', 'assertion'] : [by]
      expect(await check(xml)).toMatchObject({
        ok: true,
        value: { encrypted: true, signed, nameId: { value: 'alice@example.org' } },
      })
    }
  })

  test('is read with an older key, while keys are exchanged', async () => {
    const xml = await genuineEncrypted('both', provider, ours.certificate)
    const rotating = inputFor(describeProvider(provider), [rsaCredential(), ours])
    expect(await checkResponse(xml, rotating)).toMatchObject({ ok: true })
  })

  test('is refused where no key fits, or there is none', async () => {
    const xml = await genuineEncrypted('both', provider, stranger.certificate)
    expect(await check(xml)).toMatchObject({ reason: 'decryption' })
    expect(await checkResponse(xml, inputFor(describeProvider(provider)))).toMatchObject({ reason: 'decryption' })
  })

  test.each(['response', 'assertion'] as const)('by AES-CBC is refused where only the %s is signed', async (by) => {
    const xml = await genuineEncrypted(by, provider, ours.certificate, CIPHER.aes256Cbc)
    const reason = by === 'assertion' ? 'encryption-algorithm' : 'unsigned'
    expect(await check(xml)).toMatchObject({ ok: false, reason })
  })

  test('by AES-CBC is read where both are signed', async () => {
    const xml = await genuineEncrypted('both', provider, ours.certificate, CIPHER.aes256Cbc)
    expect(await check(xml)).toMatchObject({ ok: true, value: { encrypted: true } })
  })

  test('by Triple-DES, or with its key by RSA 1.5, is refused', async () => {
    const old = await genuineEncrypted('both', provider, ours.certificate, CIPHER.tripleDes)
    expect(await check(old)).toMatchObject({ reason: 'encryption-algorithm' })
    const padded = await genuineEncrypted('both', provider, ours.certificate, CIPHER.aes256Gcm, CIPHER.rsa15)
    expect(await check(padded)).toMatchObject({ reason: 'encryption-algorithm' })
  })

  test('that nobody signed is refused: anybody can encrypt to us', async () => {
    const xml = await encryptAssertion(writeResponse(), ours.certificate)
    expect(await check(xml)).toMatchObject({ ok: false, reason: 'unsigned' })
  })

  test('that a stranger signed inside is refused', async () => {
    const inner = signElement(writeResponse(), '_assertion', stranger)
    const xml = await encryptAssertion(inner, ours.certificate)
    expect(await check(xml)).toMatchObject({ ok: false, reason: 'signature-key' })
    const outer = signElement(xml, '_response', provider)
    expect(await check(outer)).toMatchObject({ ok: false, reason: 'signature-key' })
  })

  test('that was altered inside before it was encrypted is refused', async () => {
    const inner = signElement(writeResponse(), '_assertion', provider).replace('alice@', 'mallory@')
    expect(await check(await encryptAssertion(inner, ours.certificate))).toMatchObject({ reason: 'signature-invalid' })
  })

  test('whose cipher text was altered is refused', async () => {
    const xml = await genuineEncrypted('assertion', provider, ours.certificate)
    const values = [...xml.matchAll(/CipherValue>([^<]+)</g)].map(([, value]) => value as string)
    expect(values).toHaveLength(2)
    for (const value of values) {
      const bytes = Buffer.from(value, 'base64')
      bytes[20] = (bytes[20] ?? 0) ^ 1
      const altered = xml.replace(value, bytes.toString('base64'))
      expect(await check(altered)).toMatchObject({ ok: false, reason: 'decryption' })
    }
  })

  test('beside a plain one is refused', async () => {
    const xml = await genuineEncrypted('assertion', provider, ours.certificate)
    const plain = /<saml:Assertion.*<\/saml:Assertion>/s.exec(writeResponse())?.[0]
    expect(await check(xml.replace('</samlp:Response>', `${plain}</samlp:Response>`))).toMatchObject({
      reason: 'assertion-count',
    })
  })

  test('with another assertion hidden inside is refused', async () => {
    const hidden = '<saml:Advice><saml:Assertion ID="_evil"/></saml:Advice><saml:AuthnStatement '
    const inner = signElement(writeResponse().replace('<saml:AuthnStatement ', hidden), '_assertion', provider)
    expect(await check(await encryptAssertion(inner, ours.certificate))).toMatchObject({ reason: 'assertion-count' })
  })

  test('that holds something else is refused', async () => {
    const xml = await genuineEncrypted('assertion', provider, ours.certificate)
    for (const [from, to] of [
      ['</saml:EncryptedAssertion>', '<saml:Subject/></saml:EncryptedAssertion>'],
      [/<e:EncryptedKey.*<\/e:EncryptedKey>/s, ''],
      [/<xenc:CipherValue>[^<]*<\/xenc:CipherValue>/, '<xenc:CipherReference URI="http://127.0.0.1/"/>'],
    ] as const) {
      const altered = xml.replace(from, to)
      expect(altered).not.toBe(xml)
      expect(await check(altered)).toMatchObject({ ok: false, reason: 'decryption' })
    }
  })
})
