import { v7 as uuidv7 } from 'uuid'
import type { ProviderOptions, ProviderRecord, Rule } from '#server/identity/federation/ports.ts'
import { brokenRules, notFound, Refusal, staleRevision } from '#server/kernel/refusal.ts'
import { type Database, isUniqueViolation, type Scope, type Transaction } from './database.ts'
import type { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'
import { PROVIDERS, type ProviderRow, providerOf } from './provider-rows.ts'

export const PROVIDER_FIELDS: Fields = {
  ...{ name: 'text', displayName: 'text', tenantId: 'id', tenantName: 'text', protocol: 'text', state: 'text' },
  ...{ issuer: 'text', closedReason: 'text' },
}

export type KeptProvider = ReturnType<typeof providerOf>

export interface NewProvider {
  readonly name: string
  readonly displayName: string
  readonly tenantId: string | null
  readonly protocol: 'saml' | 'oidc'
  readonly issuer: string
  readonly emailDomains: readonly string[]
  readonly rules: readonly Rule[]
  readonly options: Partial<ProviderOptions>
  readonly metadata?: string
  readonly metadataUrl?: string | undefined
  readonly metadataValidUntil?: Date | undefined
  readonly clientId?: string
  /** Sealed. */
  readonly clientSecret?: Buffer
}

/** What can be changed of a provider; what is absent stays. */
export interface ProviderPatch {
  readonly displayName?: string | undefined
  readonly emailDomains?: readonly string[] | undefined
  readonly rules?: readonly Rule[] | undefined
  readonly options?: ProviderOptions | undefined
  readonly metadataUrl?: string | null | undefined
  readonly clientSecret?: Buffer | undefined
  readonly state?: ProviderRecord['state']
  readonly closedReason?: string | null
  readonly metadata?: string
  readonly metadataFetchedAt?: Date
  readonly metadataValidUntil?: Date | null
  readonly metadataPending?: string | null
  readonly metadataProblem?: string | null
}

export interface ProviderAdministration {
  list(scope: Scope, request: ListRequest): Promise<Page<KeptProvider>>
  get(scope: Scope, id: string): Promise<KeptProvider>
  create(scope: Scope, id: string, provider: NewProvider): Promise<KeptProvider>
  /** With a revision it must be the present one; without, what the engine does by itself moves it all the same. */
  update(scope: Scope, id: string, revision: number | undefined, patch: ProviderPatch): Promise<KeptProvider>
  /** Refused while it has accounts. */
  remove(scope: Scope, id: string, revision: number): Promise<void>
  /** Keeps the hash of a SCIM token instead of an earlier one; null ends it. */
  keepScim(scope: Scope, id: string, hash: string | null): Promise<void>
}

async function find(tx: Transaction, id: string): Promise<KeptProvider> {
  const [row] = await tx.$queryRaw<ProviderRow[]>`SELECT * FROM (${PROVIDERS}) q WHERE q.id = ${id}::uuid`
  if (!row) throw notFound('identity provider')
  return providerOf(row)
}

const taken = ({ name, issuer }: Pick<NewProvider, 'name' | 'issuer'>, error: unknown): Refusal => {
  const byIssuer = String((error as Error).message).includes('issuer')
  const [pointer, message] = byIssuer
    ? ['/metadata', `${issuer} is an identity provider here already.`]
    : ['/name', `The name ${name} is taken.`]
  const rule = byIssuer ? 'provider.issuer-taken' : 'provider.name-taken'
  const mend = byIssuer ? 'Renew the metadata of the one that is there.' : 'Choose another name.'
  return new Refusal('conflict', message, [{ pointer, rule, message, mend }])
}

const json = (value: unknown) => value as Prisma.InputJsonValue

function dataOf({ rules, options, emailDomains, clientSecret, ...patch }: ProviderPatch) {
  return {
    ...patch,
    ...(rules && { rules: json(rules) }),
    ...(options && { options: json(options) }),
    ...(emailDomains && { emailDomains: [...emailDomains] }),
    ...(clientSecret && { clientSecret: new Uint8Array(clientSecret) }),
  }
}

async function createIn(tx: Transaction, id: string, provider: NewProvider): Promise<KeptProvider> {
  const {
    tenantId,
    emailDomains,
    rules,
    options,
    metadataUrl = null,
    metadataValidUntil = null,
    clientSecret,
    ...rest
  } = provider
  if (tenantId !== null && !(await tx.tenant.findUnique({ where: { id: tenantId } })))
    throw brokenRules([
      {
        ...{ pointer: '/tenantId', rule: 'provider.tenant', message: 'There is no such tenant.' },
        mend: 'Name one that exists.',
      },
    ])
  const metadataFetchedAt = rest.metadata === undefined ? null : new Date()
  await tx.identityProvider.create({
    data: {
      ...{ ...rest, id, tenantId, metadataUrl, metadataValidUntil, metadataFetchedAt },
      ...{ emailDomains: [...emailDomains], rules: json(rules), options: json(options) },
      ...(clientSecret && { clientSecret: new Uint8Array(clientSecret) }),
    },
  })
  return find(tx, id)
}

async function removeIn(tx: Transaction, id: string, revision: number): Promise<void> {
  const held = await find(tx, id)
  if (held.revision !== revision) throw staleRevision(revision, held.revision)
  const accounts = await tx.account.count({ where: { providerId: id } })
  if (accounts > 0)
    throw new Refusal('conflict', `${held.displayName} has ${accounts} accounts.`, [
      {
        ...{ pointer: '', rule: 'provider.in-use', message: `${accounts} accounts sign in through it.` },
        mend: 'Close it, or remove its accounts first.',
      },
    ])
  await tx.identityProvider.delete({ where: { id } })
}

/** Identity providers as those who administer them see them: within a scope, which the database holds to. */
export function providerAdministration(database: Database): ProviderAdministration {
  return {
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const ordered = { ...request, sort: request.sort ?? 'name' }
        const { items, next } = await pageOf<ProviderRow>(tx, PROVIDERS, PROVIDER_FIELDS, ordered)
        return { items: items.map(providerOf), next }
      }),
    get: (scope, id) => database.inScope(scope, (tx) => find(tx, id)),
    create: (scope, id, provider) =>
      database
        .inScope(scope, (tx) => createIn(tx, id, provider))
        .catch((error: unknown) => {
          throw isUniqueViolation(error) ? taken(provider, error) : error
        }),
    update: (scope, id, revision, patch) =>
      database.inScope(scope, async (tx) => {
        const where = { id, ...(revision !== undefined && { revision }) }
        // That the same metadata were fetched again is no news for whoever is editing.
        const isNews = Object.keys(patch).some((key) => key !== 'metadataFetchedAt')
        const data = { ...dataOf(patch), revision: { increment: isNews ? 1 : 0 } }
        const { count } = await tx.identityProvider.updateMany({ where, data })
        const held = await find(tx, id)
        if (count === 0) throw staleRevision(revision ?? 0, held.revision)
        return held
      }),
    remove: (scope, id, revision) => database.inScope(scope, (tx) => removeIn(tx, id, revision)),
    keepScim: (scope, id, hash) =>
      database.inScope(scope, async (tx) => {
        await find(tx, id)
        await tx.scimClient.deleteMany({ where: { providerId: id } })
        if (hash !== null) await tx.scimClient.create({ data: { id: uuidv7(), providerId: id, hash } })
      }),
  }
}
