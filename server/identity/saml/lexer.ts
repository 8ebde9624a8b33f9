import { refuse } from './result.ts'

/** How large a document may be. */
export interface XmlLimits {
  readonly chars: number
  readonly depth: number
  readonly elements: number
  readonly attributes: number
}

const ILLEGAL = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u
const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"utf-8"|'utf-8'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/i
const WHITE = /^[ \t\r\n]*$/
const QNAME = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?'
const ATTRIBUTE = new RegExp(`[ \\t\\r\\n]+(${QNAME})[ \\t\\r\\n]*=[ \\t\\r\\n]*(?:"([^<"]*)"|'([^<']*)')`, 'y')
const START = new RegExp(`<(${QNAME})`, 'y')
const START_END = /[ \t\r\n]*(\/?)>/y
const END = new RegExp(`</(${QNAME})[ \\t\\r\\n]*>`, 'y')
const REFERENCE = /&(?:(?:amp|lt|gt|quot|apos);|#(\d{1,7});|#x([0-9a-fA-F]{1,6});)?/g
const ATTRIBUTES_OF_ONE_MAX = 64

/** Nothing but the five entities of XML and references to characters that XML allows. */
function checkReferences(text: string): void {
  if (!text.includes('&')) return
  for (const [whole, decimal, hex] of text.matchAll(REFERENCE)) {
    if (whole === '&') refuse('not-xml', 'There is an entity that XML itself does not have.')
    const code = decimal !== undefined ? Number(decimal) : hex !== undefined ? Number.parseInt(hex, 16) : 0x20
    if (code > 0x10ffff || ILLEGAL.test(String.fromCodePoint(code)))
      refuse('not-xml', `${whole} is no character of XML.`)
  }
}

function refuseMarkup(text: string, at: number): never {
  const start = text.slice(at, at + 10)
  if (start.startsWith('<?')) return refuse('processing-instruction', 'There is a processing instruction.')
  if (start.startsWith('<!--')) return refuse('comment', 'There is a comment.')
  if (start.startsWith('<![CDATA[')) return refuse('cdata', 'There is a CDATA section.')
  if (/^<!(?:doctype|entity|element|attlist|notation)/i.test(start))
    return refuse('doctype', 'There is a document type.')
  return refuse('not-xml', `There is no element at character ${at}.`)
}

interface Counts {
  elements: number
  attributes: number
}

/** Reads attributes and the end of a start tag from `at`; answers where it ends and whether it closes itself. */
function scanAttributes(text: string, at: number, counts: Counts): { end: number; closed: boolean } {
  const names = new Set<string>()
  let end = at
  for (;;) {
    ATTRIBUTE.lastIndex = end
    const [whole, name, double, single] = ATTRIBUTE.exec(text) ?? []
    if (whole === undefined || name === undefined) break
    if (names.has(name)) refuse('not-xml', `The attribute ${name} is there twice.`)
    names.add(name)
    checkReferences(double ?? single ?? '')
    end += whole.length
  }
  counts.attributes += names.size
  if (names.size > ATTRIBUTES_OF_ONE_MAX)
    refuse('count', `An element has more than ${ATTRIBUTES_OF_ONE_MAX} attributes.`)
  START_END.lastIndex = end
  const [closing, slash] = START_END.exec(text) ?? []
  if (closing === undefined) return refuse('not-xml', `A tag is malformed at character ${end}.`)
  return { end: end + closing.length, closed: slash === '/' }
}

function checkCounts(counts: Counts, depth: number, limits: XmlLimits): void {
  if (depth > limits.depth) refuse('depth', `Elements are nested deeper than ${limits.depth}.`)
  if (counts.elements > limits.elements) refuse('count', `There are more than ${limits.elements} elements.`)
  if (counts.attributes > limits.attributes) refuse('count', `There are more than ${limits.attributes} attributes.`)
}

function checkText(part: string, inside: boolean): void {
  if (!inside && !WHITE.test(part)) refuse('not-xml', 'There is text outside of the root.')
  if (part.includes(']]>')) refuse('not-xml', 'The end of a CDATA section stands alone.')
  checkReferences(part)
}

/**
 * Reads a text as XML 1.0 with nothing in it but elements, attributes and text, in one pass and before any parser sees
 * it. Answers the text without its declaration; refuses everything else, and what passes `limits`.
 */
export function scan(xml: string, limits: XmlLimits): string {
  if (ILLEGAL.test(xml)) refuse('not-xml', 'There is a character that XML does not allow.')
  const text = xml.replace(DECLARATION, '')
  const open: string[] = []
  const counts: Counts = { elements: 0, attributes: 0 }
  let at = 0
  while (at < text.length) {
    const next = text.indexOf('<', at)
    checkText(text.slice(at, next < 0 ? undefined : next), open.length > 0)
    if (next < 0) break
    END.lastIndex = START.lastIndex = next
    const start = START.exec(text)
    if (start !== null) {
      if (open.length === 0 && counts.elements > 0) refuse('not-xml', 'There is more than one root.')
      counts.elements += 1
      const { end, closed } = scanAttributes(text, next + start[0].length, counts)
      checkCounts(counts, open.length + 1, limits)
      if (!closed) open.push(start[1] ?? '')
      at = end
      continue
    }
    const end = END.exec(text)
    if (end === null) return refuseMarkup(text, next)
    if (open.pop() !== end[1]) refuse('not-xml', `${end[1]} is closed where it is not open.`)
    at = next + end[0].length
  }
  if (open.length > 0 || counts.elements === 0) refuse('not-xml', 'The message ends too early.')
  return text
}
