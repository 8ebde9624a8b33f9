import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Whence } from '#server/identity/ports.ts'

/** Goes with a page's request to the web server, which sends it back with what it reads for that page. */
export const PASSAGE = 'x-weft-passage'

const LIFE_MS = 600_000
/** Of this process alone: nobody else makes a passage. */
const KEY = randomBytes(32)

const Passage = z.object({ address: z.string(), agent: z.string(), until_ms: z.number() })

const macOf = (body: string) => createHmac('sha256', KEY).update(body).digest()

const direct = ({ ip, headers }: FastifyRequest): Whence => ({ address: ip, agent: headers['user-agent'] ?? '' })

/** What the web server must send along for its reads to be judged as those of the browser that asks for the page. */
export function passageFor(request: FastifyRequest, now_ms = Date.now()): string {
  const body = Buffer.from(JSON.stringify({ ...direct(request), until_ms: now_ms + LIFE_MS })).toString('base64url')
  return `${body}.${macOf(body).toString('base64url')}`
}

function readPassage(text: string, now_ms: number): Whence | undefined {
  const [body = '', mac = ''] = text.split('.')
  const [given, right] = [Buffer.from(mac, 'base64url'), macOf(body)]
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined
  const { address, agent, until_ms } = Passage.parse(JSON.parse(Buffer.from(body, 'base64url').toString()))
  return now_ms < until_ms ? { address, agent } : undefined
}

/** Where a request comes from: the browser itself, or the one for which the web server makes a page. */
export function whenceOf(request: FastifyRequest, now_ms = Date.now()): Whence {
  const passage = request.headers[PASSAGE]
  return (typeof passage === 'string' ? readPassage(passage, now_ms) : undefined) ?? direct(request)
}
