import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseStrict } from '#server/identity/saml/xml.ts'

const ROOT = { namespace: 'urn:a', name: 'R' } as const
const parse = (xml: string) => parseStrict(xml, ROOT)
const inside = (content: string) => parse(`<R xmlns="urn:a">${content}</R>`)

describe('the strict layer', () => {
  test.each([
    ['a declaration', '<?xml version="1.0" encoding="UTF-8"?>\n<R xmlns="urn:a"/>\n'],
    ['a declaration in other words', `<?xml version='1.0' encoding='utf-8' standalone='yes'?><R xmlns="urn:a"/>`],
    ['prefixes', '<x:R xmlns:x="urn:a" x:b="" b=""/>'],
    ['references', '<R xmlns="urn:a" b="&lt;&quot;&#10;">&amp;&#x1F600;</R>'],
    ['quotes of either kind', `<R xmlns="urn:a" b='"' c = "'" />`],
    ['the language', '<R xmlns="urn:a" xml:lang="de"/>'],
  ])('takes %s', (_name, xml) => {
    expect(parse(xml)).toMatchObject({ ok: true })
  })

  test.each([
    ['nothing', '', 'not-xml'],
    ['text alone', 'hello', 'not-xml'],
    ['a root that ends too early', '<R xmlns="urn:a">', 'not-xml'],
    ['a tag that ends too early', '<R xmlns="urn:a"', 'not-xml'],
    ['ends in the wrong order', '<R xmlns="urn:a"><b><c></b></c></R>', 'not-xml'],
    ['an end in other letters', '<R xmlns="urn:a"></r>', 'not-xml'],
    ['an end with something in it', '<R xmlns="urn:a"></R b="">', 'not-xml'],
    ['an attribute without quotes', '<R xmlns="urn:a" b=c/>', 'not-xml'],
    ['an attribute without value', '<R xmlns="urn:a" b/>', 'not-xml'],
    ['attributes without space', '<R xmlns="urn:a"b=""/>', 'not-xml'],
    ['an attribute twice', '<R xmlns="urn:a" b="" b=""/>', 'not-xml'],
    [
      'an attribute twice by two prefixes',
      '<R xmlns="urn:a" xmlns:x="urn:b" xmlns:y="urn:b" x:c="" y:c=""/>',
      'not-xml',
    ],
    ['an attribute with an angle bracket', '<R xmlns="urn:a" b="<"/>', 'not-xml'],
    ['a prefix that is not declared', '<R xmlns="urn:a"><x:b/></R>', 'not-xml'],
    ['a prefix of an attribute that is not declared', '<R xmlns="urn:a" x:b=""/>', 'not-xml'],
    ['the prefix that xml-crypto assumes', '<R xmlns="urn:a"><ds:Signature/></R>', 'not-xml'],
    ['the prefix xml for something else', '<R xmlns="urn:a" xmlns:xml="urn:b"/>', 'not-xml'],
    ['a web page', '<R xmlns="urn:a"><script xmlns="http://www.w3.org/1999/xhtml">a</script></R>', 'not-xml'],
    ['a character that XML lacks', '<R xmlns="urn:a">\u0001</R>', 'not-xml'],
    ['half a character', '<R xmlns="urn:a">\ud800</R>', 'not-xml'],
    ['a reference to such', '<R xmlns="urn:a">&#0;</R>', 'not-xml'],
    ['a reference beyond all characters', '<R xmlns="urn:a">&#x110000;</R>', 'not-xml'],
    ['an ampersand alone', '<R xmlns="urn:a">a & b</R>', 'not-xml'],
    ['the end of CDATA alone', '<R xmlns="urn:a">]]></R>', 'not-xml'],
    ['another version', '<?xml version="1.1"?><R xmlns="urn:a"/>', 'processing-instruction'],
    ['another encoding', '<?xml version="1.0" encoding="UTF-7"?><R xmlns="urn:a"/>', 'processing-instruction'],
    ['a relative namespace', '<R xmlns="urn:a" xmlns:x="a/b"/>', 'canonicalisation'],
    ['an empty namespace for a prefix', '<R xmlns="urn:a" xmlns:x=""/>', 'canonicalisation'],
    ['a namespace that is no address', '<R xmlns="urn:a" xmlns:x="http://[ ]"/>', 'canonicalisation'],
    ['two IDs in two spellings', '<R xmlns="urn:a" ID="a"><b id="a"/></R>', 'duplicate-id'],
    ['two IDs, one of XML', '<R xmlns="urn:a" ID="a"><b xml:id="a"/></R>', 'duplicate-id'],
    ['another root', '<R xmlns="urn:b"/>', 'wrong-root'],
    ['another name', '<Q xmlns="urn:a"/>', 'wrong-root'],
  ])('refuses %s', (_name, xml, reason) => {
    expect(parse(xml)).toMatchObject({ ok: false, reason })
  })

  test('bounds depth, elements and attributes', () => {
    const nested = (depth: number) => '<b>'.repeat(depth) + '</b>'.repeat(depth)
    expect(inside(nested(39))).toMatchObject({ ok: true })
    expect(inside(nested(40))).toMatchObject({ ok: false, reason: 'depth' })
    expect(inside('<b/>'.repeat(2_999))).toMatchObject({ ok: true })
    expect(inside('<b/>'.repeat(3_000))).toMatchObject({ ok: false, reason: 'count' })
    expect(inside('<b c="" d="" e=""/>'.repeat(2_500))).toMatchObject({ ok: false, reason: 'count' })
    expect(inside('a'.repeat(600_000))).toMatchObject({ ok: false, reason: 'too-large' })
  })

  test('takes time that grows with the length alone, whatever is in it', () => {
    const hostile = [
      ` ${'a'.repeat(400_000)}`,
      `<b${' '.repeat(400_000)}`,
      `<b ${'c="" '.repeat(60_000)}`,
      '<'.repeat(400_000),
      '</'.repeat(200_000),
      '&amp;'.repeat(80_000),
      `</R${' '.repeat(400_000)}x>`,
      `<?xml${' '.repeat(400_000)}?>`,
      '<b '.repeat(130_000),
    ]
    for (const content of hostile) {
      const before = process.cpuUsage()
      inside(content)
      parse(content)
      const { user, system } = process.cpuUsage(before)
      expect(user + system).toBeLessThan(1_000_000)
    }
  })

  test('never throws', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '/',
      '"',
      '=',
      ' ',
      '&',
      ';',
      'a',
      'R',
      'xmlns',
      ':',
      '!',
      '?',
      '-',
      '<R xmlns="urn:a">',
      '</R>',
      '<![CDATA[',
      ']]>',
      '<!--',
      '&#x41;',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const checked = inside(pieces.join(''))
        expect(checked.ok ? 'ok' : checked.reason).not.toBe('fault')
      }),
      { numRuns: 2_000 },
    )
  })
})
