import { z } from 'zod'
import { ById, Id, ListQuery, listOf, procedure, Time } from './base.ts'

/** Something that is otherwise than when its person last proved who they are. */
export const Signal = z.object({
  kind: z.enum(['address', 'agent', 'failed-tries']),
  words: z.string().describe('Such as: address changed from 10.1.2.0/24'),
})

/** A session in a list. */
export const SessionRecord = z.object({
  id: Id,
  accountId: Id,
  accountName: z.string(),
  tenantName: z.string().nullable(),
  method: z.string().describe('password, passkey, saml, oidc; a second factor after a plus'),
  provider: z.string().nullable(),
  address: z.string().describe('Where it was last used from'),
  agent: z.string().describe('And with what'),
  signals: z.array(Signal).describe('What has changed since its last proof: dangerous acts ask for a new one'),
  createdAt: Time,
  seenAt: Time,
  expiresAt: Time,
  current: z.boolean(),
})
export type SessionRecord = z.infer<typeof SessionRecord>

const route = <M extends 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', P extends `/${string}`>(
  method: M,
  path: P,
  summary: string,
  successStatus = 200,
) => ({ method, path, summary, successStatus, tags: ['sessions'] })

/** Sessions: one's own, and everybody's. */
export const sessions = {
  own: procedure({ right: 'self', cli: { noun: 'session', verb: 'list' } })
    .route(route('GET', '/sessions', 'List one’s own sessions'))
    .output(z.object({ items: z.array(SessionRecord) })),
  endOwn: procedure({ right: 'self', fresh: true, cli: { noun: 'session', verb: 'end', args: ['id'] } })
    .route(route('DELETE', '/sessions/{id}', 'End one of one’s own sessions', 204))
    .input(ById)
    .output(z.void()),
  endOthers: procedure({ right: 'self', fresh: true, cli: { noun: 'session', verb: 'end-others' } })
    .route(route('DELETE', '/sessions', 'End all of one’s own sessions but this one', 204))
    .output(z.void()),
  all: procedure({ right: 'session.read', cli: { noun: 'session', verb: 'list-all' } })
    .route(route('GET', '/all-sessions', 'List everybody’s sessions'))
    .input(ListQuery)
    .output(listOf(SessionRecord)),
  endAny: procedure({ right: 'session.end', cli: { noun: 'session', verb: 'end-any', args: ['id'] } })
    .route(route('DELETE', '/all-sessions/{id}', 'End anybody’s session', 204))
    .input(ById)
    .output(z.void()),
}

/** JSON of the WebAuthn API, as browsers make and take it. */
const WebAuthn = z.record(z.string(), z.unknown())
const Code = z.string().regex(/^\d{6}$/, 'six digits')

export const Passkey = z.object({
  id: z.string(),
  name: z.string(),
  backedUp: z.boolean(),
  createdAt: Time,
  usedAt: Time.nullable(),
})
export type Passkey = z.infer<typeof Passkey>

/** What a person of a local account proves themselves with, beside the password. */
export const credentials = {
  get: procedure({ right: 'self', settles: true })
    .route(route('GET', '/credentials', 'One’s own passkeys and second factor'))
    .output(z.object({ passkeys: z.array(Passkey), totp: z.boolean(), password: z.boolean() })),
  beginPasskey: procedure({ right: 'self', settles: true, fresh: true })
    .route(route('POST', '/credentials/passkeys/begin', 'Begin to register a passkey'))
    .output(WebAuthn),
  addPasskey: procedure({ right: 'self', settles: true, fresh: true })
    .route(route('POST', '/credentials/passkeys', 'Register a passkey', 201))
    .input(z.strictObject({ name: z.string().trim().min(1).max(63), response: WebAuthn }))
    .output(Passkey),
  removePasskey: procedure({ right: 'self', fresh: true })
    .route(route('DELETE', '/credentials/passkeys/{id}', 'Remove a passkey', 204))
    .input(z.strictObject({ id: z.string().max(1024) }))
    .output(z.void()),
  beginTotp: procedure({ right: 'self', settles: true, fresh: true, secret: true })
    .route(route('POST', '/credentials/totp/begin', 'A new secret for codes by time; it counts once it is confirmed'))
    .output(z.object({ secret: z.string(), uri: z.string() })),
  confirmTotp: procedure({ right: 'self', settles: true, fresh: true })
    .route(route('POST', '/credentials/totp', 'Ask for codes from now on', 204))
    .input(z.strictObject({ code: Code }))
    .output(z.void()),
  removeTotp: procedure({ right: 'self', fresh: true })
    .route(route('DELETE', '/credentials/totp', 'Ask for no more codes', 204))
    .output(z.void()),
  /** Sign-in with a passkey. */
  beginSignIn: procedure({ right: 'public', maxBody: 4096 })
    .route(route('POST', '/session/passkey/begin', 'Begin to sign in with a passkey'))
    .input(
      z.strictObject({
        name: z
          .string()
          .max(63)
          .optional()
          .describe('Not needed: it has no effect, so that nobody learns which names there are'),
      }),
    )
    .output(WebAuthn),
  beginStepUp: procedure({ right: 'self', settles: true, maxBody: 4096 })
    .route(route('POST', '/session/step-up/passkey/begin', 'Begin to prove anew who one is, with a passkey'))
    .output(WebAuthn),
}

/** What somebody signs in with who is kept here. `code-required` answers a right password where codes are asked for. */
export const LocalProof = z.union([
  z.strictObject({
    name: z.string().min(1).max(63),
    password: z.string().min(1).max(256),
    code: Code.optional(),
  }),
  z.strictObject({ passkey: WebAuthn }),
])

/** Proof that it is still the same person: a password with its code, or a passkey. */
export const StepUp = z.union([
  z.strictObject({ password: z.string().min(1).max(256), code: Code.optional() }),
  z.strictObject({ passkey: WebAuthn }),
])
