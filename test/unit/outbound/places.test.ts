import { describe, expect, test } from 'vitest'
import { isNamed, type Place, parsePlace } from '#server/outbound/places.ts'

const placesOf = (text: string) =>
  text.split(',').map((one): Place => {
    const place = parsePlace(one)
    if (!place) throw new Error(`${one} is no place`)
    return place
  })

/** `host port`, as people write it. */
const isIn = (text: string, target: string) => {
  const [host = '', port] = target.split(' ')
  return isNamed(placesOf(text), { host, port: Number(port ?? 443) })
}

describe('a place', () => {
  test.each([
    ['idp.example.net', { name: 'idp.example.net' }],
    ['IDP.Example.NET.:8443', { name: 'idp.example.net', port: 8443 }],
    ['localhost', { name: 'localhost' }],
    ['bücher.example', { name: 'xn--bcher-kva.example' }],
    ['*.example.net:443', { below: 'example.net', port: 443 }],
    ['192.0.2.7', { range: '192.0.2.7/32' }],
    ['10.0.0.0/8:514', { range: '10.0.0.0/8', port: 514 }],
    ['2001:db8::/32', { range: '2001:db8::/32' }],
    ['::1', { range: '::1/128' }],
    ['[2001:db8::7]:6514', { range: '2001:db8::7/128', port: 6514 }],
    ['[2001:db8::/32]:6514', { range: '2001:db8::/32', port: 6514 }],
  ])('%s is read', (text, place) => expect(parsePlace(text)).toEqual(place))

  test.each([
    ...['', '*', '*.', '*.*.net', 'a.*.net', 'https://idp.example.net', 'idp.example.net/path', 'idp.example.net:0'],
    ...[
      'idp.example.net:70000',
      'idp.example.net:',
      '10.0.0.0/33',
      '10/8',
      '10.0.0',
      '127.1',
      '2001:db8::/129',
      '[idp]:1',
    ],
    ...['-idp.example.net', 'a b', 'idp..net', `${'a'.repeat(64)}.net`, '[::1', 'user@idp.example.net'],
  ])('is not what «%s» says', (text) => expect(parsePlace(text)).toBeUndefined())

  test.each([
    ['idp.example.net', 'idp.example.net', true],
    ['idp.example.net', 'IDP.EXAMPLE.NET. 8443', true],
    ['idp.example.net', 'xidp.example.net', false],
    ['idp.example.net', 'idp.example.net.evil.org', false],
    ['idp.example.net', 'a.idp.example.net', false],
    ['idp.example.net:443', 'idp.example.net 8443', false],
    ['*.example.net', 'a.b.example.net', true],
    ['*.example.net', 'example.net', false],
    ['*.example.net', 'evilexample.net', false],
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', 'ten.example.net', false],
    ['2001:db8::/32', '[2001:db8:1::7]', true],
    ['2001:db8::/32', '2001:db9::7', false],
    ['::/0', '10.0.0.1', false],
    ['a.example,*.b.example:514,10.0.0.1', 'log.b.example 514', true],
    ['a.example,*.b.example:514,10.0.0.1', 'log.b.example 515', false],
  ])('%s: %s is among them: %s', (places, target, among) => expect(isIn(places, target)).toBe(among))
})
