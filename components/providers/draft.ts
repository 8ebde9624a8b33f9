import { Name } from '#server/contract/base.ts'

/** What is filled in of a new provider. */
export interface Draft {
  readonly kind: 'text' | 'url' | 'oidc'
  readonly metadata: string
  readonly metadataUrl: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly name: string
  readonly displayName: string
  /** null: the installation's own people. */
  readonly tenantId: string | null
  readonly domains: string
}

export const blankDraft = (tenantId: string | null): Draft => ({
  ...{ kind: 'text', metadata: '', metadataUrl: '', issuer: '', clientId: '', clientSecret: '' },
  ...{ name: '', displayName: '', tenantId, domains: '' },
})

export const domainsOf = (text: string): string[] => [
  ...new Set(
    text
      .toLowerCase()
      .split(/[\s,;]+/)
      .map((domain) => domain.replace(/^.*@/, ''))
      .filter(Boolean),
  ),
]

const isAddress = (text: string) => /^https?:\/\/\S+$/.test(text.trim())

/** Why one cannot go on from a step; undefined: one can. */
export function whyNotYet(step: number, draft: Draft): string | undefined {
  if (step === 1) {
    if (draft.kind === 'text') return draft.metadata.trim() === '' ? 'Paste metadata or choose a file' : undefined
    if (draft.kind === 'url') return isAddress(draft.metadataUrl) ? undefined : 'Give an address, with https'
    if (!isAddress(draft.issuer)) return 'Give the issuer, with https'
    return draft.clientId.trim() === '' || draft.clientSecret === '' ? 'Give client id and secret' : undefined
  }
  if (step === 2 && !Name.safeParse(draft.name).success) return 'Name it: a to z, 0 to 9 and inner hyphens'
  return undefined
}

/** The entity id in pasted metadata, to be shown while the rest is not read yet. */
export const entityIdIn = (metadata: string): string | undefined =>
  /\bentityID\s*=\s*["']([^"']{1,1024})["']/.exec(metadata)?.[1]
