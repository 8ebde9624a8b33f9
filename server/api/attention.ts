import type { Overview } from '#server/contract/overview.ts'
import type { Right } from '#server/contract/rights.ts'
import type { Scope } from '#server/inventory/database.ts'
import type { KeptProvider, ProviderAdministration } from '#server/inventory/providers.ts'
import { time } from './datapaths.ts'

export type Attention = Overview['attention'][number]

/** Who looks at the overview. */
export interface Looking {
  readonly scope: Scope
  readonly rights: ReadonlySet<Right>
}

/** Something that a person should see to, of another kind than datapaths and changes. */
export type AttentionSource = (looking: Looking) => Promise<Attention[]>

const CLOSED: Readonly<Record<string, string>> = {
  'metadata-expired': 'Its metadata expired. Nobody signs in through it.',
  'weak-key': 'Its keys are shorter than WEFT_RSA_BITS asks for. Nobody signs in through it.',
  'no-signing-key': 'It publishes no signing key any more. Nobody signs in through it.',
}

function attentionOf(provider: KeptProvider): Attention[] {
  const { id, displayName, state, closedReason, metadataProblem, metadataPending, metadataFetchedAt_ms } = provider
  const about = { href: `/settings/identity-providers/${id}`, action: 'Open', since: time(metadataFetchedAt_ms) }
  const closed = state === 'closed' ? CLOSED[closedReason ?? ''] : undefined
  if (closed) return [{ ...about, severity: 'bad', title: `${displayName} is closed`, words: closed }]
  if (metadataPending !== null)
    return [
      {
        ...{ ...about, severity: 'warn', title: `${displayName} has other keys` },
        words: 'Its metadata name keys that do not count until a person says so.',
      },
    ]
  if (state === 'open' && metadataProblem !== null)
    return [{ ...about, severity: 'warn', title: `Metadata of ${displayName}`, words: metadataProblem }]
  return []
}

/** Identity providers that closed by themselves, or whose keys wait for a person. */
export const providerAttention =
  (store: Pick<ProviderAdministration, 'list'>): AttentionSource =>
  async ({ scope, rights }) => {
    if (!rights.has('provider.read')) return []
    const { items } = await store.list(scope, { conditions: [], limit: 500 })
    return items.flatMap(attentionOf)
  }
