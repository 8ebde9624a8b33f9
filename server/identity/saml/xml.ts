import { DOMParser } from '@xmldom/xmldom'
import { scan, type XmlLimits } from './lexer.ts'
import { isNamed } from './nodes.ts'
import { type Checked, checking, refuse } from './result.ts'

/** Bounds of a protocol message: a response with a thousand groups has half of it. */
export const MESSAGE_LIMITS: XmlLimits = { chars: 512 * 1024, depth: 40, elements: 3_000, attributes: 6_000 }

/** A document that passed the strict layer: its text without declaration, and its tree. */
export interface StrictXml {
  readonly text: string
  readonly root: Element
}

/** The name that the root must have. */
export interface RootName {
  readonly namespace: string
  readonly name: string | readonly string[]
}

function refuseFault(message: unknown): never {
  return refuse('not-xml', String(message).replace(/\s+/g, ' ').slice(0, 200))
}

const parse = (text: string): Element => {
  const errorHandler = { warning: refuseFault, error: refuseFault, fatalError: refuseFault }
  const document: Document | undefined = new DOMParser({ errorHandler }).parseFromString(text, 'text/xml')
  return document?.documentElement ?? refuseFault('There is no element.')
}

const ABSOLUTE_URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/
const XMLNS = 'http://www.w3.org/2000/xmlns/'
const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace'
const XHTML = 'http://www.w3.org/1999/xhtml'

/**
 * Canonicalisation is undefined over relative namespace names, and libraries answer it with an empty text, whose
 * digest anybody can write down (XML-C14N 1.1, section 1.3).
 */
function checkDeclaration(attribute: Attr): void {
  const { value, prefix, localName } = attribute
  if (prefix === 'xmlns' && (localName === 'xml' || localName === 'xmlns'))
    refuse('not-xml', `The prefix ${localName} is not free to declare.`)
  if (value === '' && prefix === null) return
  if (value === XMLNS || value === XML_NAMESPACE) refuse('not-xml', `${value} is not free to declare.`)
  if (!ABSOLUTE_URI.test(value))
    refuse('canonicalisation', `The namespace name ${JSON.stringify(value.slice(0, 60))} is not absolute.`)
}

const isDeclaration = ({ name }: Attr): boolean => name === 'xmlns' || name.startsWith('xmlns:')
const isIdentifier = ({ localName }: Attr): boolean => localName.toLowerCase() === 'id'

function checkNamespace({ prefix, namespaceURI, nodeName }: Element | Attr): void {
  if (prefix && !namespaceURI) refuse('not-xml', `The prefix of ${nodeName} is not declared.`)
  if (namespaceURI === XHTML) refuse('not-xml', 'A message holds no web page.')
}

function checkAttributes(element: Element, ids: Set<string>): void {
  const names = new Set<string>()
  for (let i = 0; i < element.attributes.length; i++) {
    const attribute = element.attributes[i] as Attr
    if (isDeclaration(attribute)) {
      checkDeclaration(attribute)
      continue
    }
    checkNamespace(attribute)
    const name = `{${attribute.namespaceURI ?? ''}}${attribute.localName}`
    if (names.has(name)) refuse('not-xml', `${element.nodeName} has the attribute ${attribute.name} twice.`)
    names.add(name)
    if (!isIdentifier(attribute)) continue
    if (ids.has(attribute.value)) refuse('duplicate-id', `Two elements have the ID ${attribute.value.slice(0, 80)}.`)
    ids.add(attribute.value)
  }
}

const ELEMENT = 1
const TEXT = 3

function checkTree(element: Element, ids: Set<string>): void {
  checkNamespace(element)
  checkAttributes(element, ids)
  for (let node = element.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === ELEMENT) checkTree(node as Element, ids)
    else if (node.nodeType !== TEXT) refuse('not-xml', `${element.nodeName} holds more than elements and text.`)
  }
}

const namesOf = ({ name }: RootName): readonly string[] => (typeof name === 'string' ? [name] : name)

/**
 * Parses a message: bounded, one root, elements and text alone (no document type, instruction, comment or CDATA), no
 * entity but the five of XML, every prefix declared, every ID once. Refuses everything that parsers are lenient about,
 * so that all who parse the text again see the same tree.
 */
export function parseStrict(xml: string, root: RootName, limits: XmlLimits = MESSAGE_LIMITS): Checked<StrictXml> {
  return checking((trail) => {
    if (xml.length > limits.chars) refuse('too-large', `The message has more than ${limits.chars} characters.`)
    const text = scan(xml, limits)
    const element = parse(text)
    checkTree(element, new Set())
    if (!namesOf(root).some((name) => isNamed(element, root.namespace, name)))
      refuse('wrong-root', `The message is a ${element.localName}, not a ${namesOf(root).join(' or ')}.`)
    trail.pass('xml', `A well-formed ${element.localName} of ${text.length} characters.`)
    return { text, root: element }
  })
}
