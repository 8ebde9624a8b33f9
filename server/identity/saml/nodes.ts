import { refuse } from './result.ts'

const ELEMENT = 1
const TEXT = 3

const isElement = (node: Node): node is Element => node.nodeType === ELEMENT

/** Child elements, in order. */
export function elementsOf(parent: Element): Element[] {
  const found: Element[] = []
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) if (isElement(node)) found.push(node)
  return found
}

/** The element itself and all below it, in document order. */
export function* allElements(root: Element): Generator<Element> {
  yield root
  for (const child of elementsOf(root)) yield* allElements(child)
}

export const isNamed = (element: Element, namespace: string, name: string): boolean =>
  element.namespaceURI === namespace && element.localName === name

/** Child elements of one name. */
export const childrenOf = (parent: Element, namespace: string, name: string): Element[] =>
  elementsOf(parent).filter((child) => isNamed(child, namespace, name))

/** The child of that name, if there is one. Refuses (`schema`) where there are several. */
export function childOf(parent: Element, namespace: string, name: string): Element | undefined {
  const [child, second] = childrenOf(parent, namespace, name)
  if (second !== undefined) refuse('schema', `${parent.localName} has more than one ${name}.`)
  return child
}

/** Text of an element that has nothing but text. Refuses (`schema`) elements inside. */
export function textOf(element: Element): string {
  let text = ''
  for (let node = element.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType !== TEXT) refuse('schema', `${element.localName} holds more than text.`)
    text += node.nodeValue ?? ''
  }
  return text
}

/** An attribute without namespace, if it is there. */
export const attributeOf = (element: Element, name: string): string | undefined =>
  element.hasAttributeNS(null, name) ? (element.getAttributeNS(null, name) ?? undefined) : undefined

const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/

/** An xs:dateTime in UTC, as SAML has it (core 1.3.3), in milliseconds; undefined for anything else. */
export function timeOf(text: string): number | undefined {
  const [, seconds, fraction = ''] = DATE_TIME.exec(text) ?? []
  if (seconds === undefined) return undefined
  const time = Date.parse(`${seconds}Z`)
  // Date.parse lets 30 February through as 2 March.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 19) !== seconds) return undefined
  return time + Math.floor(Number(`0.${fraction || '0'}`) * 1000)
}

/** The time in an attribute, if it is there. Refuses (`schema`) what is no time in UTC. */
export function timeAttributeOf(element: Element, name: string): number | undefined {
  const text = attributeOf(element, name)
  if (text === undefined) return undefined
  return timeOf(text) ?? refuse('schema', `${name} of ${element.localName} is no time in UTC: ${text.slice(0, 40)}`)
}
