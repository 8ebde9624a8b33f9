import { execFile } from 'node:child_process'
import { sign, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { REDIRECT_LIMITS, readRedirect, signRedirect, verifyRedirect } from '#server/identity/saml/redirect.ts'
import { ecCredential, rsaCredential, signerOf } from './credentials.ts'

const ours = rsaCredential()
const foreign = rsaCredential()
const weak = rsaCredential(1_024)
const curve = ecCredential()
const XML =
  '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1">größe</samlp:LogoutRequest>'
const URL_OF = 'https://idp.example/slo'
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'

const queryOf = (url: string) => url.slice(url.indexOf('?') + 1)
const signed = async () => queryOf(await signRedirect(URL_OF, { SAMLRequest: XML }, 'state one/+&=', signerOf(ours)))
const encoded = (xml: string | Buffer) => encodeURIComponent(deflateRawSync(Buffer.from(xml)).toString('base64'))
const reason = (checked: { ok: true } | { ok: false; reason: string }) => (checked.ok ? 'accepted' : checked.reason)
const read = (query: string) => reason(readRedirect(query))
const verified = (query: string, ...certificates: string[]) =>
  reason(verifyRedirect(query, certificates.length > 0 ? certificates : [ours.certificate]))

/** What twenty such messages do to the memory of a process, with the limits as they are and without those that come first. */
const MEASURE = `
  import { buffer } from 'node:stream/consumers'
  import { Readable } from 'node:stream'
  import { createDeflateRaw } from 'node:zlib'
  import { readRedirect, REDIRECT_LIMITS } from '#server/identity/saml/redirect.ts'
  const piece = Buffer.alloc(1_048_576)
  const pieces = Readable.from(function* () { for (let i = 0; i < 200; i++) yield piece }())
  const bomb = (await buffer(pieces.pipe(createDeflateRaw({ level: 9 })))).toString('base64')
  const query = 'SAMLRequest=' + encodeURIComponent(bomb)
  const roomy = { ...REDIRECT_LIMITS, query_max: 1_000_000, base64_max: 1_000_000 }
  const before = process.memoryUsage().rss
  const reasons = new Set()
  let most = before
  for (let i = 0; i < 20; i++) {
    reasons.add(readRedirect(query, roomy).reason).add(readRedirect(query).reason)
    most = Math.max(most, process.memoryUsage().rss)
  }
  console.log(JSON.stringify({ octets: bomb.length, reasons: [...reasons], grown: most - before }))
`

/** A query signed over exactly these octets. */
const signedOver = (octets: string, algorithm = 'sha256') =>
  `${octets}&Signature=${encodeURIComponent(sign(algorithm, Buffer.from(octets), ours.privateKey).toString('base64'))}`

test('the certificates of these tests are certificates', () => {
  for (const { certificate, privateKey } of [ours, curve]) {
    const parsed = new X509Certificate(certificate)
    expect(parsed.checkPrivateKey(privateKey)).toBe(true)
    expect(parsed.verify(parsed.publicKey)).toBe(true)
  }
})

describe('a message by redirect', () => {
  it('arrives as it was sent, with its RelayState, and its signature holds', async () => {
    const query = await signed()
    expect(readRedirect(query)).toMatchObject({
      ok: true,
      value: { kind: 'request', xml: XML, relayState: 'state one/+&=', signed: { algorithm: `${MORE}rsa-sha256` } },
    })
    expect(verified(query)).toBe('accepted')
    expect(verified(`?${query}`)).toBe('accepted')
  })

  it('is told apart as request or response, and may have no RelayState', async () => {
    const url = await signRedirect(URL_OF, { SAMLResponse: XML }, undefined, signerOf(ours))
    expect(readRedirect(queryOf(url))).toMatchObject({ ok: true, value: { kind: 'response', xml: XML } })
    expect(readRedirect(queryOf(url))).not.toHaveProperty('value.relayState')
    expect(verified(queryOf(url))).toBe('accepted')
  })

  it('is added to the query that an endpoint has', async () => {
    const url = await signRedirect(`${URL_OF}?tenant=7`, { SAMLRequest: XML }, 'r', signerOf(ours))
    expect(url.startsWith(`${URL_OF}?tenant=7&SAMLRequest=`)).toBe(true)
    expect(verified(queryOf(url))).toBe('accepted')
  })

  it('carries any RelayState and text', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 100 })
    await fc.assert(
      fc.asyncProperty(text, text, async (xml, relayState) => {
        const query = queryOf(await signRedirect(URL_OF, { SAMLRequest: xml }, relayState, signerOf(ours)))
        expect(readRedirect(query)).toMatchObject({ ok: true, value: { xml, relayState } })
        expect(verified(query)).toBe('accepted')
      }),
      { numRuns: 40 },
    )
  })
})

describe('the signature of a query', () => {
  it('is made over the octets as they came: lower-case encodings verify when they were signed', async () => {
    const query = await signed()
    const lower = query.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())
    expect(lower).not.toBe(query)
    expect(verified(lower)).toBe('signature-invalid')
    const octets = lower.slice(0, lower.indexOf('&Signature='))
    expect(verified(signedOver(octets))).toBe('accepted')
  })

  it.each(['sha256', 'sha384', 'sha512'])('may use RSA with %s', async (hash) => {
    const octets = `SAMLRequest=${encoded(XML)}&SigAlg=${encodeURIComponent(`${MORE}rsa-${hash}`)}`
    expect(verified(signedOver(octets, hash))).toBe('accepted')
  })

  it.each(['der', 'ieee-p1363'] as const)('may use ECDSA, written as %s', (dsaEncoding) => {
    const octets = `SAMLRequest=${encoded(XML)}&SigAlg=${encodeURIComponent(`${MORE}ecdsa-sha256`)}`
    const signature = sign('sha256', Buffer.from(octets), { key: curve.privateKey, dsaEncoding }).toString('base64')
    const query = `${octets}&Signature=${encodeURIComponent(signature)}`
    expect(verified(query, curve.certificate)).toBe('accepted')
    expect(verified(query, ours.certificate)).toBe('signature-key')
  })

  it('leaves what is neither signed nor read aside', async () => {
    expect(verified(`${await signed()}&client-request-id=77`)).toBe('accepted')
  })

  it('holds by any certificate of the sender during a rotation', async () => {
    expect(verified(await signed(), foreign.certificate, ours.certificate)).toBe('accepted')
  })

  it.each([
    ['sha1', 'http://www.w3.org/2000/09/xmldsig#rsa-sha1'],
    ['sha256', 'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256'],
    ['sha256', 'http://www.w3.org/2000/09/xmldsig#dsa-sha1'],
  ])('may use no %s of %s', (hash, uri) => {
    expect(verified(signedOver(`SAMLRequest=${encoded(XML)}&SigAlg=${encodeURIComponent(uri)}`, hash))).toBe(
      'signature-algorithm',
    )
  })

  it('needs a certificate, of a strong key, and the right one', async () => {
    const query = await signed()
    expect(reason(verifyRedirect(query, []))).toBe('no-key')
    expect(verified(query, weak.certificate)).toBe('signature-key')
    expect(verified(query, 'not a certificate')).toBe('signature-key')
    expect(verified(query, foreign.certificate)).toBe('signature-invalid')
  })

  it('cannot be left out', async () => {
    const query = await signed()
    expect(verified(query.replace(/&Signature=.*/, ''))).toBe('unsigned')
    expect(verified(query.replace(/&Signature=.*/, '&Signature='))).toBe('unsigned')
    expect(verified(query.replace(/&SigAlg=[^&]*/, ''))).toBe('unsigned')
    expect(verified(query.replace(/&SigAlg=.*/, ''))).toBe('unsigned')
    expect(verified(query.replace(/&Signature=.*/, '&Signature=%21'))).toBe('not-base64')
  })

  it('covers the message, RelayState and algorithm', async () => {
    const query = await signed()
    expect(verified(query.replace(/RelayState=[^&]*/, 'RelayState=other'))).toBe('signature-invalid')
    expect(verified(query.replace(/RelayState=[^&]*&/, ''))).toBe('signature-invalid')
    expect(verified(query.replace(/SAMLRequest=[^&]*/, `SAMLRequest=${encoded('<other/>')}`))).toBe('signature-invalid')
    expect(verified(query.replace('SAMLRequest', 'SAMLResponse'))).toBe('signature-invalid')
    expect(verified(query.replace('rsa-sha256', 'rsa-sha512'))).toBe('signature-invalid')
    const bare = queryOf(await signRedirect(URL_OF, { SAMLRequest: XML }, undefined, signerOf(ours)))
    expect(verified(bare.replace('&SigAlg', '&RelayState=added&SigAlg'))).toBe('signature-invalid')
  })

  it('is refused in any other order', async () => {
    const parts = (await signed()).split('&')
    const orders = parts.flatMap((_, first) =>
      parts.flatMap((_, second) => {
        const order = [...parts]
        ;[order[first], order[second]] = [order[second] as string, order[first] as string]
        return first < second ? [order.join('&')] : []
      }),
    )
    expect(orders).toHaveLength(6)
    for (const query of orders) {
      expect(verified(query)).toBe('query-order')
      expect(read(query)).toBe('query-order')
    }
  })
})

describe('a query is refused', () => {
  it.each(['SAMLRequest', 'RelayState', 'SigAlg', 'Signature'])('with %s twice', async (name) => {
    const query = await signed()
    const part = query.split('&').find((one) => one.startsWith(`${name}=`)) as string
    expect(read(`${query}&${part}`)).toBe('duplicate-parameter')
    expect(verified(query.replace(part, `${part}&${part}`))).toBe('duplicate-parameter')
  })

  it.each([
    ['binding', ''],
    ['binding', 'RelayState=x'],
    ['binding', `SAMLRequest=${encoded(XML)}&SAMLResponse=${encoded(XML)}`],
    ['binding', `SAMLEncoding=urn%3Aother&SAMLRequest=${encoded(XML)}`],
    ['query-encoding', `SAML%52equest=${encoded(XML)}`],
    ['query-encoding', `SAMLRequest=%E0%A4%A`],
    ['query-encoding', `SAMLRequest=${encoded(XML)}&RelayState=%FF`],
    ['query-encoding', `SAMLRequest=${encoded(XML)}&RelayState=ü`],
    ['not-base64', 'SAMLRequest='],
    ['not-base64', 'SAMLRequest=%3Cxml%3E'],
    ['not-base64', 'SAMLRequest=abc'],
    ['not-base64', `SAMLRequest=${encoded(XML)}%0A`],
    ['inflate', `SAMLRequest=${encodeURIComponent(Buffer.from('<not-deflated/>').toString('base64'))}`],
    [
      'inflate',
      `SAMLRequest=${encodeURIComponent(deflateRawSync(Buffer.from(XML)).subarray(0, 40).toString('base64'))}`,
    ],
    [
      'inflate',
      `SAMLRequest=${encodeURIComponent(Buffer.concat([deflateRawSync(Buffer.from(XML)), Buffer.from('more')]).toString('base64'))}`,
    ],
    ['not-xml', `SAMLRequest=${encoded(Buffer.from([0x3c, 0xff, 0xfe]))}`],
    ['relay-state', `SAMLRequest=${encoded(XML)}&RelayState=${'r'.repeat(REDIRECT_LIMITS.relayState_max + 1)}`],
    ['too-large', `SAMLRequest=${encoded(XML)}&RelayState=${'r'.repeat(REDIRECT_LIMITS.query_max)}`],
    ['too-large', `SAMLRequest=${'A'.repeat(REDIRECT_LIMITS.base64_max + 4)}`],
    ['inflate-limit', `SAMLRequest=${encoded(Buffer.alloc(REDIRECT_LIMITS.inflated_max + 1, 0x20))}`],
  ])('as %s (%#)', (expected, query) => {
    expect(read(query)).toBe(expected)
  })

  it('before a message of 260 KB that inflates to 200 MB takes memory', async () => {
    // A process of its own, since other tests take memory in this one.
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', MEASURE])
    const { octets, reasons, grown } = JSON.parse(stdout)
    expect(octets).toBeGreaterThan(250_000)
    expect(reasons).toEqual(['inflate-limit', 'too-large'])
    expect(grown).toBeLessThan(20 * 1_048_576)
  })

  test('whatever it is, by an answer and not by an error', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'SAMLRequest',
        'SAMLResponse',
        'RelayState',
        'SigAlg',
        'Signature',
        'SAMLEncoding',
        '=',
        '&',
        '%',
      ),
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => encodeURIComponent(Buffer.from(bytes).toString('base64'))),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => encoded(Buffer.from(bytes))),
      fc.constant(encodeURIComponent(`${MORE}rsa-sha256`)),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const query = pieces.join('')
        expect(read(query)).not.toBe('fault')
        expect(['accepted', 'fault']).not.toContain(verified(query))
      }),
      { numRuns: 1_000 },
    )
  })

  test('whichever octet of a signed one is changed', async () => {
    const query = await signed()
    const at = fc.integer({ min: 0, max: query.length - 1 })
    fc.assert(
      fc.property(at, fc.constantFrom(...'Aaz09%&=+-_.~'), (index, character) => {
        fc.pre(query[index] !== character)
        const changed = `${query.slice(0, index)}${character}${query.slice(index + 1)}`
        // A case of a percent encoding is an octet too, and the signature itself may be encoded otherwise.
        fc.pre(index < query.indexOf('&Signature=') || !/%/.test(query.slice(Math.max(0, index - 2), index + 1)))
        expect(verified(changed)).not.toBe('accepted')
      }),
      { numRuns: 500 },
    )
  })
})
