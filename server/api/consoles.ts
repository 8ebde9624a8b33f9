import { X509Certificate } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { VnfConsole } from '#server/contract/consoles.ts'
import { keyMend } from '#server/identity/federation/care.ts'
import { mayUse } from '#server/identity/federation/console-access.ts'
import type { ConsoleDirectory, ConsoleRecord, ConsoleSessionStore } from '#server/identity/federation/console-ports.ts'
import { takesEncrypted } from '#server/identity/saml/idp-response.ts'
import { RSA_BITS_FLOOR } from '#server/identity/saml/key-strength.ts'
import { parseMetadata } from '#server/identity/saml/metadata.ts'
import { BINDING } from '#server/identity/saml/names.ts'
import type { SpDescription } from '#server/identity/saml/provider.ts'
import type { SamlReason } from '#server/identity/saml/result.ts'
import { CONSOLE_FIELDS, type ConsoleAdministration } from '#server/inventory/consoles.ts'
import { readList } from '#server/inventory/list.ts'
import { brokenRules } from '#server/kernel/refusal.ts'
import { api, type SignedInContext } from './door.ts'
import { revisionOf } from './intent.ts'

export interface ConsoleParts {
  readonly store: ConsoleAdministration
  readonly directory: Pick<ConsoleDirectory, 'open'>
  readonly sessions: Pick<ConsoleSessionStore, 'ofSession'>
  /** Of how many bits RSA keys must be. */
  readonly rsaBits: number
  readonly publish: (event: { topic: 'console'; kind: string; ref: string; tenantId: string | null }) => void
}

const refuse = (pointer: string, rule: string, message: string, mend: string) =>
  brokenRules([{ pointer, rule, message, mend }])

const MENDS: Partial<Record<SamlReason, string>> = {
  'no-key': 'Let the console sign its messages, and get its metadata again.',
  'entity-count': 'Give the metadata of that one console alone.',
  endpoint: 'It must take responses by POST, at an address that is https.',
  expired: 'Get metadata that are valid now.',
  'not-xml': 'Save the metadata as the console serves them.',
}

/** Reads a console's metadata. Throws `Refusal` (`rule`, at `/metadata`) with what is wrong. */
function readMetadata(xml: string, rsaBits: number): SpDescription {
  const parsed = parseMetadata(xml, Date.now(), { role: 'sp', rsaBits })
  if (!parsed.ok)
    throw refuse(
      ...(['/metadata', `metadata.${parsed.reason}`, parsed.detail] as const),
      (parsed.reason === 'weak-key' ? keyMend(rsaBits) : MENDS[parsed.reason]) ??
        'Get the metadata from the console again.',
    )
  const { sp } = parsed.value
  if (!sp)
    throw refuse(
      ...(['/metadata', 'metadata.role', 'The metadata describe no service provider.'] as const),
      'Give the metadata of the console, not of an identity provider.',
    )
  if (sp.signingCertificates.length === 0)
    throw refuse(
      ...(['/metadata', 'metadata.no-key', 'The metadata hold no key that requests could be signed by.'] as const),
      'Let the console sign its requests, and get its metadata again.',
    )
  return sp
}

function checkEncryption(description: SpDescription, encrypt: boolean): void {
  if (encrypt && !takesEncrypted(description))
    throw refuse(
      ...(['/encrypt', 'console.no-encryption-key', 'The metadata hold no key that could be encrypted to.'] as const),
      'Give metadata with an encryption certificate of RSA, or leave assertions in plain.',
    )
}

/** What metadata say, whether or not they are still valid. */
function describe(metadata: string): SpDescription | undefined {
  const parsed = parseMetadata(metadata, 0, { role: 'sp', rsaBits: RSA_BITS_FLOOR })
  return parsed.ok ? parsed.value.sp : undefined
}

/** When the last of its signing keys ends. */
function endOf(certificates: readonly string[]): string | null {
  const ends = certificates.map((pem) => new X509Certificate(pem).validToDate.getTime())
  return ends.length === 0 ? null : new Date(Math.max(...ends)).toISOString()
}

function viewOf({ metadata, release, ...console }: ConsoleRecord): VnfConsole {
  const { assertionConsumers = [], singleLogout = [], signingCertificates = [] } = describe(metadata) ?? {}
  const locations = (endpoints: readonly { readonly location: string }[]) => [
    ...new Set(endpoints.map(({ location }) => location)),
  ]
  return {
    ...console,
    release: [...release],
    assertionConsumers: locations(assertionConsumers.filter(({ binding }) => binding === BINDING.post)),
    singleLogout: locations(singleLogout),
    certificateNotAfter: endOf(signingCertificates),
  }
}

/** Consoles of VNFs that Weft signs people in to: registered, changed, forgotten, and opened. */
export function consoleHandlers({ store, directory, sessions, rsaBits, publish }: ConsoleParts) {
  const area = api.consoles
  const noted = (context: SignedInContext, console: ConsoleRecord, kind: string, before?: ConsoleRecord) => {
    const { id, name, tenantId } = console
    const [subject, after] = [`console/${id}`, viewOf(console)]
    Object.assign(context.note, { subject, detail: name, after, ...(before && { before: viewOf(before) }) })
    if (tenantId !== null) context.note.tenantId = tenantId
    publish({ topic: 'console', kind, ref: id, tenantId })
    return after
  }
  return {
    list: area.list.handler(async ({ input, context }) => {
      const { items, next } = await store.list(context.scope, readList(input, CONSOLE_FIELDS))
      return { items: items.map(viewOf), next }
    }),
    get: area.get.handler(async ({ input, context }) => viewOf(await store.get(context.scope, input.id))),
    register: area.register.handler(async ({ input, context }) => {
      const { displayName = input.name, homeUrl = null, ...rest } = input
      if (context.tenantId !== null && rest.tenantId === null)
        throw refuse(
          ...(['/tenantId', 'console.tenant', 'A tenant registers consoles for its own people alone.'] as const),
          'Name the tenant.',
        )
      const description = readMetadata(rest.metadata, rsaBits)
      checkEncryption(description, rest.encrypt)
      const { entityId } = description
      const console = { ...rest, id: uuidv7(), displayName, homeUrl, entityId }
      return noted(context, await store.create(context.scope, console), 'created')
    }),
    update: area.update.handler(async ({ input, context }) => {
      const { id, ...patch } = input
      const before = await store.get(context.scope, id)
      const description =
        patch.metadata === undefined ? describe(before.metadata) : readMetadata(patch.metadata, rsaBits)
      if (description && description.entityId !== before.entityId)
        throw refuse(
          '/metadata',
          'metadata.entity',
          `The metadata are of ${description.entityId}, not of ${before.entityId}.`,
          'Register that one as another console.',
        )
      if (description) checkEncryption(description, patch.encrypt ?? before.encrypt)
      const after = await store.update(context.scope, id, revisionOf(context), patch)
      return noted(context, after, 'updated', before)
    }),
    remove: area.remove.handler(async ({ input, context }) => {
      const before = await store.get(context.scope, input.id)
      const { id, name, tenantId } = before
      Object.assign(context.note, { subject: `console/${id}`, detail: name, before: viewOf(before) })
      if (tenantId !== null) context.note.tenantId = tenantId
      await store.remove(context.scope, id, revisionOf(context))
      publish({ topic: 'console', kind: 'removed', ref: id, tenantId })
    }),
    mine: area.mine.handler(async ({ context }) => {
      const { account, session } = context.caller
      const since = new Map((await sessions.ofSession(session)).map((held) => [held.consoleId, held.createdAt_ms]))
      const consoles = (await directory.open()).filter((console) => mayUse(console, account))
      return {
        items: consoles.map(({ id, displayName }) => {
          const at_ms = since.get(id)
          const signedInAt = at_ms === undefined ? null : new Date(at_ms).toISOString()
          return { id, displayName, url: `/saml/idp/launch?console=${id}`, signedInAt }
        }),
      }
    }),
  }
}
