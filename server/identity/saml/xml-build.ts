/** A piece of XML to be written. A string is text; `xml` is a finished element of our own making (signed or encrypted), written as it is. */
export type XmlNode = XmlElement | string | { readonly xml: string } | undefined

export interface XmlElement {
  readonly name: string
  readonly attributes: Attributes
  readonly children: readonly XmlNode[]
}

/** Attributes that are undefined are left out. */
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** An element; children that are undefined are left out. */
export const element = (name: string, attributes: Attributes = {}, ...children: XmlNode[]): XmlElement => ({
  name,
  attributes,
  children,
})

/** What XML 1.0 cannot hold, not even as a character reference (2.2), with halves of surrogate pairs. */
const UNSPEAKABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}
const escaped = (text: string, what: RegExp) =>
  text.replace(UNSPEAKABLE, '\ufffd').replace(what, (character) => ENTITIES[character] as string)

/** A reader turns a bare carriage return of a text into a line feed, and white space of an attribute into spaces: both are written as references. */
const escapeText = (text: string) => escaped(text, /[&<>\r]/g)
const escapeAttribute = (text: string) => escaped(text, /[&<>"'\t\n\r]/g)

/** The XML of an element, without declaration, with everything escaped. */
export function writeXml(node: XmlNode): string {
  if (node === undefined) return ''
  if (typeof node === 'string') return escapeText(node)
  if ('xml' in node) return node.xml
  const attributes = Object.entries(node.attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escapeAttribute(String(value))}"`)
    .join('')
  const content = node.children.map(writeXml).join('')
  return content === '' ? `<${node.name}${attributes}/>` : `<${node.name}${attributes}>${content}</${node.name}>`
}

/** A time as SAML writes it (core 1.3.3): UTC, whole milliseconds. */
export const writeTime = (time_ms: number): string => new Date(time_ms).toISOString()
