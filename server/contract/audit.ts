import { z } from 'zod'
import { Id, ListQuery, listOf, procedure, Time } from './base.ts'

const Sequence = z.number().int().min(0).describe('Place in its chain, from 1')
const Digest = z.string().describe('SHA-256, hexadecimal')
const Chain = z.string().describe('The id of the tenant, or `operators` for what belongs to none')

export const AuditRecord = z.object({
  id: z.string(),
  at: Time,
  actor: z.string(),
  actorId: Id.nullable(),
  provider: z.string().nullable().describe('The identity provider that vouched for the actor'),
  address: z.string(),
  action: z.string(),
  outcome: z.enum(['done', 'refused', 'failed']),
  reason: z.string().nullable().describe('Why it was refused, as a code'),
  subject: z.string().nullable(),
  tenantId: Id.nullable(),
  tenantName: z.string().nullable(),
  changeId: Id.nullable(),
  detail: z.string(),
})
export type AuditRecord = z.infer<typeof AuditRecord>

/** A line with what it says of the object, and its place in its chain. */
export const AuditLine = AuditRecord.extend({
  before: z.unknown().describe('The object as it was, where that was written down'),
  after: z.unknown().describe('The object as it became'),
  chain: Chain.nullable(),
  sequence: Sequence.nullable(),
  hash: Digest.nullable(),
})
export type AuditLine = z.infer<typeof AuditLine>

const Search = z.string().min(1).max(200).describe('Text anywhere in a line')
const AuditQuery = ListQuery.extend({ search: Search.optional() })

const ExportQuery = z.strictObject({
  format: z.enum(['csv', 'jsonl']).default('csv'),
  filter: z.union([z.string(), z.array(z.string())]).optional(),
  search: Search.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(500),
  cursor: z.string().max(256).optional(),
})

const AuditExport = z.object({
  text: z.string().describe('Lines of the file; the first page of CSV begins with the names of its columns'),
  count: z.number().int(),
  next: z.string().nullable(),
})

export const AuditCheckpoint = z.object({
  id: z.string(),
  chain: Chain,
  tenantId: Id.nullable(),
  tenantName: z.string().nullable(),
  sequence: Sequence,
  hash: Digest,
  at: Time,
  keyId: Id,
  signature: z.string().describe('Base64'),
})
export type AuditCheckpoint = z.infer<typeof AuditCheckpoint>

export const AuditChain = z.object({
  name: Chain,
  tenantId: Id.nullable(),
  tenantName: z.string().nullable(),
  sequence: Sequence.describe('Lines in it'),
  hash: Digest,
  signedTo: Sequence.nullable().describe('The line of its newest checkpoint'),
  signedAt: Time.nullable(),
})
export type AuditChain = z.infer<typeof AuditChain>

/** Where checkpoints and lines are sent beside the database. */
export const AuditShipping = z.object({
  destinations: z.array(
    z.object({
      to: z.string(),
      lines: z.boolean().describe('Every line goes there, not checkpoints alone'),
      at: Time.nullable().describe('When something last arrived'),
      problem: z.string().nullable(),
    }),
  ),
})
export type AuditShipping = z.infer<typeof AuditShipping>

/** A checkpoint as it was shipped: what `WEFT_AUDIT_FILE` has in each of its lines of type `checkpoint`. */
export const ShippedCheckpoint = z.strictObject({
  type: z.literal('checkpoint'),
  chain: z.string().max(64),
  sequence: z.number().int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: Time,
  keyId: z.string().max(64),
  publicKey: z.string().max(2000),
  signature: z.string().max(2000),
})
export type ShippedCheckpoint = z.infer<typeof ShippedCheckpoint>

export const AuditFinding = z.object({
  kind: z.enum(['edited', 'missing', 'reordered', 'cut', 'head', 'rewritten', 'forged', 'key', 'outside']),
  chain: Chain.nullable(),
  sequence: Sequence.nullable(),
  id: z.string().nullable(),
  words: z.string(),
})
export type AuditFinding = z.infer<typeof AuditFinding>

export const AuditVerification = z.object({
  at: Time,
  sound: z.boolean().describe('Nothing was found'),
  lines: z.number().int(),
  unchained: z.number().int().describe('Lines from before there were chains, for which nothing vouches'),
  chains: z.array(
    z.object({
      name: Chain,
      tenantName: z.string().nullable(),
      lines: z.number().int(),
      checkpoints: z.number().int().describe('Signed checkpoints that fit'),
      vouchedTo: Sequence.describe('The line of the newest checkpoint that fits'),
      findings: z.number().int(),
    }),
  ),
  findings: z.array(AuditFinding),
})
export type AuditVerification = z.infer<typeof AuditVerification>

const tags = ['audit']

export const audit = {
  list: procedure({ right: 'audit.read', cli: { noun: 'audit', verb: 'list' } })
    .route({ method: 'GET', path: '/audit', tags, summary: 'Who did what, newest first' })
    .input(AuditQuery)
    .output(listOf(AuditRecord)),
  get: procedure({ right: 'audit.read', cli: { noun: 'audit', verb: 'show', args: ['line'] } })
    .route({ method: 'GET', path: '/audit/{line}', tags, summary: 'A line, with the object before and after' })
    .input(z.strictObject({ line: z.string().regex(/^\d{1,15}$/, 'the id of a line') }))
    .output(AuditLine),
  export: procedure({ right: 'audit.read' })
    .route({
      method: 'GET',
      path: '/audit/export',
      tags,
      summary: 'A page of the log as CSV or JSON lines, newest first',
    })
    .input(ExportQuery)
    .output(AuditExport),
  chains: procedure({ right: 'audit.read', cli: { noun: 'audit', verb: 'chains' } })
    .route({ method: 'GET', path: '/audit/chains', tags, summary: 'Where the chains of the log end, and are signed' })
    .input(ListQuery)
    .output(listOf(AuditChain)),
  checkpoints: procedure({ right: 'audit.read', cli: { noun: 'audit', verb: 'checkpoints' } })
    .route({ method: 'GET', path: '/audit/checkpoints', tags, summary: 'Signed checkpoints, newest first' })
    .input(ListQuery)
    .output(listOf(AuditCheckpoint)),
  shipping: procedure({
    ...{ right: 'audit.read', shown: { destinations: 'everywhere' } },
    cli: { noun: 'audit', verb: 'shipping' },
  })
    .route({ method: 'GET', path: '/audit/shipping', tags, summary: 'Where the log is sent beside the database' })
    .output(AuditShipping),
  verify: procedure({ right: 'audit.read', maxBody: 8 * 1024 * 1024, fields: { tenantId: 'within' } })
    .route({ method: 'POST', path: '/audit/verify', tags, summary: 'Follow every chain and name what does not fit' })
    .input(
      z.strictObject({
        tenantId: Id.optional().describe('The chain of this tenant alone'),
        checkpoints: z.array(ShippedCheckpoint).max(5000).optional().describe('Checkpoints that were kept outside'),
      }),
    )
    .output(AuditVerification),
}
