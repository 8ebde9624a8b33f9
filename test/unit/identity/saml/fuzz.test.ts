import { DOMParser, XMLSerializer } from '@xmldom/xmldom'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Identity } from '#server/identity/saml/provider.ts'
import { checkResponse, inResponseToOf, issuerOf } from '#server/identity/saml/response.ts'
import type { Checked } from '#server/identity/saml/result.ts'
import { rsaCredential } from './credentials.ts'
import { describeProvider, genuine, genuineEncrypted, inputFor, SIGNED_BY } from './forge.ts'

const provider = rsaCredential()
const ours = rsaCredential()
const input = inputFor(describeProvider(provider), [ours])
const RUNS = 250

/** Who it is; taking a signature away may leave the other. */
const whoOf = (checked: Checked<Identity>) => {
  if (!checked.ok) return undefined
  const { signed: _, ...who } = checked.value
  return who
}

async function holds(control: string, spoiled: string): Promise<void> {
  const checked = await checkResponse(spoiled, input)
  issuerOf(spoiled)
  inResponseToOf(spoiled)
  if (checked.ok) expect(whoOf(checked)).toEqual(whoOf(await checkResponse(control, input)))
  else expect(checked.reason, checked.detail).not.toBe('fault')
}

const INSERTS = [
  '<',
  '>',
  '"',
  '&',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '&#0;',
  '\u0000',
  '\ud800',
  'ID',
  '/>',
  '<a>',
  ' ',
  '\r',
  '\u2028',
  '\u0085',
]
const edit = fc.record({
  at: fc.nat({ max: 1_000_000 }),
  remove: fc.nat({ max: 60 }),
  insert: fc.oneof(fc.constantFrom(...INSERTS), fc.string({ maxLength: 4, unit: 'binary' })),
})
type Edit = { at: number; remove: number; insert: string }

const edited = (xml: string, edits: readonly Edit[]): string =>
  edits.reduce((text, { at, remove, insert }) => {
    const start = at % text.length
    return text.slice(0, start) + insert + text.slice(start + remove)
  }, xml)

const elementsOf = (document: Document): Element[] => {
  const found = document.getElementsByTagName('*')
  return Array.from({ length: found.length }, (_, i) => found[i] as Element)
}

const MOVES = ['remove', 'copy', 'move', 'swap-text', 'swap-attributes', 'rename-id', 'wrap'] as const
const move = fc.record({
  kind: fc.constantFrom(...MOVES),
  one: fc.nat({ max: 10_000 }),
  other: fc.nat({ max: 10_000 }),
})
type Move = { kind: (typeof MOVES)[number]; one: number; other: number }

function moved(xml: string, moves: readonly Move[]): string {
  const document = new DOMParser().parseFromString(xml, 'text/xml')
  for (const { kind, one, other } of moves) {
    const all = elementsOf(document)
    const [a, b] = [all[one % all.length], all[other % all.length]] as [Element, Element]
    if (a === document.documentElement) continue
    const copy = a.cloneNode(true) as Element
    if (kind === 'remove') a.parentNode?.removeChild(a)
    else if (kind === 'copy') b.appendChild(copy)
    else if (
      kind === 'move' &&
      !elementsOf({ getElementsByTagName: (n: string) => a.getElementsByTagName(n) } as Document).includes(b) &&
      a !== b
    ) {
      a.parentNode?.removeChild(a)
      b.appendChild(a)
    } else if (kind === 'swap-text' && a.childNodes.length <= 1 && b.childNodes.length <= 1)
      [a.textContent, b.textContent] = [b.textContent, a.textContent]
    else if (kind === 'swap-attributes')
      for (let i = 0; i < b.attributes.length; i++) {
        const { name, value } = b.attributes[i] as Attr
        if (!name.startsWith('xmlns') && !name.includes(':')) a.setAttribute(name, value)
      }
    else if (kind === 'rename-id' && a.hasAttribute('ID')) a.setAttribute('ID', `_id-${other}`)
    else if (kind === 'wrap') {
      a.parentNode?.replaceChild(copy, a)
      copy.appendChild(a)
    }
  }
  return new XMLSerializer().serializeToString(document)
}

const controls: readonly (readonly [string, string])[] = [
  ...SIGNED_BY.map((by) => [`signed in ${by}`, genuine(by, provider)] as const),
  ['encrypted', await genuineEncrypted('both', provider, ours.certificate)],
]

describe.each(controls)('a response that is %s', (_name, control) => {
  test('is itself whatever text is changed, or refused', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) =>
        holds(control, edited(control, edits)),
      ),
      { numRuns: RUNS },
    ),
  )

  test('is itself whatever elements are moved, or refused', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 5 }), (moves) =>
        holds(control, moved(control, moves)),
      ),
      { numRuns: RUNS },
    ),
  )
})
