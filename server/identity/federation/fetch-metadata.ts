import {
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import ipaddr from 'ipaddr.js'
import { type Outbound, OutboundRefused, pinned, targetOf } from '#server/outbound/guard.ts'

/** Why an address was not fetched, for the person who gave it. */
export class FetchRefused extends Error {
  override readonly name = 'FetchRefused'
  /** What to do about it, where that is known. */
  readonly mend: string | undefined

  constructor(message: string, mend?: string) {
    super(message)
    this.mend = mend
  }
}

/** It is not asked at all: its address is not one for machines of ours to call. */
export class AddressRefused extends FetchRefused {}

export interface FetchLimits {
  readonly bytes: number
  readonly time_ms: number
  /** Loopback, private and link-local addresses may be fetched, and plain http: for installations without the internet. */
  readonly allowPrivate: boolean
  /** What is asked besides. */
  readonly outbound: Outbound
}

/** Whether an address is one of the public internet: nothing inside, nothing special, also when written as mapped IPv4. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  return ipaddr.process(address).range() === 'unicast'
}

/** Resolves the name once: the connection goes to the very address that was looked at. */
export async function addressOf(
  url: URL,
  { allowPrivate, outbound }: Pick<FetchLimits, 'allowPrivate' | 'outbound'>,
): Promise<{ address: string; family: number }> {
  const target = targetOf(url)
  const found = await outbound.addresses(target).catch((error: unknown) => {
    if (error instanceof OutboundRefused) throw new AddressRefused(error.message, error.mend)
    throw new FetchRefused(`${target.host} has no address.`)
  })
  const hidden = found.find(({ address }) => !isPublicAddress(address))
  if (hidden && !allowPrivate)
    throw new AddressRefused(`${target.host} is ${hidden.address}, which is not on the public internet.`)
  return found[0]
}

function read(answer: IncomingMessage, { bytes }: FetchLimits): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let length = 0
    answer.on('data', (part: Buffer) => {
      length += part.length
      if (length > bytes) {
        answer.destroy()
        reject(new FetchRefused(`It is longer than ${bytes} bytes.`))
      } else parts.push(part)
    })
    answer.once('end', () => resolve(Buffer.concat(parts).toString('utf8')))
    answer.once('error', reject)
    // A server that goes away in the middle ends the stream without an end.
    answer.once('close', () => reject(new FetchRefused('It ended too early.')))
  })
}

function ask(url: URL, options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest
    const sent: ClientRequest = start(url, options, resolve)
    sent.once('error', reject)
    sent.end(body)
  })
}

/** What is sent, beside the address. */
export interface Sent {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface BoundedAnswer {
  readonly status: number
  readonly headers: Readonly<IncomingHttpHeaders>
  readonly text: string
}

/**
 * Asks a server that somebody named: https, one address that was looked at first, no redirects, bounded size and time.
 * Throws `FetchRefused`.
 */
export async function exchangeBounded(address: string, sent: Sent, limits: FetchLimits): Promise<BoundedAnswer> {
  const url = new URL(address)
  if (url.protocol !== 'https:' && !limits.allowPrivate) throw new AddressRefused('Only https is fetched.')
  if (url.username || url.password) throw new FetchRefused('An address with a password is not fetched.')
  const resolved = await addressOf(url, limits)
  const signal = AbortSignal.timeout(limits.time_ms)
  try {
    const { method, headers, body } = sent
    const answer = await ask(url, { signal, agent: false, method, headers, lookup: pinned([resolved]) }, body)
    return { status: answer.statusCode ?? 0, headers: answer.headers, text: await read(answer, limits) }
  } catch (error) {
    if (error instanceof FetchRefused) throw error
    if (signal.aborted) throw new FetchRefused(`It took longer than ${limits.time_ms} ms.`)
    throw new FetchRefused((error as Error).message)
  }
}

/** Asks as `exchangeBounded` does; nothing but 200 is an answer. Throws `FetchRefused`. */
export async function askBounded(address: string, sent: Sent, limits: FetchLimits): Promise<string> {
  const { status, text } = await exchangeBounded(address, sent, limits)
  if (status !== 200) throw new FetchRefused(`It answered ${status}.`)
  return text
}

/** Fetches metadata, as `askBounded` does. Throws `FetchRefused`. */
export const fetchMetadata = (address: string, limits: FetchLimits): Promise<string> =>
  askBounded(
    address,
    { method: 'GET', headers: { accept: 'application/samlmetadata+xml, application/xml, text/xml' } },
    limits,
  )
