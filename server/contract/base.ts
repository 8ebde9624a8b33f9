import { oc } from '@orpc/contract'
import { z } from 'zod'
import type { Right } from './rights.ts'

/** What single fields ask for beyond the right of their procedure, in words for readers. */
export const FIELD_RIGHTS = {
  /** Held to at the door. */
  everywhere: 'For those alone who work for the whole installation.',
  /** A tenant, as the database holds to it too. */
  within: 'Who works in a tenant names no other.',
  held: 'What it gives must be held there by whoever gives it.',
  own: 'One of one’s own.',
  seen: 'As far as one holds the right to read what it speaks of.',
} as const
export type FieldRight = keyof typeof FIELD_RIGHTS

/** What the door and the command line need to know of a procedure beside its schema. */
export interface Meta {
  /** The right that it needs; `public`: nobody need be signed in; `self`: anyone signed in. */
  readonly right: Right | 'public' | 'self'
  /** `./weft <noun> <verb> [positional…]`; absent: not in the command line. Positional names are input fields. */
  readonly cli?: {
    readonly noun: string
    readonly verb: string
    readonly args?: readonly string[]
    /** Fields whose flags name a file with the value: text as it is, anything else as YAML or JSON. */
    readonly files?: readonly string[]
    /** Fields of the answer's items that people read as a table, in this order; absent: all but ids. */
    readonly columns?: readonly string[]
  }
  /** The object's revision must come back as `If-Match`: 428 without it, 409 when it is old. */
  readonly revision?: true
  /** A dangerous act: its person must have proved lately who they are (step-up), or a token must carry the right. */
  readonly fresh?: true
  /** Serves to settle what a session owes, or is of use to whoever owes something: it is not refused for that. */
  readonly settles?: true
  /** What goes in or comes out is a secret: nothing of it is kept, and so no answer is given again. */
  readonly secret?: true
  /** Fields of the input that ask for more than the right, by name … */
  readonly fields?: Readonly<Record<string, FieldRight>>
  /** … and those of the answer that not everybody is shown who may call. */
  readonly shown?: Readonly<Record<string, FieldRight>>
  /** Largest request body in bytes; 64 KiB when absent. */
  readonly maxBody?: number
}

/** Starts a procedure: `procedure({ right: 'network.read' }).route(…)`. */
export const procedure = (meta: Meta) => oc.$meta<Meta>({ right: 'self' }).meta(meta)

export const Id = z.uuid().describe('A UUIDv7')
export const Name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a to z, 0 to 9 and inner hyphens, at most 63')
  .describe('Unique among its siblings')
export const Time = z.iso.datetime().describe('UTC, RFC 3339')
/** A 64-bit count as decimal text, since JSON numbers lose it. */
export const Count = z.string().regex(/^\d+$/)
export const Revision = z.number().int().min(1)
export const MacAddress = z
  .string()
  .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'six pairs of hexadecimal digits, such as 52:54:00:1b:9c:02')

export const ById = z.strictObject({ id: Id })
/** The draft change whose edits are laid over the inventory; absent: what is committed. */
export const InChange = { change: Id.optional().describe('A draft change: read and write inside it') }
export const ByIdInChange = z.strictObject({ id: Id, ...InChange })

/** Every list takes these. `filter` is `field:op:value` (op: eq, ne, contains, gt, lt), repeated for more. */
export const ListQuery = z.strictObject({
  filter: z.union([z.string(), z.array(z.string())]).optional(),
  sort: z.string().max(64).optional().describe('A field; `-` before it turns the order round'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().max(256).optional(),
})
export const ListInChange = ListQuery.extend(InChange)
export const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() })

/** One thing that is wrong with a request (RFC 9457 extension member). */
export const ProblemDetail = z.object({
  pointer: z.string().describe('JSON pointer to the field, or `` for the whole'),
  rule: z.string(),
  limit: z.string().optional(),
  message: z.string(),
  mend: z.string(),
})
/** RFC 9457 problem details, as `application/problem+json`. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  errors: z.array(ProblemDetail),
})
export type Problem = z.infer<typeof Problem>
export type ProblemDetail = z.infer<typeof ProblemDetail>
