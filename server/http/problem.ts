import { STATUS_CODES } from 'node:http'
import { ORPCError, ValidationError } from '@orpc/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Problem } from '#server/contract/base.ts'
import { TooManyTries } from '#server/identity/limits.ts'
import { REFUSAL_STATUS, Refusal, type RefusalCode, type RefusalDetail } from '#server/kernel/refusal.ts'
import { RateExceeded, rateHeaders } from './rates.ts'
import { schemaDetails } from './schema-problem.ts'

export const PROBLEM_TYPE = 'application/problem+json'

function problem(status: number, code: string, detail: string, errors: readonly RefusalDetail[] = []): Problem {
  const title = STATUS_CODES[status] ?? 'Refused'
  return { type: `urn:weft:problem:${code}`, title, status, detail, code, errors: [...errors] }
}

const ofRefusal = ({ code, message, errors }: Refusal) => problem(REFUSAL_STATUS[code], code, message, errors)

/** The refusals that Fastify's own parsers and limits make, by its error codes. */
const FASTIFY: Readonly<Record<string, readonly [RefusalCode, string]>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed', 'The body is not JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['malformed', 'The body is empty.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed', 'The body has another length than Content-Length says.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media', 'The body has to be application/json.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['too-large', 'The body is larger than this procedure takes.'],
  FST_ERR_BAD_URL: ['malformed', 'The path is not well formed.'],
}

const isInput = (error: ORPCError<string, unknown>) =>
  error.status === 400 && error.cause instanceof ValidationError && error.code === 'BAD_REQUEST'

/** `pathFields`: the fields that stand in the path: what does not fit there is the name of nothing. */
function ofInput({ issues, data }: ValidationError, pathFields: readonly string[]): Problem {
  const details = schemaDetails(issues as z.core.$ZodIssue[], data)
  if (details.some(({ pointer }) => pathFields.includes(pointer.slice(1))))
    return problem(404, 'not-found', 'There is nothing of that id.')
  return problem(422, 'rule', details.map(({ message }) => message).join(' '), details)
}

/** Makes an RFC 9457 problem of anything that was thrown. What is not a refusal says nothing of its cause. */
export function problemOf(error: unknown, pathFields: readonly string[] = []): Problem {
  if (error instanceof Refusal) return ofRefusal(error)
  if (error instanceof ORPCError) {
    if (isInput(error)) return ofInput(error.cause as ValidationError, pathFields)
    if (error.status < 500) return problem(error.status, error.code.toLowerCase().replaceAll('_', '-'), error.message)
  }
  const { code: given = '', statusCode = 500 } = (error ?? {}) as { code?: string; statusCode?: number }
  const [code, words] = FASTIFY[given] ?? []
  if (code !== undefined && words !== undefined) return ofRefusal(new Refusal(code, words))
  // What else the server and the way to the pages refuse, such as a path that climbs out of its folder.
  if (statusCode >= 400 && statusCode < 500)
    return ofRefusal(new Refusal('malformed', 'The request is not well formed.'))
  return problem(500, 'fault', 'Something went wrong on our side. It has been logged.')
}

/** Answers anything that was thrown; a fault of ours is logged with its cause. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error)
  if (problem.status >= 500) request.log.error({ err: error }, 'fault')
  // As bytes: to text Fastify would add a charset, which the media type does not have.
  return reply
    .code(problem.status)
    .headers({ 'content-type': PROBLEM_TYPE, ...problemHeaders(error) })
    .send(Buffer.from(JSON.stringify(problem)))
}

/** Headers that go with a refusal. */
export function problemHeaders(error: unknown): Record<string, string> {
  if (error instanceof RateExceeded) return rateHeaders(error.rate)
  if (error instanceof TooManyTries) return { 'retry-after': String(error.wait_s) }
  if (error instanceof Refusal && error.code === 'unauthenticated') return { 'www-authenticate': 'Bearer realm="weft"' }
  return {}
}
