import { describe, expect, test } from 'vitest'
import { readPost } from '#server/identity/saml/post.ts'

const encode = (text: string) => Buffer.from(text).toString('base64')

describe('a posted form', () => {
  test('brings a response, with RelayState or without', () => {
    expect(readPost({ SAMLResponse: encode('<a>ü</a>'), RelayState: 'x' })).toMatchObject({
      ok: true,
      value: { kind: 'response', xml: '<a>ü</a>', relayState: 'x' },
    })
    const checked = readPost({ SAMLRequest: encode('<a/>') })
    expect(checked).toMatchObject({ ok: true, value: { kind: 'request', xml: '<a/>' } })
    expect(checked.ok && 'relayState' in checked.value).toBe(false)
  })

  test('may break its lines', () => {
    const broken = encode('<a/>'.repeat(40)).replace(/.{76}/g, '$&\r\n')
    expect(readPost({ SAMLResponse: broken })).toMatchObject({ ok: true, value: { xml: '<a/>'.repeat(40) } })
  })

  test.each([
    ['nothing', {}, 'binding'],
    ['both messages', { SAMLResponse: encode('<a/>'), SAMLRequest: encode('<a/>') }, 'binding'],
    ['a message twice', { SAMLResponse: [encode('<a/>'), encode('<b/>')] }, 'binding'],
    ['an empty message', { SAMLResponse: '' }, 'not-base64'],
    ['cut off base64', { SAMLResponse: encode('<abc/>').slice(0, -1) }, 'not-base64'],
    ['base64 for addresses', { SAMLResponse: `${encode('<abc/>').slice(0, -1)}_` }, 'not-base64'],
    ['something in between', { SAMLResponse: `${encode('<abc/>')}!!!!` }, 'not-base64'],
    ['base64 with bits to spare', { SAMLResponse: 'PGE+PB==' }, 'not-base64'],
    ['what is not UTF-8', { SAMLResponse: Buffer.from([0x3c, 0xff, 0x3e]).toString('base64') }, 'not-xml'],
    ['a long RelayState', { SAMLResponse: encode('<a/>'), RelayState: 'ü'.repeat(600) }, 'relay-state'],
    ['RelayState twice', { SAMLResponse: encode('<a/>'), RelayState: ['a', 'b'] }, 'relay-state'],
  ])('is refused with %s', (_name, fields, reason) => {
    expect(readPost(fields)).toMatchObject({ ok: false, reason })
  })

  test('is measured before it is decoded', () => {
    const bomb = 'A'.repeat(64 * 1024 * 1024)
    const before = process.memoryUsage()
    expect(readPost({ SAMLResponse: bomb })).toMatchObject({ ok: false, reason: 'too-large' })
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1024 * 1024)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(8 * 1024 * 1024)
  })
})
