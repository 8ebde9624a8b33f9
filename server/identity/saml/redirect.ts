import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { RSA_BITS_FLOOR } from './key-strength.ts'
import type { SamlSigner } from './provider.ts'
import { type Checked, checking, refuse } from './result.ts'

/** The HTTP-Redirect binding with DEFLATE encoding (bindings 3.4). */

export interface RedirectLimits {
  /** Of the query as it came, in bytes. */
  readonly query_max: number
  /** Of the message's base64, in characters. */
  readonly base64_max: number
  /** Of the message once inflated, in bytes. Inflating stops there. */
  readonly inflated_max: number
  readonly relayState_max: number
}
export const REDIRECT_LIMITS: RedirectLimits = {
  query_max: 65_536,
  base64_max: 49_152,
  inflated_max: 262_144,
  relayState_max: 2_048,
}

export interface RedirectMessage {
  readonly kind: 'request' | 'response'
  readonly xml: string
  readonly relayState?: string
  /** That it is said to be signed; whether that holds is for `verifyRedirect` to say. */
  readonly signed?: { readonly algorithm: string }
}

const DEFLATE = 'urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE'
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'
const RSA_SHA256 = `${MORE}rsa-sha256`

interface Algorithm {
  readonly key: 'rsa' | 'ec'
  readonly hash: 'sha256' | 'sha384' | 'sha512'
}
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map(
  (['rsa', 'ecdsa'] as const).flatMap((name) =>
    (['sha256', 'sha384', 'sha512'] as const).map(
      (hash) => [`${MORE}${name}-${hash}`, { key: name === 'rsa' ? 'rsa' : 'ec', hash }] as const,
    ),
  ),
)

const MESSAGE = ['SAMLRequest', 'SAMLResponse'] as const
/** What counts, in the order in which it is signed (3.4.4.1) and must come; others are neither signed nor read. */
const ORDER: readonly string[] = [...MESSAGE, 'RelayState', 'SigAlg', 'Signature']
const KNOWN: readonly string[] = [...ORDER, 'SAMLEncoding']

/** What a value of a query says (`application/x-www-form-urlencoded`, UTF-8). */
function decoded(raw: string): string {
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '))
  } catch {
    return refuse('query-encoding', 'The query is not encoded properly.')
  }
}

/** The bytes of a base64 in its one canonical form. */
function base64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  // The decoder skips what it does not know; encoding again shows it.
  return text !== '' && bytes.toString('base64') === text ? bytes : refuse('not-base64', 'This is not base64.')
}

type Parameters = ReadonlyMap<string, string>

/** Raw values of the parameters that count, by name, in the order in which they came. */
function rawParametersOf(query: string): Parameters {
  const found = new Map<string, string>()
  for (const part of query.split('&')) {
    const at = part.indexOf('=')
    const rawName = at < 0 ? part : part.slice(0, at)
    const name = decoded(rawName)
    if (!KNOWN.includes(name)) continue
    // Another reader might take it for the name, or not.
    if (name !== rawName) refuse('query-encoding', `The name of ${name} is written in another way.`)
    if (found.has(name)) refuse('duplicate-parameter', `${name} is there twice.`)
    found.set(name, at < 0 ? '' : part.slice(at + 1))
  }
  return found
}

function parametersOf(rawQuery: string, limits: RedirectLimits): Parameters {
  const query = rawQuery.startsWith('?') ? rawQuery.slice(1) : rawQuery
  if (query.length > limits.query_max) refuse('too-large', `The query has more than ${limits.query_max} bytes.`)
  if (!/^[\x21-\x7e]*$/.test(query)) refuse('query-encoding', 'The query holds characters that are not encoded.')
  const found = rawParametersOf(query)
  const came = [...found.keys()].filter((name) => name !== 'SAMLEncoding')
  const signed = came.toSorted((one, other) => ORDER.indexOf(one) - ORDER.indexOf(other))
  if (came.some((name, index) => name !== signed[index]))
    refuse('query-order', `The parameters come as ${came.join(', ')}, not as ${signed.join(', ')}.`)
  if (MESSAGE.filter((name) => found.has(name)).length !== 1)
    refuse('binding', 'There must be one of SAMLRequest and SAMLResponse.')
  return found
}

function inflated(bytes: Buffer, limit: number): Buffer {
  try {
    // The types know nothing of what `info` makes of the answer.
    const answer: unknown = inflateRawSync(bytes, { maxOutputLength: limit, info: true })
    const { buffer, engine } = answer as { buffer: Buffer; engine: { bytesWritten: number } }
    return engine.bytesWritten === bytes.length
      ? buffer
      : refuse('inflate', 'Something follows the compressed message.')
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ERR_BUFFER_TOO_LARGE') refuse('inflate-limit', `The message inflates to more than ${limit} bytes.`)
    if (code?.startsWith('Z_')) refuse('inflate', 'The message cannot be inflated.')
    throw error
  }
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refuse('not-xml', 'The message is not UTF-8.')
  }
}

function messageOf(found: Parameters, limits: RedirectLimits): string {
  const encoding = found.get('SAMLEncoding')
  if (encoding !== undefined && decoded(encoding) !== DEFLATE)
    refuse('binding', 'The message is encoded in a way other than DEFLATE.')
  const text = decoded(found.get('SAMLRequest') ?? found.get('SAMLResponse') ?? '')
  if (text.length > limits.base64_max) refuse('too-large', `The message has more than ${limits.base64_max} characters.`)
  return utf8(inflated(base64(text), limits.inflated_max))
}

function relayStateOf(found: Parameters, limits: RedirectLimits): string | undefined {
  const raw = found.get('RelayState')
  if (raw === undefined) return undefined
  const relayState = decoded(raw)
  if (Buffer.byteLength(relayState) > limits.relayState_max)
    refuse('relay-state', `RelayState has more than ${limits.relayState_max} bytes.`)
  return relayState
}

/**
 * Reads a message from a query as it came, percent encodings and all. Every size is bounded before it is used.
 * Says nothing of its signature: see {@link verifyRedirect}.
 */
export function readRedirect(rawQuery: string, limits: RedirectLimits = REDIRECT_LIMITS): Checked<RedirectMessage> {
  return checking(() => {
    const found = parametersOf(rawQuery, limits)
    const relayState = relayStateOf(found, limits)
    const signed = found.has('Signature') || found.has('SigAlg')
    return {
      kind: found.has('SAMLRequest') ? 'request' : 'response',
      xml: messageOf(found, limits),
      ...(relayState === undefined ? {} : { relayState }),
      ...(signed ? { signed: { algorithm: decoded(found.get('SigAlg') ?? '') } } : {}),
    }
  })
}

const COORDINATE_BYTES: Readonly<Record<string, number>> = { prime256v1: 32, secp384r1: 48, secp521r1: 66 }

/** The keys of certificates that may be used with the algorithm. */
function keysFor(certificates: readonly string[], algorithm: Algorithm): KeyObject[] {
  return certificates.flatMap((certificate) => {
    try {
      const key = createPublicKey(certificate)
      const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
      const fits = key.asymmetricKeyType === 'rsa' ? modulusLength >= RSA_BITS_FLOOR : namedCurve in COORDINATE_BYTES
      return key.asymmetricKeyType === algorithm.key && fits ? [key] : []
    } catch {
      return []
    }
  })
}

function holds(key: KeyObject, { hash }: Algorithm, octets: Buffer, signature: Buffer): boolean {
  const coordinate = COORDINATE_BYTES[key.asymmetricKeyDetails?.namedCurve ?? '']
  // The binding does not say how an ECDSA signature is written; both ways are met, and a length tells them apart.
  const dsaEncoding = signature.length === 2 * (coordinate ?? Number.NaN) ? 'ieee-p1363' : 'der'
  try {
    return verify(hash, octets, { key, dsaEncoding }, signature)
  } catch {
    return false
  }
}

/**
 * Verifies the signature over the octets of the query as they came (3.4.4.1), with RSA or ECDSA and SHA-256 or better, by
 * the keys of the sender's stored certificates alone.
 */
export function verifyRedirect(
  rawQuery: string,
  certificates: readonly string[],
  limits: RedirectLimits = REDIRECT_LIMITS,
): Checked<void> {
  return checking((trail) => {
    const found = parametersOf(rawQuery, limits)
    if (certificates.length === 0) refuse('no-key', 'There is no signing certificate of the sender.')
    const [uri, text] = [decoded(found.get('SigAlg') ?? ''), decoded(found.get('Signature') ?? '')]
    if (uri === '' || text === '') refuse('unsigned', 'The query is not signed.')
    const algorithm =
      ALGORITHMS.get(uri) ?? refuse('signature-algorithm', `The query is signed by ${uri.slice(0, 100)}.`)
    const signature = base64(text)
    const signed = [...found].filter(([name]) => name !== 'Signature' && name !== 'SAMLEncoding')
    const octets = Buffer.from(signed.map(([name, raw]) => `${name}=${raw}`).join('&'))
    const keys = keysFor(certificates, algorithm)
    if (keys.length === 0) refuse('signature-key', 'No certificate of the sender fits the algorithm.')
    if (!keys.some((key) => holds(key, algorithm, octets, signature)))
      refuse('signature-invalid', 'The signature of the query does not hold.')
    trail.pass('signature', `The query is signed by a key of the sender's metadata (${uri}).`)
  })
}

/**
 * The address that carries a message, signed, to an endpoint, which may have a query of its own.
 * RelayState is sent when it is given, even empty.
 */
export async function signRedirect(
  url: string,
  message: { readonly SAMLRequest: string } | { readonly SAMLResponse: string },
  relayState: string | undefined,
  signer: SamlSigner,
): Promise<string> {
  const [name, xml] = Object.entries(message)[0] as [string, string]
  const signed = [
    [name, deflateRawSync(Buffer.from(xml)).toString('base64')] as const,
    ...(relayState === undefined ? [] : [['RelayState', relayState] as const]),
    ['SigAlg', RSA_SHA256] as const,
  ]
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join('&')
  const signature = await signer.sign(Buffer.from(signed))
  const joint = url.includes('?') ? '&' : '?'
  return `${url}${joint}${signed}&Signature=${encodeURIComponent(signature.toString('base64'))}`
}
