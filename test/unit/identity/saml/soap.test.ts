import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { NS } from '#server/identity/saml/names.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { verifySignature } from '#server/identity/saml/signature.ts'
import { soapFault, unwrapSoap, wrapSoap } from '#server/identity/saml/soap.ts'
import { MESSAGE_LIMITS, parseStrict } from '#server/identity/saml/xml.ts'
import { rsaCredential, signerOf } from './credentials.ts'
import { reasonOf, taken } from './parties.ts'

const credential = rsaCredential()
const MESSAGE = `<p:LogoutRequest xmlns:p="${NS.protocol}" xmlns:saml="${NS.assertion}" ID="_1"><saml:Issuer>a&#13;b&amp;</saml:Issuer></p:LogoutRequest>`
const INSIDE = MESSAGE.replace('<p:LogoutRequest', `<p:LogoutRequest xmlns:S="${NS.soap}"`)
const unwrap = (text: string) => unwrapSoap(Buffer.from(text))
const envelope = (content: string, attributes = '') =>
  `<S:Envelope xmlns:S="${NS.soap}"${attributes}>${content}</S:Envelope>`

const verified = (xml: string) => {
  const document = taken(parseStrict(xml, { namespace: NS.protocol, name: 'LogoutRequest' }))
  return reasonOf(verifySignature(document, document.root, [credential.certificate]))
}

describe('an envelope', () => {
  it('gives back the message that was put into it, octet by octet, with its own namespace besides', () => {
    expect(taken(unwrap(wrapSoap(MESSAGE)))).toBe(INSIDE)
  })

  it('leaves the signature of a message whole', async () => {
    const signed = await signXml(MESSAGE, '_1', signerOf(credential))
    expect(verified(signed)).toBe('accepted')
    expect(verified(taken(unwrap(wrapSoap(signed))))).toBe('accepted')
  })

  it('hands on the namespaces that it declares for the message, unless that declares its own', async () => {
    const declared = MESSAGE.replace(` xmlns:saml="${NS.assertion}"`, '')
    const signed = await signXml(MESSAGE, '_1', signerOf(credential))
    const bare = signed.replace(` xmlns:saml="${NS.assertion}"`, '')
    expect(bare).not.toBe(signed)
    const around = ` xmlns:saml="${NS.assertion}" xmlns:p="urn:other" xmlns:q="urn:a&amp;b"`
    expect(taken(unwrap(envelope(`<S:Body>${declared}</S:Body>`, around)))).toContain(`xmlns:q="urn:a&amp;b"`)
    expect(verified(taken(unwrap(envelope(`<S:Body>${bare}</S:Body>`, around))))).toBe('accepted')
  })

  it('may have a declaration, white space, and headers that need not be understood', () => {
    const header = '<S:Header>\n<h:x xmlns:h="urn:h" S:mustUnderstand="0"><h:y/></h:x></S:Header>'
    const text = `<?xml version="1.0" encoding="UTF-8"?>\n${envelope(`\n ${header}\n<S:Body>\n ${MESSAGE}\n </S:Body>\n`)}\n`
    expect(taken(unwrap(text))).toBe(INSIDE)
  })

  it('says a fault in words that are escaped', () => {
    const fault = soapFault('Client', '<no> & message')
    expect(unwrap(fault)).toMatchObject({ ok: false, reason: 'soap-fault' })
    expect(unwrap(fault)).toHaveProperty('detail', expect.stringContaining('<no> & message'))
  })

  it.each([
    ['wrong-root', MESSAGE],
    ['wrong-root', `<S:Envelope xmlns:S="http://www.w3.org/2003/05/soap-envelope"><S:Body/></S:Envelope>`],
    ['soap', envelope('')],
    ['soap', envelope('<S:Body/>')],
    ['soap', envelope('<S:Body>text</S:Body>')],
    ['soap', envelope(`<S:Body>${MESSAGE}text</S:Body>`)],
    ['soap', envelope(`text<S:Body>${MESSAGE}</S:Body>`)],
    ['soap', envelope(`<S:Body>${MESSAGE}${MESSAGE.replace('_1', '_2')}</S:Body>`)],
    ['soap', envelope(`<S:Body>${MESSAGE}</S:Body><S:Body/>`)],
    ['soap', envelope(`<S:Body>${MESSAGE}</S:Body><x/>`)],
    ['soap', envelope(`<S:Body>${MESSAGE}</S:Body><S:Header/>`)],
    ['soap', envelope(`<x/><S:Body>${MESSAGE}</S:Body>`)],
    ['soap', envelope(`<S:Header><h:x xmlns:h="urn:h" S:mustUnderstand="1"/></S:Header><S:Body>${MESSAGE}</S:Body>`)],
    ['schema', envelope(`<S:Header/><S:Header/><S:Body>${MESSAGE}</S:Body>`)],
    ['soap-fault', envelope('<S:Body><S:Fault/></S:Body>')],
    ['comment', envelope(`<S:Body><!-- -->${MESSAGE}</S:Body>`)],
    ['doctype', `<!DOCTYPE x>${wrapSoap(MESSAGE).slice(38)}`],
    ['processing-instruction', envelope(`<S:Body><?x?>${MESSAGE}</S:Body>`)],
    ['not-xml', ''],
    ['not-xml', 'SOAP'],
    ['depth', envelope(`<S:Body>${'<x>'.repeat(60)}${'</x>'.repeat(60)}</S:Body>`)],
    ['too-large', `${wrapSoap(MESSAGE)}${' '.repeat(MESSAGE_LIMITS.chars)}`],
    ['too-large', `${wrapSoap(MESSAGE)}${' '.repeat(4 * MESSAGE_LIMITS.chars)}`],
  ])('is refused as %s (%#)', (reason, text) => {
    expect(reasonOf(unwrap(text))).toBe(reason)
  })

  it('is refused when it is not UTF-8', () => {
    expect(reasonOf(unwrapSoap(Buffer.from([0x3c, 0xff, 0x00])))).toBe('not-xml')
  })

  test('is answered, whatever it holds', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '<S:Body>',
        '</S:Body>',
        '<S:Header>',
        '</S:Header>',
        '<S:Fault>',
        MESSAGE,
        '<x/>',
        ' ',
        '&',
        '<',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.boolean(), (pieces, inside) => {
        const text = inside ? envelope(pieces.join('')) : pieces.join('')
        expect(reasonOf(unwrap(text))).not.toBe('fault')
      }),
      { numRuns: 1_000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['accepted', 'fault']).not.toContain(reasonOf(unwrapSoap(bytes)))
      }),
    )
  })
})
