import { checkAssertion, checkInResponseTo, checkIssuer, checkMade, encryptedIdOf } from './assertion.ts'
import { decryptAssertion } from './decrypt.ts'
import { NS, STATUS } from './names.ts'
import { attributeOf, childOf, childrenOf, textOf } from './nodes.ts'
import type { Identity, IdpDescription, OwnSp, SamlDecrypter } from './provider.ts'
import { type Checked, checking, checkingLater, refuse, type Trail } from './result.ts'
import { verifySignature } from './signature.ts'
import { assertionOf, checkOnlyAssertion, checkSignaturePlaces } from './structure.ts'
import { parseStrict, type StrictXml } from './xml.ts'

/** What is known when a response comes in. */
export interface ResponseInput {
  readonly provider: IdpDescription
  readonly own: OwnSp
  /** The request that it must answer; undefined: it must answer none. */
  readonly requestId: string | undefined
  readonly allowUnsolicited: boolean
  readonly now_ms: number
  readonly skew_ms: number
  readonly decrypter: SamlDecrypter
  readonly requireEncrypted?: boolean
  /** Ways of authentication that were asked for, where they were: one of them is wanted. */
  readonly requestedAuthnContexts?: readonly string[]
}

const MESSAGES = ['Response', 'LogoutRequest', 'LogoutResponse', 'AuthnRequest'] as const

/** Whom a message says that it is from: only to find the provider, whose keys must then prove it. */
export function issuerOf(xml: string): Checked<string> {
  return checking((trail) => {
    const { root } = trail.take(parseStrict(xml, { namespace: NS.protocol, name: MESSAGES }))
    const issuer = childOf(root, NS.assertion, 'Issuer')
    return issuer === undefined ? refuse('issuer', `The ${root.localName} has no issuer.`) : textOf(issuer).trim()
  })
}

/** Which request a message says that it answers: only to find the request, against which it is then checked. */
export function inResponseToOf(xml: string): string | undefined {
  const parsed = parseStrict(xml, { namespace: NS.protocol, name: MESSAGES })
  return parsed.ok ? attributeOf(parsed.value.root, 'InResponseTo') : undefined
}

const showStatus = (code: Element | undefined): string => (code && attributeOf(code, 'Value')?.slice(0, 120)) ?? 'none'

/** A response that reports failure brings nobody in, whatever else it holds. */
function checkStatus(response: Element): void {
  const status = childOf(response, NS.protocol, 'Status')
  const code = status && childOf(status, NS.protocol, 'StatusCode')
  if (code && attributeOf(code, 'Value') === STATUS.success) return
  const inner = code && childOf(code, NS.protocol, 'StatusCode')
  refuse('status', `The provider reports ${showStatus(code)}${inner ? ` (${showStatus(inner)})` : ''}.`)
}

function checkDestination(response: Element, { own }: ResponseInput, signed: boolean, trail: Trail): void {
  const destination = attributeOf(response, 'Destination')
  // A message that is not signed need not have one (bindings 3.5.5.2); the recipient is checked all the same.
  if (destination === undefined && !signed) return
  if (destination !== own.acsUrl) {
    const words = destination === undefined ? 'does not say where to' : `was sent to ${destination.slice(0, 120)}`
    refuse('destination', `The response ${words}; it should have been sent to ${own.acsUrl}.`)
  }
  trail.pass('destination', `The response was sent to ${own.acsUrl}.`)
}

/** What the response says of itself, from its signed bytes where it is signed. */
function checkEnvelope(response: Element, input: ResponseInput, signed: boolean, trail: Trail): void {
  checkMade(response, input)
  checkDestination(response, input, signed, trail)
  if (input.requestId === undefined && !input.allowUnsolicited && attributeOf(response, 'InResponseTo') === undefined)
    refuse('unsolicited', 'The response answers no request, and this provider may not send such.')
  checkInResponseTo(response, input.requestId)
  trail.pass(
    'in-response-to',
    input.requestId === undefined ? 'It answers no request, which is allowed.' : 'It answers our request.',
  )
}

const isSigned = (element: Element): boolean => childrenOf(element, NS.signature, 'Signature').length > 0

interface Trusted {
  readonly assertion: Element
  readonly encrypted: boolean
  readonly signed: readonly ('response' | 'assertion')[]
}

const signers = (response: boolean, assertion: boolean): Trusted['signed'] => [
  ...(response ? (['response'] as const) : []),
  ...(assertion ? (['assertion'] as const) : []),
]

/** The plain assertion, read from bytes that a signature covers: its own, else those of the response. */
function plainAssertion(
  document: StrictXml,
  signedResponse: StrictXml | undefined,
  input: ResponseInput,
  trail: Trail,
): Trusted {
  if (input.requireEncrypted === true) refuse('unencrypted', 'The assertion is not encrypted, which it must be here.')
  const found = assertionOf(document.root)
  const own = isSigned(found)
  const signed = signers(signedResponse !== undefined, own)
  if (own) {
    const { root } = trail.take(verifySignature(document, found, input.provider.signingCertificates))
    return { assertion: root, encrypted: false, signed }
  }
  if (signedResponse === undefined) return refuse('unsigned', 'Neither the response nor the assertion is signed.')
  return { assertion: assertionOf(signedResponse.root), encrypted: false, signed }
}

/** The encrypted assertion, from the signed bytes of the response where there are such; its own signature stands alone. */
async function openedAssertion(
  source: StrictXml,
  responseSigned: boolean,
  input: ResponseInput,
  trail: Trail,
): Promise<Trusted> {
  const keys = await input.decrypter.privateKeys()
  const { assertion, authenticated } = trail.take(decryptAssertion(assertionOf(source.root), keys, responseSigned))
  checkOnlyAssertion(assertion.root, assertion.root)
  checkSignaturePlaces(assertion.root, [assertion.root])
  const own = isSigned(assertion.root)
  const signed = signers(responseSigned, own)
  if (own) {
    const { root } = trail.take(verifySignature(assertion, assertion.root, input.provider.signingCertificates))
    return { assertion: root, encrypted: true, signed }
  }
  if (!responseSigned || !authenticated)
    refuse('unsigned', 'The encrypted assertion is not signed, and no signed response with AES-GCM vouches for it.')
  return { assertion: assertion.root, encrypted: true, signed }
}

/**
 * Checks a response of the web browser SSO profile (profiles 4.1.4) in full and answers whom it brings. The identity
 * is read from nothing but bytes that a key of the provider signed. Remembering what was used is left to the caller:
 * `assertionId` must be refused until `notOnOrAfter_ms` plus skew.
 */
export function checkResponse(xml: string, input: ResponseInput): Promise<Checked<Identity>> {
  return checkingLater(async (trail) => {
    const { provider } = input
    const document = trail.take(parseStrict(xml, { namespace: NS.protocol, name: 'Response' }))
    checkStatus(document.root)
    trail.pass('status', 'The provider reports success.')
    const found = assertionOf(document.root)
    const encrypted = found.localName === 'EncryptedAssertion'
    checkSignaturePlaces(document.root, encrypted ? [document.root] : [document.root, found])
    trail.pass('structure', 'One assertion and its signatures are where they belong.')
    checkIssuer(document.root, provider.entityId)
    trail.pass('issuer', `The response was issued by ${provider.entityId}.`)
    const signedResponse = isSigned(document.root)
      ? trail.take(verifySignature(document, document.root, provider.signingCertificates))
      : undefined
    checkEnvelope((signedResponse ?? document).root, input, signedResponse !== undefined, trail)
    const { assertion, ...how } = encrypted
      ? await openedAssertion(signedResponse ?? document, signedResponse !== undefined, input, trail)
      : plainAssertion(document, signedResponse, input, trail)
    const privateKeys = encryptedIdOf(assertion) === undefined ? [] : await input.decrypter.privateKeys()
    const said = trail.take(
      checkAssertion(assertion, {
        issuer: provider.entityId,
        audience: input.own.entityId,
        recipient: input.own.acsUrl,
        requestId: input.requestId,
        now_ms: input.now_ms,
        skew_ms: input.skew_ms,
        privateKeys,
        ...(input.requestedAuthnContexts === undefined ? {} : { authnContexts: input.requestedAuthnContexts }),
      }),
    )
    return { ...said, ...how }
  })
}
