import type { ProviderOptions, ProviderRecord, Rule } from '#server/identity/federation/ports.ts'
import { Prisma } from './generated/client.ts'

/** Every identity provider, as `providerOf` reads it. */
export const PROVIDERS = Prisma.sql`SELECT p.id, p.name, p.display_name AS "displayName", p.tenant_id AS "tenantId", t.name AS "tenantName",
    p.protocol, p.state, p.closed_reason AS "closedReason", p.issuer, p.email_domains AS "emailDomains", p.rules, p.options,
    p.metadata, p.metadata_url AS "metadataUrl", p.metadata_fetched_at AS "metadataFetchedAt",
    p.metadata_valid_until AS "metadataValidUntil", p.metadata_pending AS "metadataPending", p.metadata_problem AS "metadataProblem",
    p.client_id AS "clientId", p.client_secret AS "clientSecret", p.revision,
    EXISTS (SELECT 1 FROM scim_client c WHERE c.provider_id = p.id) AS scim
  FROM identity_provider p LEFT JOIN tenant t ON t.id = p.tenant_id`

export interface ProviderRow
  extends Omit<ProviderRecord, 'options' | 'metadataFetchedAt_ms' | 'metadataValidUntil_ms' | 'clientSecret'> {
  readonly options: Partial<ProviderOptions>
  readonly metadataFetchedAt: Date | null
  readonly metadataValidUntil: Date | null
  readonly clientSecret: Uint8Array | null
  readonly scim: boolean
}

const DEFAULTS: ProviderOptions = {
  ...{ allowUnsolicited: true, requireEncrypted: false, forceAuthn: false },
  ...{ skew_ms: 60_000, logoutTokenType: 'required' },
}

/** A row of `PROVIDERS` as everybody else has it. */
export function providerOf(row: ProviderRow): ProviderRecord & { readonly scim: boolean } {
  const { metadataFetchedAt, metadataValidUntil, clientSecret, options, rules, ...rest } = row
  return {
    ...rest,
    rules: rules as Rule[],
    options: { ...DEFAULTS, ...options },
    metadataFetchedAt_ms: metadataFetchedAt?.getTime() ?? null,
    metadataValidUntil_ms: metadataValidUntil?.getTime() ?? null,
    clientSecret: clientSecret && Buffer.from(clientSecret),
  }
}
