import { createHash, X509Certificate } from 'node:crypto'
import { brokenRules } from '#server/kernel/refusal.ts'
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
  'weak-key': 'Ask the provider for a key of at least 2,048 bits.',
  'entity-count': 'Give the metadata of that one provider alone.',
  endpoint: 'Its addresses must be https.',
  expired: 'Ask for metadata that are valid now.',
  'not-xml': 'Save the metadata as the provider serves them.',
}

const refusal = (pointer: string, rule: string, message: string, mend: string) =>
  brokenRules([{ pointer, rule, message, mend }])

/** Reads a provider's metadata. Throws `Refusal` (`rule`, at `/metadata`) with what is wrong. */
export function readMetadata(xml: string, now_ms: number): ReadMetadata {
  const parsed = parseMetadata(xml, now_ms, { role: 'idp' })
  if (!parsed.ok)
    throw refusal(
      ...(['/metadata', `metadata.${parsed.reason}`, parsed.detail] as const),
      MENDS[parsed.reason] ?? 'Get the metadata from the provider again.',
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
  fetch: (url: string) => Promise<string>,
  now_ms: number,
): Promise<ReadMetadata> {
  const xml = await fetch(url).catch((error: unknown) => {
    if (!(error instanceof FetchRefused)) throw error
    throw refusal(
      ...(['/metadataUrl', 'metadata.fetch', `The metadata could not be fetched. ${error.message}`] as const),
      'Check the address, or give the metadata themselves.',
    )
  })
  return readMetadata(xml, now_ms)
}

/** A certificate as people compare it. */
export function certificateView(pem: string) {
  const { subject, fingerprint256, validToDate } = new X509Certificate(pem)
  return { subject, fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(), notAfter: validToDate.toISOString() }
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
  // What has expired is read as of when it had not: its keys are still the ones that people agreed to.
  const held = metadata === null ? undefined : parseMetadata(metadata, 0, { role: 'idp' })
  const keys =
    held?.ok && held.value.idp ? newKeys(held.value.idp, next.description) : next.description.signingCertificates
  return keys.length === 0 ? { kind: 'in-force', metadata: next } : { kind: 'pending', metadata: next, keys }
}
