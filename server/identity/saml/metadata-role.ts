import { X509Certificate } from 'node:crypto'
import { BINDING, NS } from './names.ts'
import { attributeOf, childrenOf, textOf } from './nodes.ts'
import type { AssertionConsumer, Endpoint, IdpDescription, SpDescription } from './provider.ts'
import { refuse } from './result.ts'

/** What the role descriptors of an entity say (metadata 2.4). */

const CURVES: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1']
const CERTIFICATES_MAX = 20
const ENDPOINTS_MAX = 100
const LOCATION_CHARS_MAX = 2_048
const CERTIFICATE_CHARS_MAX = 16_384

function certificateOf(text: string): X509Certificate {
  const base64 = text.replace(/[ \t\r\n]+/g, '')
  if (base64.length > CERTIFICATE_CHARS_MAX) refuse('metadata', 'A certificate is too long.')
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) refuse('not-base64', 'A certificate is not base64.')
  try {
    return new X509Certificate(bytes)
  } catch {
    return refuse('metadata', 'A certificate cannot be read.')
  }
}

/** Whether signatures by the key can be checked, or something encrypted to it. Refuses an RSA key of fewer bits. */
function isUsable({ subject, publicKey }: X509Certificate, rsaBits: number): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = publicKey
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {}
  if (asymmetricKeyType !== 'rsa') return asymmetricKeyType === 'ec' && CURVES.includes(namedCurve)
  if (modulusLength < rsaBits) {
    const whose = subject.replaceAll('\n', ', ').slice(0, 200) || 'nobody'
    refuse('weak-key', `The RSA key of ${whose} has ${modulusLength} bits, fewer than ${rsaBits} (WEFT_RSA_BITS).`)
  }
  return true
}

/**
 * Certificates for one use, PEM, each once, in order. A key without use is for both (2.4.1.1). Of an X509Data the first
 * counts: others are those of its issuers, who sign no messages.
 */
function certificatesOf(role: Element, use: 'signing' | 'encryption', rsaBits: number): string[] {
  const keys = childrenOf(role, NS.metadata, 'KeyDescriptor').filter((key) => {
    const said = attributeOf(key, 'use')
    if (said !== undefined && said !== 'signing' && said !== 'encryption')
      refuse('schema', `A key is for ${said.slice(0, 40)}.`)
    return said === undefined || said === use
  })
  const data = keys
    .flatMap((key) => childrenOf(key, NS.signature, 'KeyInfo'))
    .flatMap((info) => childrenOf(info, NS.signature, 'X509Data'))
  if (data.length > CERTIFICATES_MAX) refuse('count', `There are more than ${CERTIFICATES_MAX} certificates.`)
  const found = data
    .flatMap((one) => childrenOf(one, NS.signature, 'X509Certificate').slice(0, 1))
    .map((one) => certificateOf(textOf(one)))
    .filter((certificate) => isUsable(certificate, rsaBits))
  return [...new Set(found.map(String))]
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** An address that messages are sent to: https, or http to this very machine. */
function locationOf(node: Element, name: string): string {
  const text = attributeOf(node, name) ?? ''
  const url = URL.canParse(text)
    ? new URL(text)
    : refuse('endpoint', `${node.localName} has no address as its ${name}.`)
  const shown = JSON.stringify(text.slice(0, 120))
  if (text.length > LOCATION_CHARS_MAX || /[^\x21-\x7e]/.test(text))
    refuse('endpoint', `${shown} is no proper address.`)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname)))
    refuse('endpoint', `${shown} is not https.`)
  if (url.username !== '' || url.password !== '' || text.includes('#'))
    refuse('endpoint', `${shown} holds a name, password or fragment.`)
  return text
}

function elementsNamed(role: Element, name: string): Element[] {
  const found = childrenOf(role, NS.metadata, name)
  if (found.length > ENDPOINTS_MAX) refuse('count', `There are more than ${ENDPOINTS_MAX} of ${name}.`)
  return found
}

const bindingOf = (node: Element): string =>
  attributeOf(node, 'Binding') || refuse('schema', `A ${node.localName} has no binding.`)

const KNOWN: readonly string[] = Object.values(BINDING)

/** Endpoints of bindings that are known here; the addresses of others matter as little as they do. */
const endpointsOf = (role: Element, name: string): Endpoint[] =>
  elementsNamed(role, name)
    .filter((node) => KNOWN.includes(bindingOf(node)))
    .map((node) => ({
      binding: bindingOf(node),
      location: locationOf(node, 'Location'),
      ...(attributeOf(node, 'ResponseLocation') === undefined
        ? {}
        : { responseLocation: locationOf(node, 'ResponseLocation') }),
    }))

const formatsOf = (role: Element): string[] =>
  elementsNamed(role, 'NameIDFormat').map((node) => textOf(node).trim().slice(0, LOCATION_CHARS_MAX))

function isTrue(node: Element, name: string): boolean {
  const text = attributeOf(node, name) ?? 'false'
  if (!/^(true|false|0|1)$/.test(text)) refuse('schema', `${name} is neither true nor false.`)
  return text === 'true' || text === '1'
}

type Entity = { readonly entityId: string; readonly validUntil_ms?: number }

/** What an IDPSSODescriptor says. Refuses one without key (`no-key`) or without a way in (`endpoint`). */
export function idpOf(role: Element, entity: Entity, rsaBits: number): IdpDescription {
  const signingCertificates = certificatesOf(role, 'signing', rsaBits)
  if (signingCertificates.length === 0)
    refuse('no-key', `${entity.entityId} has no key that its messages are signed by.`)
  const singleSignOn = endpointsOf(role, 'SingleSignOnService')
  if (!singleSignOn.some(({ binding }) => binding !== BINDING.soap))
    refuse('endpoint', `${entity.entityId} has no sign-on address by redirect or POST.`)
  return {
    ...entity,
    signingCertificates,
    singleSignOn,
    singleLogout: endpointsOf(role, 'SingleLogoutService'),
    wantAuthnRequestsSigned: isTrue(role, 'WantAuthnRequestsSigned'),
    nameIdFormats: formatsOf(role),
  }
}

function consumersOf(role: Element): AssertionConsumer[] {
  const consumers = elementsNamed(role, 'AssertionConsumerService')
    .filter((node) => KNOWN.includes(bindingOf(node)))
    .map((node) => {
      const index = attributeOf(node, 'index') ?? ''
      if (!/^\d{1,5}$/.test(index)) refuse('schema', 'An AssertionConsumerService has no index.')
      return {
        binding: bindingOf(node),
        location: locationOf(node, 'Location'),
        index: Number(index),
        isDefault: isTrue(node, 'isDefault'),
      }
    })
  const indexes = new Set(consumers.map(({ index }) => index))
  if (indexes.size < consumers.length) refuse('schema', 'Two AssertionConsumerServices have one index.')
  return consumers
}

/**
 * What an SPSSODescriptor says. A provider that signs nothing needs no key; one that signs its requests or takes part in
 * logout does (`no-key`).
 */
export function spOf(role: Element, entity: Entity, rsaBits: number): SpDescription {
  const signingCertificates = certificatesOf(role, 'signing', rsaBits)
  const singleLogout = endpointsOf(role, 'SingleLogoutService')
  const authnRequestsSigned = isTrue(role, 'AuthnRequestsSigned')
  if (signingCertificates.length === 0 && (authnRequestsSigned || singleLogout.length > 0))
    refuse('no-key', `${entity.entityId} has no key that its messages are signed by.`)
  const assertionConsumers = consumersOf(role)
  if (!assertionConsumers.some(({ binding }) => binding === BINDING.post))
    refuse('endpoint', `${entity.entityId} has no address for responses by POST.`)
  return {
    ...entity,
    signingCertificates,
    encryptionCertificates: certificatesOf(role, 'encryption', rsaBits),
    assertionConsumers,
    singleLogout,
    authnRequestsSigned,
    wantAssertionsSigned: isTrue(role, 'WantAssertionsSigned'),
    nameIdFormats: formatsOf(role),
  }
}
