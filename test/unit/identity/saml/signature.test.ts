import { describe, expect, test } from 'vitest'
import { NS } from '#server/identity/saml/names.ts'
import { checkResponse } from '#server/identity/saml/response.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { verifySignature } from '#server/identity/saml/signature.ts'
import { parseStrict } from '#server/identity/saml/xml.ts'
import { ecCredential, rsaCredential, signerOf } from './credentials.ts'
import { ALGORITHM, DIGEST, describeProvider, genuine, inputFor, SIGNED_BY, writeResponse } from './forge.ts'

const rsa = rsaCredential()
const parsed = (xml: string, name = 'Response', namespace: string = NS.protocol) => {
  const checked = parseStrict(xml, { namespace, name })
  if (!checked.ok) throw new Error(checked.detail)
  return checked.value
}
const verify = (xml: string, ...certificates: string[]) => {
  const document = parsed(xml)
  return verifySignature(document, document.root, certificates)
}

describe('a signature', () => {
  test.each([
    ['RSA', 'SHA-256', ALGORITHM.rsaSha256, DIGEST.sha256, rsa],
    ['RSA', 'SHA-384', ALGORITHM.rsaSha384, DIGEST.sha384, rsa],
    ['RSA', 'SHA-512', ALGORITHM.rsaSha512, DIGEST.sha512, rsa],
    ['ECDSA on P-256', 'SHA-256', ALGORITHM.ecdsaSha256, DIGEST.sha256, ecCredential('prime256v1')],
    ['ECDSA on P-384', 'SHA-384', ALGORITHM.ecdsaSha384, DIGEST.sha384, ecCredential('secp384r1')],
    ['ECDSA on P-521', 'SHA-512', ALGORITHM.ecdsaSha512, DIGEST.sha512, ecCredential('secp521r1')],
  ] as const)('by %s with %s is verified', async (_key, _hash, algorithm, digest, credential) => {
    for (const by of SIGNED_BY) {
      const xml = genuine(by, credential, { algorithm, digest })
      expect(await checkResponse(xml, inputFor(describeProvider(credential)))).toMatchObject({ ok: true })
    }
  })

  test('may keep prefixes that only values use', async () => {
    const xml = genuine('both', rsa, { prefixes: ['xs'] })
    expect(xml).toContain('PrefixList="xs"')
    expect(await checkResponse(xml, inputFor(describeProvider(rsa)))).toMatchObject({ ok: true })
  })

  test('answers nothing but what it covers', () => {
    const xml = genuine('assertion', rsa)
    const document = parsed(xml)
    const assertion = document.root.getElementsByTagNameNS(NS.assertion, 'Assertion')[0] as Element
    const signed = verifySignature(document, assertion, [rsa.certificate])
    expect(signed).toMatchObject({ ok: true })
    expect(signed.ok && signed.value.text).toMatch(/^<saml:Assertion .*<\/saml:Assertion>$/s)
    expect(signed.ok && signed.value.text).not.toContain('Signature')
    expect(verifySignature(document, document.root, [rsa.certificate])).toMatchObject({ reason: 'unsigned' })
  })

  test('is refused by keys that are too weak', () => {
    const weak = rsaCredential(1_024)
    expect(verify(genuine('response', weak), weak.certificate)).toMatchObject({ reason: 'signature-key' })
  })

  test('is refused by what is no certificate', () => {
    expect(verify(genuine('response', rsa), 'nothing')).toMatchObject({ reason: 'signature-key' })
    expect(verify(genuine('response', rsa))).toMatchObject({ reason: 'no-key' })
  })

  test('is not taken on the word of its own KeyInfo', () => {
    const other = rsaCredential()
    const xml = genuine('response', other)
    expect(xml).toContain('X509Certificate')
    expect(verify(xml, rsa.certificate)).toMatchObject({ reason: 'signature-key' })
    expect(verify(xml, other.certificate)).toMatchObject({ ok: true })
    expect(verify(xml.replace(/<ds:KeyInfo>.*<\/ds:KeyInfo>/s, ''), other.certificate)).toMatchObject({ ok: true })
  })
})

describe('signing', () => {
  test('stands after the Issuer and is verified', async () => {
    const xml = await signXml(writeResponse(), '_response', signerOf(rsa))
    expect(xml).toMatch(/<\/saml:Issuer><ds:Signature .*<\/ds:Signature><samlp:Status>/s)
    expect(verify(xml, rsa.certificate)).toMatchObject({ ok: true })
  })

  test('stands first where there is no Issuer, as in metadata', async () => {
    const namespace = 'urn:oasis:names:tc:SAML:2.0:metadata'
    const metadata = `<md:EntityDescriptor xmlns:md="${namespace}" ID="_metadata" entityID="urn:a"><md:Organization/></md:EntityDescriptor>`
    const xml = await signXml(metadata, '_metadata', signerOf(rsa), 'first')
    expect(xml).toMatch(/^<md:EntityDescriptor [^>]*><ds:Signature .*<\/ds:Signature><md:Organization\/>/s)
    const document = parsed(xml, 'EntityDescriptor', namespace)
    expect(verifySignature(document, document.root, [rsa.certificate])).toMatchObject({ ok: true })
  })

  test('goes through assertion and response, one after the other', async () => {
    const inner = await signXml(writeResponse(), '_assertion', signerOf(rsa))
    const xml = await signXml(inner, '_response', signerOf(rsa))
    expect(await checkResponse(xml, inputFor(describeProvider(rsa)))).toMatchObject({
      ok: true,
      value: { signed: ['response', 'assertion'] },
    })
  })

  test('waits for a key that is elsewhere, and fails as it does', async () => {
    const token = { ...signerOf(rsa), sign: () => Promise.reject(new Error('the token was pulled out')) }
    await expect(signXml(writeResponse(), '_response', token)).rejects.toThrow('the token was pulled out')
  })

  test('refuses an ID that is more than a name', async () => {
    await expect(signXml(writeResponse(), "x'] | //*['", signerOf(rsa))).rejects.toThrow('ID')
  })

  test('refuses an element that is not there', async () => {
    await expect(signXml(writeResponse(), '_nobody', signerOf(rsa))).rejects.toThrow()
  })
})
