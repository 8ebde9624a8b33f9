import { OpenAPIGenerator } from '@orpc/openapi'
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4'
import { z } from 'zod'
import { Problem } from '#server/contract/base.ts'
import { contract } from '#server/contract/index.ts'
import { API_PREFIX, BODY_LIMIT_BYTES, isRepeatable } from './api.ts'
import { PROBLEM_TYPE } from './problem.ts'
import { type HttpProcedure, proceduresOf } from './procedures.ts'

interface Operation {
  description?: string
  parameters?: unknown[]
  responses?: Record<string, unknown>
  security?: unknown[]
  [extension: `x-${string}`]: unknown
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
const RIGHT_WORDS = { public: 'Anybody.', self: 'Anybody who is signed in.' } as const

/** Adds to an operation what the schemas do not say: right, revision, idempotency, body limit, refusals. */
function complete(operation: Operation, procedure: HttpProcedure): void {
  const { method, meta } = procedure
  const { right, revision, maxBody = BODY_LIMIT_BYTES } = meta
  const who = right === 'public' || right === 'self' ? RIGHT_WORDS[right] : `Needs the right \`${right}\`.`
  operation.description = [operation.description, who].filter(Boolean).join(' ')
  operation['x-weft-right'] = right
  if (right === 'public') operation.security = []
  if (method !== 'GET') operation['x-weft-body-limit-bytes'] = maxBody
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
