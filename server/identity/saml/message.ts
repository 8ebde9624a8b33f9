import { randomBytes } from 'node:crypto'
import { checkIssuer, checkMade } from './assertion.ts'
import { NS } from './names.ts'
import { attributeOf, childrenOf, timeAttributeOf } from './nodes.ts'
import { readRedirect, verifyRedirect } from './redirect.ts'
import { type Checked, checking, refuse } from './result.ts'
import { verifySignature } from './signature.ts'
import { parseStrict } from './xml.ts'
import { element, writeTime, type XmlElement, type XmlNode } from './xml-build.ts'

/** What requests and responses of all protocols have in common (core 3.2). */

/** A new ID: 160 bits of chance, which may begin an xs:ID (core 1.3.4). */
export const newId = (): string => `_${randomBytes(20).toString('hex')}`

/** How a message came: what its signature is found in. */
export type Arrival =
  /** The query as it came, percent encodings and all. */
  | { readonly binding: 'redirect'; readonly rawQuery: string }
  | { readonly binding: 'post' }
  | { readonly binding: 'soap' }

/** Who must have sent a message. */
export interface Sender {
  readonly entityId: string
  /** PEM, of its stored metadata */
  readonly signingCertificates: readonly string[]
}

/** What a request or response must be. */
export interface MessageInput {
  readonly sender: Sender
  readonly arrival: Arrival
  /** Where it came in, as our metadata has it. */
  readonly destination: string
  readonly now_ms: number
  /** By how much clocks may differ. */
  readonly skew_ms?: number
}

export interface Message {
  readonly id: string
  readonly issueInstant_ms: number
  /** No longer accepted from then on: as long must its use be remembered. */
  readonly acceptedUntil_ms: number
}

const SKEW_MS = 60_000
/** How old a message may be, on top of the skew. */
const AGE_MAX_MS = 300_000
const ID = /^[A-Za-z_][\w.-]{0,255}$/

const isSigned = (root: Element): boolean => childrenOf(root, NS.signature, 'Signature').length > 0

function provenByQuery(
  xml: string,
  rawQuery: string,
  root: Element,
  certificates: readonly string[],
  lenient: boolean,
) {
  return checking((trail) => {
    const message = trail.take(readRedirect(rawQuery))
    const wanted = root.localName.endsWith('Request') ? 'request' : 'response'
    if (message.xml !== xml || message.kind !== wanted)
      refuse('binding', `The ${root.localName} is not what the query holds as its ${wanted}.`)
    if (isSigned(root)) refuse('signature-place', 'A message in a query has its signature there, and not in itself.')
    if (message.signed === undefined && lenient) return false
    trail.take(verifyRedirect(rawQuery, certificates))
    return true
  })
}

/**
 * The root of a message, of the bytes that its sender signed. `lenient`: it need not be signed; a signature that is there
 * must hold all the same.
 */
export function authenticRoot(
  xml: string,
  name: string,
  { arrival, sender }: MessageInput,
  lenient = false,
): Checked<{ readonly root: Element; readonly signed: boolean }> {
  return checking((trail) => {
    const document = trail.take(parseStrict(xml, { namespace: NS.protocol, name }))
    const { root } = document
    checkIssuer(root, sender.entityId)
    trail.pass('issuer', `The ${name} was issued by ${sender.entityId}.`)
    if (arrival.binding === 'redirect') {
      const signed = trail.take(provenByQuery(xml, arrival.rawQuery, root, sender.signingCertificates, lenient))
      return { root, signed }
    }
    if (!isSigned(root) && lenient) return { root, signed: false }
    const proven = trail.take(verifySignature(document, root, sender.signingCertificates)).root
    checkIssuer(proven, sender.entityId)
    return { root: proven, signed: true }
  })
}

function checkDestination(root: Element, { destination, arrival }: MessageInput, signed: boolean): void {
  const named = attributeOf(root, 'Destination')
  // What a browser carries signed must say where to (bindings 3.4.5.2, 3.5.5.2); SOAP asks for it only if it is there.
  if (named === undefined && (!signed || arrival.binding === 'soap')) return
  if (named !== destination)
    refuse(
      'destination',
      `The ${root.localName} was sent to ${JSON.stringify((named ?? 'nowhere').slice(0, 120))}, not to ${destination}.`,
    )
}

/** Version, time, destination and ID of a message. Its issuer has been looked at. */
export function messageOf(root: Element, input: MessageInput, signed: boolean): Checked<Message> {
  return checking((trail) => {
    const { now_ms, skew_ms = SKEW_MS } = input
    checkMade(root, { now_ms, skew_ms })
    const id = attributeOf(root, 'ID') ?? ''
    if (!ID.test(id)) refuse('schema', `The ${root.localName} has no usable ID.`)
    checkDestination(root, input, signed)
    trail.pass('destination', `The ${root.localName} was sent to ${input.destination}.`)
    const issueInstant_ms = timeAttributeOf(root, 'IssueInstant') ?? refuse('schema', 'There is no IssueInstant.')
    const acceptedUntil_ms = issueInstant_ms + AGE_MAX_MS + skew_ms
    if (now_ms >= acceptedUntil_ms)
      refuse('expired', `The ${root.localName} was made at ${writeTime(issueInstant_ms)}, which is too long ago.`)
    trail.pass('time', `The ${root.localName} was made at ${writeTime(issueInstant_ms)}.`)
    return { id, issueInstant_ms, acceptedUntil_ms }
  })
}

/** Refuses an end that has come, and answers it. */
export function endOf(node: Element, name: string, { now_ms, skew_ms = SKEW_MS }: MessageInput): number | undefined {
  const end_ms = timeAttributeOf(node, name)
  if (end_ms !== undefined && now_ms >= end_ms + skew_ms)
    refuse('expired', `The ${node.localName} was valid until ${writeTime(end_ms)}.`)
  return end_ms === undefined ? undefined : end_ms + skew_ms
}

/** Refuses what is not valid yet. */
export function checkBegun(node: Element, name: string, { now_ms, skew_ms = SKEW_MS }: MessageInput): void {
  const begin_ms = timeAttributeOf(node, name)
  if (begin_ms !== undefined && now_ms + skew_ms < begin_ms)
    refuse('not-yet-valid', `The ${node.localName} is valid from ${writeTime(begin_ms)}.`)
}

/** What a message that is built begins with. */
export interface Envelope {
  readonly id: string
  /** Our entity id. */
  readonly issuer: string
  readonly issueInstant_ms: number
  readonly destination?: string
}

/** A request or response of ours: what is common, then its own. */
export const protocolElement = (
  name: string,
  { id, issuer, issueInstant_ms, destination }: Envelope,
  attributes: XmlElement['attributes'],
  ...children: XmlNode[]
): XmlElement =>
  element(
    `samlp:${name}`,
    {
      'xmlns:samlp': NS.protocol,
      'xmlns:saml': NS.assertion,
      ID: id,
      Version: '2.0',
      IssueInstant: writeTime(issueInstant_ms),
      Destination: destination,
      ...attributes,
    },
    element('saml:Issuer', {}, issuer),
    ...children,
  )

/** A status: the outer code, an inner one, words for people who read logs. */
export const statusElement = (outer: string, inner?: string, words?: string): XmlElement =>
  element(
    'samlp:Status',
    {},
    element(
      'samlp:StatusCode',
      { Value: outer },
      inner === undefined ? undefined : element('samlp:StatusCode', { Value: inner }),
    ),
    words === undefined ? undefined : element('samlp:StatusMessage', {}, words),
  )
