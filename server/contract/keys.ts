import { z } from 'zod'
import { Id, ListQuery, listOf, procedure, Time } from './base.ts'

const Purpose = z.enum(['saml-signing', 'saml-encryption', 'audit', 'envelope', 'switch-ca', 'controller-ca'])

export const KeySummary = z.object({
  id: Id,
  purpose: Purpose,
  algorithm: z.enum(['rsa-3072', 'ecdsa-p256', 'aes-256']),
  state: z
    .enum(['next', 'active', 'retiring', 'retired'])
    .describe('next: published, not in use yet; retiring: replaced, still accepted'),
  inToken: z.boolean().describe('The private half is in the PKCS#11 token, and never leaves it'),
  createdAt: Time,
  notAfter: Time.nullable().describe('When its certificate ends'),
  retiredAt: Time.nullable().describe('When it was retired, or will be'),
  uses: z.number().int(),
  fingerprint: z.string().nullable().describe('SHA-256 of the certificate, as other software shows it'),
})
export type KeySummary = z.infer<typeof KeySummary>

export const Key = KeySummary.extend({
  certificate: z.string().nullable().describe('PEM; null for keys that seal secrets'),
  publicKey: z.string().nullable().describe('PEM; null for keys that seal secrets'),
})
export type Key = z.infer<typeof Key>

export const keys = {
  list: procedure({ right: 'key.read', cli: { noun: 'key', verb: 'list' } })
    .route({ method: 'GET', path: '/keys', tags: ['keys'], summary: 'List the installation’s keys, newest first' })
    .input(ListQuery)
    .output(listOf(KeySummary)),
  get: procedure({ right: 'key.read', cli: { noun: 'key', verb: 'show', args: ['id'] } })
    .route({ method: 'GET', path: '/keys/{id}', tags: ['keys'], summary: 'A key with its certificate' })
    .input(z.strictObject({ id: Id }))
    .output(Key),
  rotate: procedure({ right: 'key.write', fresh: true, cli: { noun: 'key', verb: 'rotate', args: ['purpose'] } })
    .route({
      method: 'POST',
      path: '/keys/{purpose}/rotate',
      tags: ['keys'],
      summary: 'Make the next key, or put it in use; keys for audit and envelope are put in use at once',
    })
    .input(
      z.strictObject({
        purpose: Purpose,
        step: z
          .enum(['prepare', 'promote'])
          .default('prepare')
          .describe('prepare: make it and publish it in metadata; promote: put it in use once others have read that'),
      }),
    )
    .output(Key),
  retire: procedure({ right: 'key.write', fresh: true, cli: { noun: 'key', verb: 'retire', args: ['id'] } })
    .route({
      method: 'POST',
      path: '/keys/{id}/retire',
      tags: ['keys'],
      summary: 'End a key that is not in use before its date; what depends on it is accepted no longer',
    })
    .input(z.strictObject({ id: Id }))
    .output(Key),
  rewrap: procedure({ right: 'key.write', fresh: true, cli: { noun: 'key', verb: 'rewrap' } })
    .route({
      method: 'POST',
      path: '/keys/rewrap',
      tags: ['keys'],
      summary: 'Wrap every key anew under the token or master key that is configured now',
    })
    .input(z.strictObject({}))
    .output(z.object({ rewrapped: z.number().int() })),
}
