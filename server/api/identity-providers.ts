import { createHash, randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { IdentityProvider, MappingRule, TestResult, Trial } from '#server/contract/providers.ts'
import { certificateView, fetchedMetadata, newKeys, readMetadata } from '#server/identity/federation/care.ts'
import { inForce, renewalPatch } from '#server/identity/federation/metadata-watch.ts'
import type { Attributes, FederatedAccounts, ProviderRecord, Rule } from '#server/identity/federation/ports.ts'
import { evaluate } from '#server/identity/federation/rules.ts'
import type { TestSignIns } from '#server/identity/federation/test-sign-ins.ts'
import { readClaimed } from '#server/identity/saml/claimed.ts'
import { RSA_BITS_FLOOR } from '#server/identity/saml/key-strength.ts'
import { parseMetadata } from '#server/identity/saml/metadata.ts'
import { readList } from '#server/inventory/list.ts'
import {
  type KeptProvider,
  type NewProvider,
  PROVIDER_FIELDS,
  type ProviderAdministration,
  type ProviderPatch,
} from '#server/inventory/providers.ts'
import { brokenRules, notFound } from '#server/kernel/refusal.ts'
import type { KeyService } from '#server/keys/ports.ts'
import { type Outbound, OutboundRefused, targetOf } from '#server/outbound/guard.ts'
import { api, type SignedInContext } from './door.ts'
import { revisionOf } from './intent.ts'
import type { providerGrants } from './provider-grants.ts'

export interface IdentityProviderParts {
  readonly store: ProviderAdministration
  readonly accounts: Pick<FederatedAccounts, 'ground'>
  /** Throws `Refusal` for whoever could become more than they are by what they do to a provider. */
  readonly mayVouch: ReturnType<typeof providerGrants>
  readonly tests: TestSignIns
  readonly keys: Pick<KeyService, 'seal'>
  /** Throws `FetchRefused`. */
  readonly fetch: (url: string) => Promise<string>
  readonly outbound: Pick<Outbound, 'require'>
  /** Scheme, host and port that browsers see. */
  readonly origin: string
  /** Of how many bits RSA keys must be. */
  readonly rsaBits: number
  readonly publish: (event: { topic: 'provider'; kind: string; ref: string; tenantId: string | null }) => void
}

const refuse = (pointer: string, rule: string, message: string, mend: string) =>
  brokenRules([{ pointer, rule, message, mend }])

const timeOf = (time_ms: number | null) => (time_ms === null ? null : new Date(time_ms).toISOString())

/** What metadata say, whether or not they are still valid. */
const describe = (metadata: string | null) => {
  const parsed = metadata === null ? undefined : parseMetadata(metadata, 0, { role: 'idp', rsaBits: RSA_BITS_FLOOR })
  return parsed?.ok ? parsed.value.idp : undefined
}

function pendingOf({ metadata, metadataPending }: ProviderRecord): IdentityProvider['pending'] {
  const [held, next] = [describe(metadata), describe(metadataPending)]
  if (!next) return null
  const count = held ? newKeys(held, next).length : next.signingCertificates.length
  const words = `${count} of ${next.signingCertificates.length} signing keys are new.`
  return { certificates: next.signingCertificates.map(certificateView), words }
}

function viewOf(provider: KeptProvider): IdentityProvider {
  const { id, name, displayName, tenantId, tenantName, protocol, state, closedReason, issuer, options } = provider
  const { metadataUrl, metadataProblem, clientId, revision, scim } = provider
  return {
    ...{ id, name, displayName, tenantId, tenantName, protocol, state, closedReason, issuer, revision },
    emailDomains: [...provider.emailDomains],
    rules: provider.rules as MappingRule[],
    options: {
      ...{ ...options, authnContexts: options.authnContexts && [...options.authnContexts] },
      scopes: options.scopes && [...options.scopes],
    },
    certificates: (describe(provider.metadata)?.signingCertificates ?? []).map(certificateView),
    ...{ metadataUrl, metadataProblem, clientId, scim, pending: pendingOf(provider) },
    metadataFetchedAt: timeOf(provider.metadataFetchedAt_ms),
    metadataValidUntil: timeOf(provider.metadataValidUntil_ms),
  }
}

interface Belonging {
  readonly tenantId?: string | undefined
  readonly operators?: boolean | undefined
}

/** Whose people a new provider signs in: said outright, since the two differ so much. */
function ownerOf({ tenantId, operators }: Belonging): string | null {
  if ((tenantId !== undefined) === (operators === true))
    throw refuse(
      ...(['/tenantId', 'provider.owner', 'It signs in the people of one tenant, or the installation’s own.'] as const),
      'Name a tenant, or say operators.',
    )
  return tenantId ?? null
}

const trialOf = (attributes: Attributes, subject: string | null, granted: ReturnType<typeof evaluate>): Trial => ({
  attributes: Object.fromEntries(Object.entries(attributes).map(([name, values]) => [name, [...values]])),
  ...{ subject, keptOut: granted.keptOut, roles: [...granted.roles], groups: [...granted.groups] },
  ignored: [...granted.ignored],
})

/** What is tried: an assertion that was pasted, or attributes. */
function claimedIn(input: {
  assertion?: string | undefined
  attributes?: Record<string, string[]> | undefined
}): Attributes & object {
  if (input.assertion === undefined) return input.attributes ?? {}
  const claimed = readClaimed(input.assertion)
  if (claimed.ok) return claimed.value.attributes
  throw refuse(
    ...(['/assertion', `assertion.${claimed.reason}`, claimed.detail] as const),
    'Paste the XML of a decrypted assertion, or of the response around it.',
  )
}

/** Identity providers: added from metadata, cared for, tried. */
export function identityProviderHandlers(parts: IdentityProviderParts) {
  const { store, keys, tests, rsaBits } = parts
  const reading = () => ({ now_ms: Date.now(), rsaBits })
  const area = api.identityProviders
  const noted = (context: SignedInContext, provider: KeptProvider, kind: string, before?: KeptProvider) => {
    const subject = `identity-provider/${provider.id}`
    const after = viewOf(provider)
    Object.assign(context.note, { subject, detail: provider.name, after, ...(before && { before: viewOf(before) }) })
    if (provider.tenantId !== null) context.note.tenantId = provider.tenantId
    parts.publish({ topic: 'provider', kind, ref: provider.id, tenantId: provider.tenantId })
    return after
  }
  const change = async (context: SignedInContext, id: string, revision: number | undefined, patch: ProviderPatch) => {
    const before = await store.get(context.scope, id)
    await parts.mayVouch(context, before, patch.rules ?? before.rules)
    return noted(context, await store.update(context.scope, id, revision, patch), 'updated', before)
  }
  /** Refuses an address that nothing will ever be fetched from. */
  const requirePlace = (url: string | null | undefined, pointer: string) => {
    try {
      if (url) parts.outbound.require(targetOf(new URL(url)))
    } catch (error) {
      if (!(error instanceof OutboundRefused)) throw error
      throw refuse(pointer, 'outbound', error.message, error.mend)
    }
  }
  const read = (given: string | undefined, url: string | null | undefined) => {
    if (given !== undefined) return Promise.resolve(readMetadata(given, reading()))
    if (url) return fetchedMetadata(url, parts.fetch, reading())
    throw refuse(
      ...(['/metadata', 'metadata.missing', 'There are no metadata, nor an address to fetch them from.'] as const),
      'Give one of the two.',
    )
  }
  return {
    list: area.list.handler(async ({ input, context }) => {
      const { items, next } = await store.list(context.scope, readList(input, PROVIDER_FIELDS))
      return { items: items.map(viewOf), next }
    }),
    get: area.get.handler(async ({ input, context }) => viewOf(await store.get(context.scope, input.id))),
    import: area.import.handler(async ({ input, context }) => {
      const { tenantId: _, operators: __, metadata: given, metadataUrl, displayName = input.name, ...rest } = input
      const tenantId = ownerOf(input)
      const id = uuidv7()
      requirePlace(metadataUrl, '/metadataUrl')
      await parts.mayVouch(context, { id, tenantId }, rest.rules as Rule[])
      const { xml, description, validUntil } = await read(given, metadataUrl)
      const provider: NewProvider = {
        ...{ ...rest, rules: rest.rules as Rule[], options: rest.options as NewProvider['options'] },
        ...{ displayName, tenantId, protocol: 'saml', issuer: description.entityId, metadata: xml, metadataUrl },
        metadataValidUntil: validUntil ?? undefined,
      }
      return noted(context, await store.create(context.scope, id, provider), 'created')
    }),
    addOidc: area.addOidc.handler(async ({ input, context }) => {
      const { tenantId: _, operators: __, clientSecret, displayName = input.name, ...rest } = input
      const tenantId = ownerOf(input)
      const id = uuidv7()
      requirePlace(rest.issuer, '/issuer')
      await parts.mayVouch(context, { id, tenantId }, rest.rules as Rule[])
      const sealed = await keys.seal(`oidc-client/${id}`, Buffer.from(clientSecret))
      const provider: NewProvider = {
        ...{ ...rest, rules: rest.rules as Rule[], options: rest.options as NewProvider['options'] },
        ...{ displayName, tenantId, protocol: 'oidc', clientSecret: sealed },
      }
      return noted(context, await store.create(context.scope, id, provider), 'created')
    }),
    update: area.update.handler(async ({ input, context }) => {
      const { id, rules, options, clientSecret, ...rest } = input
      requirePlace(rest.metadataUrl, '/metadataUrl')
      const sealed = clientSecret && (await keys.seal(`oidc-client/${id}`, Buffer.from(clientSecret)))
      return change(context, id, revisionOf(context), {
        ...rest,
        ...(rules && { rules: rules as Rule[] }),
        ...(options && { options: options as ProviderPatch['options'] }),
        ...(sealed && { clientSecret: sealed }),
      })
    }),
    setState: area.setState.handler(({ input, context }) => {
      const closedReason = input.state === 'closed' ? 'operator' : null
      return change(context, input.id, revisionOf(context), { state: input.state, closedReason })
    }),
    remove: area.remove.handler(async ({ input, context }) => {
      const before = await store.get(context.scope, input.id)
      const { tenantId } = before
      const subject = `identity-provider/${input.id}`
      Object.assign(context.note, {
        subject,
        detail: before.name,
        before: viewOf(before),
        ...(tenantId && { tenantId }),
      })
      await store.remove(context.scope, input.id, revisionOf(context))
      parts.publish({ topic: 'provider', kind: 'removed', ref: input.id, tenantId })
    }),
    renew: area.renew.handler(async ({ input, context }) => {
      const provider = await store.get(context.scope, input.id)
      const next = await read(input.metadata, provider.metadataUrl)
      return change(context, input.id, provider.revision, renewalPatch(provider, next, Date.now()))
    }),
    confirm: area.confirm.handler(async ({ input, context }) => {
      const provider = await store.get(context.scope, input.id)
      if (provider.metadataPending === null)
        throw refuse(
          ...(['', 'metadata.nothing-pending', 'No metadata wait for a person.'] as const),
          'Read the provider again.',
        )
      const next = readMetadata(provider.metadataPending, reading())
      return change(context, input.id, revisionOf(context), inForce(provider, next, Date.now()))
    }),
    discard: area.discard.handler(({ input, context }) =>
      change(context, input.id, revisionOf(context), { metadataPending: null }),
    ),
    trial: area.trial.handler(async ({ input, context }) => {
      const provider = await store.get(context.scope, input.id)
      const rules = (input.rules as Rule[] | undefined) ?? provider.rules
      const attributes = claimedIn(input)
      return trialOf(attributes, null, evaluate(rules, attributes, await parts.accounts.ground(provider, rules)))
    }),
    test: area.test.handler(async ({ input, context }) => {
      const { protocol } = await store.get(context.scope, input.id)
      context.note.subject = `identity-provider/${input.id}`
      const test = tests.begin(input.id, context.account.id)
      return { test, url: `${parts.origin}/${protocol}/login?test=${test}` }
    }),
    testResult: area.testResult.handler(async ({ input, context }): Promise<TestResult> => {
      await store.get(context.scope, input.id)
      const outcome = tests.read(input.test, input.id)
      if (!outcome) throw notFound('test')
      const { state, reason, steps, granted, attributes, subject } = outcome
      const trial = granted && trialOf(attributes, subject, granted)
      return { state, reason, steps: [...steps], trial }
    }),
    allowScim: area.allowScim.handler(async ({ input, context }) => {
      const provider = await store.get(context.scope, input.id)
      await parts.mayVouch(context, provider, provider.rules)
      const token = `weftscim_${randomBytes(32).toString('base64url')}`
      context.note.subject = `identity-provider/${input.id}`
      await store.keepScim(context.scope, input.id, createHash('sha256').update(token).digest('hex'))
      return { token, url: `${parts.origin}/scim/v2` }
    }),
    endScim: area.endScim.handler(async ({ input, context }) => {
      context.note.subject = `identity-provider/${input.id}`
      await store.keepScim(context.scope, input.id, null)
    }),
  }
}
