import { type Checked, checking, refuse } from './result.ts'
import { MESSAGE_LIMITS } from './xml.ts'

/** A message as the HTTP-POST binding brings it (bindings 3.5). */
export interface PostedMessage {
  readonly kind: 'request' | 'response'
  readonly xml: string
  readonly relayState?: string
}

/** Base64 of the largest message, with line breaks. */
const BASE64_CHARS_MAX = Math.ceil((MESSAGE_LIMITS.chars * 4 * 1.03) / 3)
/** Bindings allow 80 bytes; providers that send a whole address are common. */
const RELAY_STATE_BYTES_MAX = 1_024

function bytesOf(encoded: string): Buffer {
  if (encoded.length > BASE64_CHARS_MAX)
    refuse('too-large', `The message has more than ${BASE64_CHARS_MAX} characters.`)
  const text = encoded.replace(/[ \t\r\n]+/g, '')
  if (text === '' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    refuse('not-base64', 'The message is not base64, or cut off.')
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) refuse('not-base64', 'The message is not base64 as it should be written.')
  return bytes
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refuse('not-xml', 'The message is not UTF-8.')
  }
}

/** Reads the fields of a form: one message, measured before it is decoded, and RelayState. */
export function readPost(fields: Readonly<Record<string, unknown>>): Checked<PostedMessage> {
  return checking((trail) => {
    const { SAMLRequest: request, SAMLResponse: response, RelayState: relayState } = fields
    const encoded = request ?? response
    if ((request !== undefined && response !== undefined) || typeof encoded !== 'string')
      return refuse('binding', 'There must be one of SAMLRequest and SAMLResponse, once.')
    if (
      relayState !== undefined &&
      (typeof relayState !== 'string' || Buffer.byteLength(relayState) > RELAY_STATE_BYTES_MAX)
    )
      return refuse('relay-state', `RelayState has more than ${RELAY_STATE_BYTES_MAX} bytes.`)
    const xml = textOf(bytesOf(encoded))
    trail.pass('binding', `A message of ${xml.length} characters came by POST.`)
    return { kind: request === undefined ? 'response' : 'request', xml, ...(relayState ? { relayState } : {}) }
  })
}
