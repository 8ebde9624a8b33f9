import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import { fetchedMetadata, type ReadMetadata, weighRenewal } from './care.ts'
import type { Descriptions } from './descriptions.ts'
import type { ProviderRecord } from './ports.ts'

/** What the watch writes of a provider. */
export interface MetadataPatch {
  readonly state?: ProviderRecord['state']
  readonly closedReason?: string | null
  readonly metadata?: string
  readonly metadataFetchedAt?: Date
  readonly metadataValidUntil?: Date | null
  readonly metadataPending?: string | null
  readonly metadataProblem?: string | null
}

export interface MetadataWatchParts {
  /** Every SAML provider. */
  readonly providers: () => Promise<readonly ProviderRecord[]>
  readonly write: (provider: ProviderRecord, patch: MetadataPatch, words: string) => Promise<void>
  /** Throws `FetchRefused`. */
  readonly fetch: (url: string) => Promise<string>
  /** How often metadata are fetched again. */
  readonly refresh_ms: number
  /** Of how many bits RSA keys must be. */
  readonly rsaBits: number
  /** What a provider's metadata say, where they may be used. */
  readonly descriptions: Descriptions
  readonly clock?: Clock
}

/** Put in force, with what is over now that there are good metadata again: unless somebody closed the provider. */
export function inForce(provider: ProviderRecord, next: ReadMetadata, now_ms: number): MetadataPatch {
  const reopened = provider.state === 'closed' && provider.closedReason !== 'operator'
  return {
    ...{ metadata: next.xml, metadataFetchedAt: new Date(now_ms), metadataValidUntil: next.validUntil },
    ...{ metadataPending: null, metadataProblem: null },
    ...(reopened && { state: 'open', closedReason: null }),
  }
}

/** What new metadata make of a provider. Throws `Refusal` when they are of another one. */
export function renewalPatch(provider: ProviderRecord, next: ReadMetadata, now_ms: number): MetadataPatch {
  const { kind } = weighRenewal(provider, next)
  if (kind === 'in-force') return inForce(provider, next, now_ms)
  return { metadataPending: next.xml, metadataFetchedAt: new Date(now_ms), metadataProblem: null }
}

/** Why a provider is closed whose keys are too short. */
const WEAK = 'weak-key'

const closing = (provider: ProviderRecord, reason: string): MetadataPatch =>
  provider.state === 'open' ? { state: 'closed', closedReason: reason } : {}

/** A provider that published metadata without a key, or with none that counts, is not to be believed any longer. */
const losesKey = ({ errors }: Refusal) => errors.some(({ rule }) => rule === 'metadata.no-key')

/**
 * Looks after metadata: fetches them again, closes the provider whose metadata expired or lost their key, and opens it again
 * when there are good ones. Keys that are new wait for a person. One provider's trouble is not another's.
 */
export function metadataWatch(parts: MetadataWatchParts) {
  const { clock = systemClock } = parts
  const isDue = ({ metadataUrl, metadataFetchedAt_ms }: ProviderRecord, now_ms: number) =>
    metadataUrl !== null && now_ms - (metadataFetchedAt_ms ?? 0) >= parts.refresh_ms

  async function renew(provider: ProviderRecord, now_ms: number): Promise<void> {
    try {
      const next = await fetchedMetadata(provider.metadataUrl ?? '', parts.fetch, { now_ms, rsaBits: parts.rsaBits })
      const patch = renewalPatch(provider, next, now_ms)
      const moved =
        patch.metadataPending !== null || next.xml !== provider.metadata || provider.metadataProblem !== null
      if (moved || patch.state) await parts.write(provider, patch, 'Its metadata were fetched again.')
      else await parts.write(provider, { metadataFetchedAt: new Date(now_ms) }, '')
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const lost = losesKey(error) ? closing(provider, 'no-signing-key') : {}
      // Tried again when it is due next, not at every look.
      const tried = { metadataFetchedAt: new Date(now_ms), metadataProblem: error.message.slice(0, 500) }
      await parts.write(provider, { ...tried, ...lost }, error.message)
    }
  }

  async function expire(provider: ProviderRecord, now_ms: number): Promise<void> {
    const { metadataValidUntil_ms: until_ms, state } = provider
    if (state !== 'open' || until_ms === null || until_ms > now_ms) return
    const words = `Its metadata expired on ${new Date(until_ms).toISOString()}.`
    await parts.write(provider, { ...closing(provider, 'metadata-expired'), metadataProblem: words }, words)
  }

  /** Closes a provider whose keys are shorter than is asked for now, and opens it again once that is asked no more. */
  async function weigh(provider: ProviderRecord, now_ms: number): Promise<void> {
    const { state, closedReason, metadata } = provider
    if (metadata === null || (state === 'closed' && closedReason !== WEAK)) return
    const described = parts.descriptions(provider, now_ms)
    const weak = !described.ok && described.reason === 'weak-key' ? described.detail : undefined
    if (weak !== undefined && state === 'open')
      await parts.write(provider, { ...closing(provider, WEAK), metadataProblem: weak }, weak)
    if (described.ok && state === 'closed')
      await parts.write(
        provider,
        { state: 'open', closedReason: null, metadataProblem: null },
        'Its keys are long enough.',
      )
  }

  return {
    /** Looks at every provider once. */
    async look(): Promise<void> {
      const now_ms = clock.now_ms()
      const all = (await parts.providers()).filter(({ protocol }) => protocol === 'saml')
      await Promise.all(
        all.map(async (provider) => {
          if (isDue(provider, now_ms)) return renew(provider, now_ms)
          await expire(provider, now_ms)
          await weigh(provider, now_ms)
        }),
      )
    },
  }
}
