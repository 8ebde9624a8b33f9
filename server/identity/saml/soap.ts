import { NS } from './names.ts'
import { childOf, elementsOf, isNamed, textOf } from './nodes.ts'
import { type Checked, checking, refuse } from './result.ts'
import { MESSAGE_LIMITS, parseStrict, type StrictXml } from './xml.ts'
import { element, writeXml, type XmlNode } from './xml-build.ts'

/** The SOAP binding (bindings 3.2): SOAP 1.1 envelopes with one message as body and nothing that must be understood. */

const envelope = (content: XmlNode): string =>
  `<?xml version="1.0" encoding="UTF-8"?>${writeXml(element('S:Envelope', { 'xmlns:S': NS.soap }, element('S:Body', {}, content)))}`

/** An envelope around a message, which is an element of our own making. */
export const wrapSoap = (xml: string): string => envelope({ xml })

/** What is answered to a request that is no message at all (bindings 3.2.3.3). */
export const soapFault = (whose: 'Client' | 'Server', words: string): string =>
  envelope(element('S:Fault', {}, element('faultcode', {}, `S:${whose}`), element('faultstring', {}, words)))

function decoded(body: Uint8Array): string {
  // No character has more than four bytes; what passes here is counted again as characters.
  if (body.length > 4 * MESSAGE_LIMITS.chars)
    refuse('too-large', `The envelope has more than ${4 * MESSAGE_LIMITS.chars} bytes.`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return refuse('not-xml', 'The envelope is not UTF-8.')
  }
}

function checkHeader(header: Element): void {
  for (const block of elementsOf(header))
    if (/^(1|true)$/.test(block.getAttributeNS(NS.soap, 'mustUnderstand') ?? ''))
      refuse('soap', `The header ${block.localName} must be understood, and is not.`)
}

/** The one element in the body of an envelope that has a body, perhaps behind a header, and nothing else. */
function contentOf(root: Element): { body: Element; content: Element } {
  const header = childOf(root, NS.soap, 'Header')
  const parts = elementsOf(root)
  const body = parts.at(-1)
  if (body === undefined || !isNamed(body, NS.soap, 'Body') || parts.length !== (header === undefined ? 1 : 2))
    return refuse('soap', 'The envelope does not hold one body behind its header.')
  if (header !== undefined) checkHeader(header)
  const [content, second] = elementsOf(body)
  if (content === undefined || second !== undefined) return refuse('soap', 'The body does not hold one message.')
  for (const parent of [root, body])
    for (let node = parent.firstChild; node !== null; node = node.nextSibling)
      if (node.nodeType === 3 && /[^ \t\r\n]/.test(node.nodeValue ?? '')) refuse('soap', 'The envelope holds text.')
  return { body, content }
}

function refuseFault(fault: Element): never {
  const words = elementsOf(fault).find(({ localName }) => localName === 'faultstring')
  return refuse('soap-fault', `The other side answers a fault: ${words ? textOf(words).slice(0, 200) : 'unnamed'}`)
}

/** Namespace declarations around the content that it does not make itself, as attributes in XML. */
function inherited(content: Element, around: readonly Element[]): string {
  const declared = new Map<string, string>()
  for (const { attributes } of around)
    for (let i = 0; i < attributes.length; i++) {
      const { name, value } = attributes[i] as Attr
      if (name === 'xmlns' || name.startsWith('xmlns:')) declared.set(name, value)
    }
  return [...declared]
    .filter(([name]) => !content.hasAttribute(name))
    .map(([name, value]) => ` ${name}="${value.replaceAll('&', '&amp;')}"`)
    .join('')
}

/**
 * The message as it was written, with the declarations that it had from the envelope: a tree written anew might
 * differ from what was signed. The text was read strictly, so a `<` is the beginning of a tag.
 */
function sourceOf({ text, root }: StrictXml, body: Element, content: Element): string {
  const before = root.getElementsByTagName('*').length - content.getElementsByTagName('*').length
  const start = [...text.matchAll(/<[^/]/g)][before]?.index ?? refuse('fault', 'The message was not found again.')
  const end = text.lastIndexOf('</', text.lastIndexOf('</') - 1)
  const source = text.slice(start, end).trimEnd()
  const nameEnd = content.nodeName.length + 1
  return source.slice(0, nameEnd) + inherited(content, [root, body]) + source.slice(nameEnd)
}

/** Takes the message out of an envelope. Answers its XML; says nothing of its signature. */
export function unwrapSoap(body: Uint8Array): Checked<string> {
  return checking((trail) => {
    const document = trail.take(parseStrict(decoded(body), { namespace: NS.soap, name: 'Envelope' }))
    const { body: parent, content } = contentOf(document.root)
    if (isNamed(content, NS.soap, 'Fault')) refuseFault(content)
    return sourceOf(document, parent, content)
  })
}
