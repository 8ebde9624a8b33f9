import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attributeOf, textOf } from '#server/identity/saml/nodes.ts'
import { parseStrict } from '#server/identity/saml/xml.ts'
import { element, writeTime, writeXml } from '#server/identity/saml/xml-build.ts'
import { taken } from './parties.ts'

const read = (xml: string) => taken(parseStrict(xml, { namespace: 'urn:test', name: 'a' })).root
const written = (attribute: string, text: string) =>
  read(writeXml(element('a', { xmlns: 'urn:test', value: attribute }, text)))

test('whatever XML can hold is read as it was written, in attributes and in text', () => {
  const legal = fc
    .string({ unit: 'binary', maxLength: 60 })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML cannot hold
    .map((text) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '').toWellFormed())
  const sharp = fc
    .array(fc.constantFrom('<', '>', '&', '"', "'", ']]>', '\r', '\n', '\t', '&amp;', '<!--'))
    .map((a) => a.join(''))
  fc.assert(
    fc.property(fc.oneof(legal, sharp), fc.oneof(legal, sharp), (attribute, text) => {
      const root = written(attribute, text)
      expect(attributeOf(root, 'value')).toBe(attribute)
      expect(textOf(root)).toBe(text)
    }),
    { numRuns: 500 },
  )
})

test('what XML cannot hold is replaced, so that the document stays one', () => {
  const root = written('a\u0000b', 'c\u0001\ud800d\uffff')
  expect(attributeOf(root, 'value')).toBe('a\ufffdb')
  expect(textOf(root)).toBe('c\ufffd\ufffdd\ufffd')
})

test('what is undefined is left out, and a finished element is written as it is', () => {
  expect(writeXml(element('a', { x: undefined, n: 1, t: true }, undefined, { xml: '<b/>' }))).toBe(
    '<a n="1" t="true"><b/></a>',
  )
  expect(writeXml(element('a'))).toBe('<a/>')
})

test('times are UTC', () => {
  expect(writeTime(Date.UTC(2026, 10, 21, 12))).toBe('2026-11-21T12:00:00.000Z')
})
