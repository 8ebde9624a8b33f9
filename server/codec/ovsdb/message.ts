import { err, ok, type Result } from '#server/kernel/result.ts'
import type { OvsdbFault } from './framing.ts'
import { isArray, type Json, type JsonObject, printJson } from './json.ts'

/** JSON-RPC 1.0 as RFC 7047, section 4, uses it. A notification is a request without an id. */
export type Message =
  | { readonly type: 'request'; readonly method: string; readonly params: readonly Json[]; readonly id: Json }
  | { readonly type: 'notification'; readonly method: string; readonly params: readonly Json[] }
  | { readonly type: 'response'; readonly result: Json; readonly error: Json; readonly id: Json }

/** Tells what a JSON object is; never throws. */
export function decodeMessage(json: JsonObject): Result<Message, OvsdbFault> {
  const { method, params, id = null } = json
  if (typeof method === 'string') {
    if (!isArray(params))
      return err({ code: 'not_a_message', message: `params of ${method.slice(0, 40)} are not an array` })
    return ok(id === null ? { type: 'notification', method, params } : { type: 'request', method, params, id })
  }
  if (!('result' in json || 'error' in json) || id === null)
    return err({ code: 'not_a_message', message: 'an object is neither a request nor a response' })
  return ok({ type: 'response', result: json.result ?? null, error: json.error ?? null, id })
}

const encoder = new TextEncoder()

/** Writes a message as bytes. */
export function encodeMessage(message: Message): Uint8Array {
  if (message.type === 'response') {
    const { result, error, id } = message
    return encoder.encode(printJson({ result, error, id }))
  }
  const { method, params } = message
  return encoder.encode(printJson({ method, params, id: message.type === 'request' ? message.id : null }))
}
