import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { brokenRules } from '#server/kernel/refusal.ts'
import { RSA_BITS_FLOOR } from '../saml/key-strength.ts'
import { parseMetadata } from '../saml/metadata.ts'
import type { IdpDescription } from '../saml/provider.ts'
import type { SamlReason } from '../saml/result.ts'
import { FetchRefused } from './fetch-metadata.ts'
import type { ProviderRecord } from './ports.ts'

/** Metadata that was read, with what follows from it for a provider. */
export interface ReadMetadata {
  readonly xml: string
  readonly description: IdpDescription
  readonly validUntil: Date | null
}

const MENDS: Partial<Record<SamlReason, string>> = {
  'no-key': 'Ask for metadata with a signing certificate.',
  'entity-count': 'Give the metadata of that one provider alone.',
  endpoint: 'Its addresses must be https.',
  expired: 'Ask for metadata that are valid now.',
  'not-xml': 'Save the metadata as the provider serves them.',
}

/** How metadata are read: as of when, and of how many bits RSA keys must be. */
export interface Reading {
  readonly now_ms: number
  readonly rsaBits: number
}

/** What to do about a key that is too short, of a provider or a console. */
export const keyMend = (rsaBits: number): string =>
  `Ask for an RSA key of at least ${rsaBits} bits, or one of an elliptic curve (P-256 or more). Where there is none to be had, a lower WEFT_RSA_BITS takes shorter keys of everybody.`

const refusal = (pointer: string, rule: string, message: string, mend: string) =>
  brokenRules([{ pointer, rule, message, mend }])

/** Reads a provider's metadata. Throws `Refusal` (`rule`, at `/metadata`) with what is wrong. */
export function readMetadata(xml: string, { now_ms, rsaBits }: Reading): ReadMetadata {
  const parsed = parseMetadata(xml, now_ms, { role: 'idp', rsaBits })
  if (!parsed.ok)
    throw refusal(
      ...(['/metadata', `metadata.${parsed.reason}`, parsed.detail] as const),
      (parsed.reason === 'weak-key' ? keyMend(rsaBits) : MENDS[parsed.reason]) ??
        'Get the metadata from the provider again.',
    )
  const { idp, validUntil_ms } = parsed.value
  if (!idp)
    throw refusal(
      ...(['/metadata', 'metadata.role', 'The metadata describe no identity provider.'] as const),
      'Give the metadata of the identity provider, not of a service.',
    )
  const end_ms = Math.min(validUntil_ms ?? Number.POSITIVE_INFINITY, idp.validUntil_ms ?? Number.POSITIVE_INFINITY)
  return { xml, description: idp, validUntil: Number.isFinite(end_ms) ? new Date(end_ms) : null }
}

/** Fetches and reads metadata. Throws `Refusal` at `/metadataUrl` when there are none to be had. */
export async function fetchedMetadata(
  url: string,
  ask: (url: string) => Promise<string>,
  reading: Reading,
): Promise<ReadMetadata> {
  const xml = await ask(url).catch((error: unknown) => {
    if (!(error instanceof FetchRefused)) throw error
    throw refusal(
      ...(['/metadataUrl', 'metadata.fetch', `The metadata could not be fetched. ${error.message}`] as const),
      error.mend ?? 'Check the address, or give the metadata themselves.',
    )
  })
  return readMetadata(xml, reading)
}

const kindOf = ({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string =>
  type === 'rsa' ? `RSA, ${details?.modulusLength} bits` : (details?.namedCurve ?? type ?? '')

/** A certificate as people compare it. */
export function certificateView(pem: string) {
  const { subject, fingerprint256, validToDate, publicKey } = new X509Certificate(pem)
  const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase()
  return { subject, fingerprint, notAfter: validToDate.toISOString(), key: kindOf(publicKey) }
}

const keyOf = (pem: string) =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')

/** Keys whose signatures would count that do not count now. Fewer keys need nobody's leave. */
export function newKeys(held: IdpDescription, next: IdpDescription): string[] {
  const known = new Set(held.signingCertificates.map(keyOf))
  return next.signingCertificates.filter((pem) => !known.has(keyOf(pem)))
}

/** What is to be written of a provider whose metadata came anew. */
export type Renewal =
  | { readonly kind: 'in-force'; readonly metadata: ReadMetadata }
  /** With keys that do not count yet: a person must say so. */
  | { readonly kind: 'pending'; readonly metadata: ReadMetadata; readonly keys: readonly string[] }

/** Compares new metadata with those in force. Throws `Refusal` when they are of another provider. */
export function weighRenewal(provider: ProviderRecord, next: ReadMetadata): Renewal {
  const { issuer, metadata } = provider
  if (next.description.entityId !== issuer)
    throw refusal(
      ...([
        '/metadata',
        'metadata.entity',
        `The metadata are of ${next.description.entityId}, not of ${issuer}.`,
      ] as const),
      'Add that one as another provider.',
    )
  // What has expired is read as of when it had not: its keys are still the ones that people agreed to, however short.
  const held = metadata === null ? undefined : parseMetadata(metadata, 0, { role: 'idp', rsaBits: RSA_BITS_FLOOR })
  const keys =
    held?.ok && held.value.idp ? newKeys(held.value.idp, next.description) : next.description.signingCertificates
  return keys.length === 0 ? { kind: 'in-force', metadata: next } : { kind: 'pending', metadata: next, keys }
}
