import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { ProviderOptions, ProviderRecord, Rule } from '#server/identity/federation/ports.ts'
import { member, type SignInGround } from '../saml/ground.ts'

interface Client {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
}

/** Adds an OpenID Connect provider whose people the console's tenant signs in; its secret is sealed by a key service that does nothing. */
export async function addOidcProvider(
  weft: SignInGround,
  { issuer, clientId, clientSecret }: Client,
  more: { rules?: Rule[]; options?: Partial<ProviderOptions>; tenantId?: string | null; state?: string } = {},
): Promise<ProviderRecord> {
  const { rules = [member], options = {}, tenantId = weft.tenant.id, state = 'open' } = more
  const [id, name] = [uuidv7(), `oidc-${randomBytes(4).toString('hex')}`]
  await weft.database.engine.query(
    `INSERT INTO identity_provider (id, name, display_name, tenant_id, protocol, issuer, rules, options, client_id, client_secret, state)
     VALUES ($1, $2, $2, $3, 'oidc', $4, $5, $6, $7, $8, $9)`,
    [
      ...[id, name, tenantId, issuer, JSON.stringify(rules), JSON.stringify(options), clientId],
      ...[Buffer.from(clientSecret), state],
    ],
  )
  const made = await weft.federation.providers.byId(id)
  if (!made) throw new Error('There is no provider.')
  return made
}
