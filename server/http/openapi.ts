import { OpenAPIGenerator } from '@orpc/openapi'
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4'
import { z } from 'zod'
import { FIELD_RIGHTS, type FieldRight, type Meta, Problem } from '#server/contract/base.ts'
import { FIELD_RULES } from '#server/contract/field-rules.ts'
import { contract } from '#server/contract/index.ts'
import { API_PREFIX, BODY_LIMIT_BYTES, isRepeatable } from './api.ts'
import { PROBLEM_TYPE } from './problem.ts'
import { type HttpProcedure, proceduresOf } from './procedures.ts'

interface Body {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>
}
interface Operation {
  description?: string
  parameters?: unknown[]
  requestBody?: Body
  responses?: Record<string, Body & { readonly $ref?: string }>
  security?: unknown[]
  [extension: `x-${string}`]: unknown
}
interface Schema {
  description?: string
  properties?: Record<string, Schema>
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  'x-weft-right'?: FieldRight
}
type Paths = Record<string, Record<string, Operation>>

const REVISION = {
  ...{ name: 'If-Match', in: 'header', required: true, schema: { type: 'string' }, example: '"3"' },
  description: 'The revision that this is based on. Absent: 428; not the present one: 409.',
}
const KEY = {
  ...{ name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string', maxLength: 128 } },
  description: 'Sent again with the same key within 24 h, a request gets its first answer again.',
}
const RULES = Object.values(FIELD_RULES).flat()
const RIGHT_WORDS = { public: 'Anybody.', self: 'Anybody who is signed in.' } as const

/** The schemas of a field in what goes in or comes out, in each form that this may have. */
function fieldsOf(schema: Schema | undefined, name: string): Schema[] {
  if (!schema) return []
  const below = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  const own = schema.properties?.[name]
  return [...(own ? [own] : []), ...below.flatMap((one) => fieldsOf(one, name))]
}

/** Says at each field what it asks for beyond the procedure's right. Throws for one that is not there. */
function markFields(of: string, body: Body | undefined, rights: Meta['fields'] = {}): void {
  for (const [name, right] of Object.entries(rights)) {
    const found = Object.values(body?.content ?? {}).flatMap(({ schema }) => fieldsOf(schema, name))
    if (found.length === 0) throw new Error(`${of}: there is no field ${name}`)
    for (const field of found) {
      field['x-weft-right'] = right
      field.description = [field.description, FIELD_RIGHTS[right]].filter(Boolean).join('. ').replace('..', '.')
    }
  }
}

/** Adds to an operation what the schemas do not say: right, revision, idempotency, body limit, refusals. */
function complete(operation: Operation, procedure: HttpProcedure): void {
  const { name, method, meta } = procedure
  const { right, revision, maxBody = BODY_LIMIT_BYTES } = meta
  const who = right === 'public' || right === 'self' ? RIGHT_WORDS[right] : `Needs the right \`${right}\`.`
  operation.description = [operation.description, who].filter(Boolean).join(' ')
  operation['x-weft-right'] = right
  if (right === 'public') operation.security = []
  if (method !== 'GET') operation['x-weft-body-limit-bytes'] = maxBody
  const rules = RULES.filter(({ of }) => of.includes(name)).map(({ of: _, ...rule }) => rule)
  if (rules.length > 0) operation['x-weft-rules'] = rules
  markFields(name, operation.requestBody, meta.fields)
  markFields(name, Object.values(operation.responses ?? {})[0], meta.shown)
  const headers = [...(revision ? [REVISION] : []), ...(isRepeatable(procedure) && right !== 'public' ? [KEY] : [])]
  if (headers.length > 0) operation.parameters = [...(operation.parameters ?? []), ...headers]
  operation.responses = { ...operation.responses, default: { $ref: '#/components/responses/Problem' } }
}

const problemResponse = {
  description: 'Refused, or failed: RFC 9457 problem details',
  content: { [PROBLEM_TYPE]: { schema: z.toJSONSchema(Problem) } },
}

/** The contract as an OpenAPI 3.1 document. */
export async function openapiDocument(product: { name: string; version: string }): Promise<unknown> {
  const generator = new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] })
  const document = await generator.generate(contract, {
    info: { title: product.name, version: product.version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: API_PREFIX }],
    security: [{ cookie: [] }, { bearer: [] }],
    components: {
      securitySchemes: {
        cookie: { type: 'apiKey', in: 'cookie', name: '__Host-weft' },
        bearer: { type: 'http', scheme: 'bearer', description: 'The id of a session' },
      },
    },
  })
  for (const procedure of proceduresOf(contract)) {
    const operation = (document.paths as Paths)[procedure.path]?.[procedure.method.toLowerCase()]
    if (operation) complete(operation, procedure)
  }
  return { ...document, components: { ...document.components, responses: { Problem: problemResponse } } }
}
