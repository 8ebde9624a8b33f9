import { readNameId } from './assertion.ts'
import { decryptNameId } from './decrypt.ts'
import {
  authenticRoot,
  type Envelope,
  endOf,
  type Message,
  type MessageInput,
  messageOf,
  protocolElement,
  statusElement,
} from './message.ts'
import { NS, STATUS } from './names.ts'
import { attributeOf, childOf, childrenOf, textOf } from './nodes.ts'
import type { NameId, SamlDecrypter } from './provider.ts'
import { type Checked, checking, checkingLater, refuse, type Trail } from './result.ts'
import { element, writeTime, writeXml, type XmlElement } from './xml-build.ts'

/** Single logout (core 3.7, profiles 4.4): whichever side we are on, messages are the same. */

const SESSIONS_MAX = 100
const TEXT_CHARS_MAX = 1_024

export interface LogoutRequestParts extends Envelope {
  readonly destination: string
  /** Exactly as it was received or given. */
  readonly nameId: NameId
  /** None: all sessions of that name. */
  readonly sessionIndexes: readonly string[]
  readonly notOnOrAfter_ms: number
  /** A URI. */
  readonly reason?: string
}

/** A NameID with what makes it unique; attributes that would be empty or the default are left out. */
export const nameIdElement = ({ value, format, nameQualifier, spNameQualifier }: NameId): XmlElement =>
  element(
    'saml:NameID',
    { Format: format, NameQualifier: nameQualifier || undefined, SPNameQualifier: spNameQualifier || undefined },
    value,
  )

/** A logout request, not signed yet: `signRedirect` for a redirect, `signXml` and `wrapSoap` for SOAP. */
export const buildLogoutRequest = (parts: LogoutRequestParts): string =>
  writeXml(
    protocolElement(
      'LogoutRequest',
      parts,
      { NotOnOrAfter: writeTime(parts.notOnOrAfter_ms), Reason: parts.reason },
      nameIdElement(parts.nameId),
      ...parts.sessionIndexes.map((index) => element('samlp:SessionIndex', {}, index)),
    ),
  )

/**
 * How a logout went: everywhere; here but not everywhere; not at all since the request was wrong; not at all by a fault of
 * the one who answers.
 */
export type LogoutOutcome = 'success' | 'partial' | 'requester' | 'responder'

const OUTCOMES: Readonly<Record<LogoutOutcome, readonly [outer: string, inner?: string]>> = {
  success: [STATUS.success],
  partial: [STATUS.success, STATUS.partialLogout],
  requester: [STATUS.requester],
  responder: [STATUS.responder],
}

export interface LogoutResponseParts extends Envelope {
  readonly inResponseTo: string
  readonly outcome: LogoutOutcome
  readonly words?: string
}

/** A logout response, not signed yet, as the request. */
export function buildLogoutResponse(parts: LogoutResponseParts): string {
  const [outer, inner] = OUTCOMES[parts.outcome]
  const status = statusElement(outer, inner, parts.words)
  return writeXml(protocolElement('LogoutResponse', parts, { InResponseTo: parts.inResponseTo }, status))
}

export interface LogoutRequest extends Message {
  readonly issuer: string
  readonly nameId: NameId
  /** None: all sessions of that name. */
  readonly sessionIndexes: readonly string[]
  readonly reason?: string
  /** That the name came encrypted. */
  readonly encrypted: boolean
}

export interface LogoutRequestInput extends MessageInput {
  /** Without it an EncryptedID is refused. */
  readonly decrypter?: SamlDecrypter
}

async function subjectOf(root: Element, decrypter: SamlDecrypter | undefined, trail: Trail) {
  const plain = childOf(root, NS.assertion, 'NameID')
  const encrypted = childOf(root, NS.assertion, 'EncryptedID')
  if ((plain === undefined) === (encrypted === undefined) || childOf(root, NS.assertion, 'BaseID') !== undefined)
    return refuse('name-id', 'The request does not have one NameID.')
  if (plain !== undefined) return { nameId: readNameId(plain), encrypted: false }
  const keys = (await decrypter?.privateKeys()) ?? []
  return { nameId: readNameId(trail.take(decryptNameId(encrypted as Element, keys))), encrypted: true }
}

function sessionIndexesOf(root: Element): string[] {
  const indexes = childrenOf(root, NS.protocol, 'SessionIndex').map((one) => textOf(one).trim())
  if (indexes.length > SESSIONS_MAX) refuse('count', `More than ${SESSIONS_MAX} sessions are named.`)
  if (indexes.some((index) => index === '' || index.length > TEXT_CHARS_MAX))
    refuse('schema', 'A SessionIndex is empty or too long.')
  return indexes
}

/**
 * Checks a logout request. It must be signed, whichever way it came. `id` must be refused until `acceptedUntil_ms`; sessions
 * are found by (issuer, name with format and qualifiers, session indexes).
 */
export function checkLogoutRequest(xml: string, input: LogoutRequestInput): Promise<Checked<LogoutRequest>> {
  return checkingLater(async (trail) => {
    const { root, signed } = trail.take(authenticRoot(xml, 'LogoutRequest', input))
    const message = trail.take(messageOf(root, input, signed))
    const end_ms = endOf(root, 'NotOnOrAfter', input) ?? Number.POSITIVE_INFINITY
    const subject = await subjectOf(root, input.decrypter, trail)
    const sessionIndexes = sessionIndexesOf(root)
    const reason = attributeOf(root, 'Reason')?.slice(0, TEXT_CHARS_MAX)
    trail.pass('name-id', `It ends ${sessionIndexes.length || 'all'} sessions of one name.`)
    return {
      ...message,
      acceptedUntil_ms: Math.min(message.acceptedUntil_ms, end_ms),
      issuer: input.sender.entityId,
      ...subject,
      sessionIndexes,
      ...(reason === undefined ? {} : { reason }),
    }
  })
}

export interface LogoutResponse extends Message {
  readonly outcome: LogoutOutcome
  /** Codes from the outside in, and the words of the other side: for logs. */
  readonly status: readonly string[]
  readonly words: string
}

export interface LogoutResponseInput extends MessageInput {
  /** The request that it must answer. */
  readonly requestId: string
}

function statusOf(root: Element): Pick<LogoutResponse, 'outcome' | 'status' | 'words'> {
  const status = childOf(root, NS.protocol, 'Status')
  const outer = status && childOf(status, NS.protocol, 'StatusCode')
  if (status === undefined || outer === undefined) return refuse('status', 'The response has no status.')
  const inner = childOf(outer, NS.protocol, 'StatusCode')
  const codes = [outer, inner].flatMap((code) => (code && attributeOf(code, 'Value')?.slice(0, TEXT_CHARS_MAX)) ?? [])
  const message = childOf(status, NS.protocol, 'StatusMessage')
  const outcome = codes.includes(STATUS.partialLogout)
    ? 'partial'
    : codes[0] === STATUS.success
      ? 'success'
      : codes[0] === STATUS.requester
        ? 'requester'
        : 'responder'
  return { outcome, status: codes, words: message === undefined ? '' : textOf(message).slice(0, TEXT_CHARS_MAX) }
}

/** Checks a logout response. It must be signed, whichever way it came. That the logout failed is an answer, no refusal. */
export function checkLogoutResponse(xml: string, input: LogoutResponseInput): Checked<LogoutResponse> {
  return checking((trail) => {
    const { root, signed } = trail.take(authenticRoot(xml, 'LogoutResponse', input))
    const message = trail.take(messageOf(root, input, signed))
    const answered = attributeOf(root, 'InResponseTo')
    if (answered !== input.requestId)
      refuse('in-response-to', `The response answers ${JSON.stringify((answered ?? 'nothing').slice(0, 120))}.`)
    return { ...message, ...statusOf(root) }
  })
}
