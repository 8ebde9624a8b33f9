import { z } from 'zod'
import { ById, Id, ListQuery, listOf, Name, procedure, Revision, Time } from './base.ts'

const Attribute = z.string().min(1).max(256)
const Condition = z
  .strictObject({
    attribute: Attribute,
    operator: z.enum(['is', 'starts-with', 'ends-with', 'present']),
    value: z.string().max(1024).optional().describe('Not with `present`'),
  })
  .refine(({ operator, value }) => (operator === 'present') === (value === undefined), {
    path: ['value'],
    error: '`present` takes no value; the others need one',
  })

/** Who fits all conditions gets a role, or becomes a member of a group, or is kept out. */
export const MappingRule = z.strictObject({
  when: z.array(Condition).max(10).describe('All must hold; none: everybody'),
  then: z.discriminatedUnion('give', [
    z.strictObject({
      give: z.literal('role'),
      role: z.string().min(1).max(63),
      tenant: Name.optional().describe('A role of that tenant; of the provider’s own when it has one'),
      site: Name.optional(),
    }),
    z.strictObject({ give: z.literal('group'), group: z.string().min(1).max(63) }),
    z.strictObject({ give: z.literal('nothing') }),
  ]),
})
export type MappingRule = z.infer<typeof MappingRule>

export const ProviderOptions = z.strictObject({
  allowUnsolicited: z.boolean().default(true).describe('Sign-in may begin at the provider'),
  requireEncrypted: z.boolean().default(false).describe('Assertions that are not encrypted are refused'),
  forceAuthn: z.boolean().default(false).describe('Ask for a fresh sign-in each time'),
  nameIdFormat: z.string().max(256).optional(),
  authnContexts: z.array(z.string().max(256)).max(10).optional().describe('One of them must have been used'),
  secondFactor: z
    .enum(['required', 'passkey', 'hardware'])
    .optional()
    .describe('Declared of it: what each sign-in there proves at least; when absent, what its answers say'),
  skew_ms: z.number().int().min(0).max(600_000).default(60_000).describe('How far its clock may be off'),
  subjectAttribute: Attribute.optional().describe('Names the account for good; the NameID when absent'),
  nameAttribute: Attribute.optional(),
  displayNameAttribute: Attribute.optional(),
  emailAttribute: Attribute.optional(),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/, 'a scope of OAuth 2.0'))
    .max(20)
    .optional()
    .describe('OpenID Connect: asked for beside `openid`; email and profile when absent'),
  userInfo: z.boolean().optional().describe('OpenID Connect: ask for claims that are not in the id token'),
  logoutTokenType: z
    .enum(['required', 'any'])
    .default('required')
    .describe('OpenID Connect: whether a logout token must say that it is one (`typ: logout+jwt`), or may say nothing'),
  scimSubject: z
    .enum(['userName', 'externalId'])
    .optional()
    .describe('SCIM: which of a user’s names the provider says at sign-in; userName when absent'),
})

const Certificate = z.object({
  subject: z.string(),
  fingerprint: z.string().describe('SHA-256, hexadecimal'),
  notAfter: Time,
  key: z.string().describe('Such as RSA, 3072 bits'),
})

export const IdentityProvider = z.object({
  id: Id,
  name: Name,
  displayName: z.string(),
  tenantId: Id.nullable().describe('Whose people it signs in; null: the installation’s'),
  tenantName: z.string().nullable(),
  protocol: z.enum(['saml', 'oidc']),
  state: z.enum(['open', 'closed']),
  closedReason: z.string().nullable().describe('operator, metadata-expired, no-signing-key, weak-key'),
  issuer: z.string(),
  emailDomains: z.array(z.string()),
  rules: z.array(MappingRule),
  options: ProviderOptions,
  certificates: z.array(Certificate).describe('The keys whose signatures count'),
  metadataUrl: z.string().nullable(),
  metadataFetchedAt: Time.nullable(),
  metadataValidUntil: Time.nullable(),
  metadataProblem: z.string().nullable(),
  pending: z
    .object({ certificates: z.array(Certificate), words: z.string() })
    .nullable()
    .describe('Metadata with other keys that waits for a person'),
  clientId: z.string().nullable(),
  scim: z.boolean().describe('Whether users and groups may be pushed by SCIM'),
  revision: Revision,
})
export type IdentityProvider = z.infer<typeof IdentityProvider>

const Domain = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/, 'such as example.org, in lower case')
const Common = {
  name: Name,
  displayName: z.string().min(1).max(100).optional(),
  tenantId: Id.optional().describe('Whose people it signs in'),
  operators: z.boolean().optional().describe('It signs in the installation’s own people'),
  emailDomains: z.array(Domain).max(50).default([]),
  rules: z.array(MappingRule).max(200).default([]),
  options: ProviderOptions.partial().default({}),
}
const OWNED = { tenantId: 'within', operators: 'everywhere', rules: 'held' } as const
const METADATA_LIMIT = 1024 * 1024
const Metadata = z.string().min(1).max(METADATA_LIMIT).describe('SAML metadata, XML')
const MetadataUrl = z.url({ protocol: /^https?$/ }).max(2048)

export const Trial = z.object({
  attributes: z.record(z.string(), z.array(z.string())),
  subject: z.string().nullable(),
  roles: z.array(
    z.object({ role: z.string(), tenantId: Id.nullable(), siteId: Id.nullable(), rule: z.number().int() }),
  ),
  groups: z.array(z.object({ group: z.string(), rule: z.number().int() })),
  keptOut: z.number().int().nullable(),
  ignored: z.array(z.object({ rule: z.number().int(), because: z.string() })),
})
export type Trial = z.infer<typeof Trial>

/** The steps of a test sign-in: what was checked, in order. */
export const TestResult = z.object({
  state: z.enum(['waiting', 'passed', 'refused']),
  reason: z.string().nullable(),
  steps: z.array(z.object({ check: z.string(), passed: z.boolean(), words: z.string() })),
  trial: Trial.nullable(),
})
export type TestResult = z.infer<typeof TestResult>

const route = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, summary: string, successStatus = 200) => ({
  ...{ method, path: `/identity-providers${path}` as const, summary, successStatus },
  tags: ['identity providers'],
})
const cli = (verb: string, args: readonly string[] = ['id'], files?: readonly string[]) => ({
  ...{ noun: 'identity-provider', verb, args },
  ...(files && { files }),
})

export const identityProviders = {
  list: procedure({ right: 'provider.read', cli: cli('list', []) })
    .route(route('GET', '', 'List identity providers'))
    .input(ListQuery)
    .output(listOf(IdentityProvider)),
  get: procedure({ right: 'provider.read', cli: cli('show') })
    .route(route('GET', '/{id}', 'One identity provider'))
    .input(ById)
    .output(IdentityProvider),
  import: procedure({
    ...{ right: 'provider.write', maxBody: 2 * METADATA_LIMIT, fresh: true, fields: OWNED },
    cli: cli('import', [], ['metadata', 'rules']),
  })
    .route(route('POST', '', 'Add a SAML identity provider from its metadata', 201))
    .input(z.strictObject({ ...Common, metadata: Metadata.optional(), metadataUrl: MetadataUrl.optional() }))
    .output(IdentityProvider),
  addOidc: procedure({
    ...{ right: 'provider.write', fresh: true, secret: true, fields: OWNED },
    cli: cli('add-oidc', [], ['clientSecret', 'rules']),
  })
    .route(route('POST', '/oidc', 'Add an OpenID Connect provider', 201))
    .input(
      z.strictObject({
        ...Common,
        issuer: z.url({ protocol: /^https?$/ }).max(1024),
        clientId: z.string().min(1).max(256),
        clientSecret: z.string().min(1).max(1024),
      }),
    )
    .output(IdentityProvider),
  update: procedure({
    ...{ right: 'provider.write', revision: true, fresh: true, fields: { rules: 'held' } },
    cli: cli('update', ['id'], ['rules']),
  })
    .route(route('PATCH', '/{id}', 'Change a provider’s names, domains, rules, options'))
    .input(
      z.strictObject({
        id: Id,
        displayName: z.string().min(1).max(100).optional(),
        emailDomains: z.array(Domain).max(50).optional(),
        rules: z.array(MappingRule).max(200).optional(),
        options: ProviderOptions.optional(),
        metadataUrl: MetadataUrl.nullable().optional(),
        clientSecret: z.string().min(1).max(1024).optional(),
      }),
    )
    .output(IdentityProvider),
  setState: procedure({ right: 'provider.write', revision: true, fresh: true, cli: cli('set-state', ['id', 'state']) })
    .route(route('POST', '/{id}/state', 'Open or close a provider'))
    .input(z.strictObject({ id: Id, state: z.enum(['open', 'closed']) }))
    .output(IdentityProvider),
  remove: procedure({ right: 'provider.write', revision: true, fresh: true, cli: cli('delete') })
    .route(route('DELETE', '/{id}', 'Remove a provider that has no accounts', 204))
    .input(ById)
    .output(z.void()),
  renew: procedure({
    ...{ right: 'provider.write', maxBody: 2 * METADATA_LIMIT },
    cli: cli('renew', ['id'], ['metadata']),
  })
    .route(route('POST', '/{id}/metadata', 'Take new metadata: given, or fetched from its address'))
    .input(z.strictObject({ id: Id, metadata: Metadata.optional() }))
    .output(IdentityProvider),
  confirm: procedure({ right: 'provider.write', revision: true, fresh: true, cli: cli('confirm') })
    .route(route('POST', '/{id}/metadata/confirm', 'Put metadata with other keys in force'))
    .input(ById)
    .output(IdentityProvider),
  discard: procedure({ right: 'provider.write', revision: true, cli: cli('discard') })
    .route(route('POST', '/{id}/metadata/discard', 'Leave metadata with other keys'))
    .input(ById)
    .output(IdentityProvider),
  trial: procedure({ right: 'provider.read', maxBody: METADATA_LIMIT })
    .route(route('POST', '/{id}/trial', 'What rules make of a pasted assertion, or of attributes'))
    .input(
      z.strictObject({
        id: Id,
        assertion: z.string().max(METADATA_LIMIT).optional().describe('XML of an assertion or a response, not checked'),
        attributes: z.record(z.string().max(256), z.array(z.string().max(4096)).max(100)).optional(),
        rules: z.array(MappingRule).max(200).optional().describe('Instead of those in force'),
      }),
    )
    .output(Trial),
  test: procedure({ right: 'provider.write' })
    .route(route('POST', '/{id}/test', 'Begin a test sign-in: open the address in the browser', 201))
    .input(ById)
    .output(z.object({ test: z.string(), url: z.string() })),
  testResult: procedure({ right: 'provider.read' })
    .route(route('GET', '/{id}/test/{test}', 'What a test sign-in found'))
    .input(z.strictObject({ id: Id, test: z.string().max(200) }))
    .output(TestResult),
  allowScim: procedure({ right: 'provider.write', fresh: true, secret: true, cli: cli('allow-scim') })
    .route(route('POST', '/{id}/scim', 'Make a token by which users and groups are pushed; an earlier one ends', 201))
    .input(ById)
    .output(z.object({ token: z.string().describe('Shown once'), url: z.string() })),
  endScim: procedure({ right: 'provider.write', cli: cli('end-scim') })
    .route(route('DELETE', '/{id}/scim', 'End the SCIM token', 204))
    .input(ById)
    .output(z.void()),
}
