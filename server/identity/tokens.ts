import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { accessAt } from './access.ts'
import { accountIn } from './context/judge.ts'
import { type Duty, meets, type SecondFactor } from './duties.ts'
import type { AccountRecord, StoredToken, TokenDirectory, Whence } from './ports.ts'
import type { Caller, Sessions } from './sessions.ts'

const TOKEN_BYTES = 32
/** So many first characters tell tokens apart, and help nobody to guess the rest. */
const SHOWN = 12
/** Use is written down this often at most: a script that polls must not write with each request. */
const TOUCH_MS = 60_000
const TOKEN = /^weft_([A-Za-z0-9_-]{43})([A-Za-z0-9_-]{6})$/

/** By it, whoever finds such a text knows without asking us that it is a token, and not something that looks like one. */
function checksum(secret: string): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(secret))
  return sum.toString('base64url')
}

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex')

/** Whether a text has the form of a token: `weft_`, 256 random bits in base64url, and their CRC-32 in the same. */
export function isToken(text: string): boolean {
  const [, secret, sum] = TOKEN.exec(text) ?? []
  return secret !== undefined && sum === checksum(secret)
}

/** A new token: the text is shown once, and only its hash is kept. */
export function newToken(): { token: string; hash: string; prefix: string } {
  const secret = randomBytes(TOKEN_BYTES).toString('base64url')
  const token = `weft_${secret}${checksum(secret)}`
  return { token, hash: hashOf(token), prefix: token.slice(0, SHOWN) }
}

/** What is asked of whoever owns a token. */
export interface TokenRules {
  /** What sign-in has to prove at least: nobody acts here by a token who could not come in themselves. */
  readonly secondFactor: SecondFactor
  readonly clock?: Clock
}

/** What its owner has to settle before a token is good for anything. */
function owedByOwner(
  { providerId, passwordEndsAt_ms }: AccountRecord,
  { ownerMethods }: StoredToken,
  asked: SecondFactor,
) {
  const proves = asked === 'optional' || providerId !== null || ownerMethods.some((method) => meets(method, asked))
  const owes: Duty[] = passwordEndsAt_ms === null ? [] : ['password']
  return proves ? owes : [...owes, 'second-factor' as const]
}

/** Who a token stands for: its owner as they are now, with what both may do where it counts. */
export async function callerOfToken(
  tokens: TokenDirectory,
  text: string,
  from: Whence | undefined,
  { secondFactor, clock = systemClock }: TokenRules,
): Promise<Caller | undefined> {
  if (!isToken(text)) return undefined
  const found = await tokens.find(hashOf(text))
  const now_ms = clock.now_ms()
  if (!found || found.token.expiresAt_ms <= now_ms || found.account.state !== 'active') return undefined
  const { token } = found
  const { account, idle } = accountIn(found.account, from, now_ms)
  const { id, name, tenantId, siteId, createdAt_ms, expiresAt_ms, usedAt_ms } = token
  if (usedAt_ms === null || now_ms - usedAt_ms >= TOUCH_MS) await tokens.touch(id, now_ms, from?.address ?? '')
  const access = accessAt(account.bindings, token)
  const given = new Set(token.rights)
  const rights = access.rights.intersection(given)
  return {
    ...{ account, idle, signals: [], session: '', method: 'token' },
    ...{ expiresAt_ms, authenticatedAt_ms: createdAt_ms, freshUntil_ms: expiresAt_ms },
    owes: owedByOwner(account, token, secondFactor),
    ...{ access: { ...access, rights }, rights, scope: { tenantId, siteId }, token: { id, name, rights: given } },
  }
}

/** Sessions that know tokens too: whoever asks who somebody is need not know which of the two they came with. */
export const withTokens = (sessions: Sessions, tokens: TokenDirectory, rules: TokenRules): Sessions => ({
  ...sessions,
  find: (id, from) => (TOKEN.test(id) ? callerOfToken(tokens, id, from, rules) : sessions.find(id, from)),
  look: (id, from) => (TOKEN.test(id) ? callerOfToken(tokens, id, from, rules) : sessions.look(id, from)),
})
