import { parseMetadata } from '../saml/metadata.ts'
import type { IdpDescription } from '../saml/provider.ts'
import { type Checked, checking, refuse } from '../saml/result.ts'
import type { ProviderRecord } from './ports.ts'

/** What a provider's metadata in force says, if it is in force at that moment. */
export type Descriptions = (provider: ProviderRecord, now_ms: number) => Checked<IdpDescription>

const KEPT_MAX = 100

/** Reads metadata once for as long as it stays the same: a federation's is larger than all that a sign-in sends. */
export function providerDescriptions(rsaBits: number): Descriptions {
  const kept = new Map<string, { readonly metadata: string; readonly description: IdpDescription }>()
  const read = ({ id, metadata }: ProviderRecord, now_ms: number): Checked<IdpDescription> => {
    if (metadata === null) return checking(() => refuse('metadata', 'There is no metadata of the provider.'))
    const held = kept.get(id)
    if (held?.metadata === metadata) return { ok: true, value: held.description, steps: [] }
    return checking((trail) => {
      const { idp } = trail.take(parseMetadata(metadata, now_ms, { rsaBits }))
      if (idp === undefined) return refuse('metadata', 'The metadata describes no identity provider.')
      if (kept.size >= KEPT_MAX) kept.clear()
      kept.set(id, { metadata, description: idp })
      return idp
    })
  }
  return (provider, now_ms) =>
    checking((trail) => {
      const description = trail.take(read(provider, now_ms))
      const { issuer, metadataValidUntil_ms } = provider
      const until_ms = Math.min(
        description.validUntil_ms ?? Number.POSITIVE_INFINITY,
        metadataValidUntil_ms ?? Number.POSITIVE_INFINITY,
      )
      if (until_ms <= now_ms) refuse('metadata', `The metadata expired on ${new Date(until_ms).toISOString()}.`)
      if (description.entityId !== issuer) refuse('metadata', `The metadata is of another provider than ${issuer}.`)
      if (description.signingCertificates.length === 0) refuse('no-key', 'The metadata holds no signing key.')
      trail.pass('metadata', `The metadata of ${issuer} is in force.`)
      return description
    })
}
