import { createHash, randomBytes } from 'node:crypto'
import type { AccountRecord } from '../ports.ts'
import type { Arrival, ArrivalStore } from './arrival-ports.ts'
import { browserMark } from './browser.ts'

/** How long somebody has to say that they want to come in. */
const LIFE_MS = 5 * 60_000

export const arrivalHash = (id: string): string => createHash('sha256').update(id).digest('hex')

/**
 * Whether its person has done nothing here for it: it began at the provider, or a page of somebody else sent the browser
 * there. Whoever was signed in here already, and came back, did.
 */
export const isUnbidden = <K>({ request, memory }: Arrival<K>, account: AccountRecord): boolean =>
  request === undefined || (memory.unbidden === true && memory.account !== account.id)

/** Keeps somebody at the door, for the browser that they came with: the id, and the cookie that binds it. */
export async function keepArrival<K>(
  store: Pick<ArrivalStore, 'insert'>,
  { provider, request, said, memory, returnTo, proof, authentication, known }: Arrival<K>,
  account: AccountRecord,
  held: string | undefined,
  now_ms: number,
): Promise<{ readonly id: string; readonly browser: string }> {
  const id = randomBytes(32).toString('base64url')
  const { cookie, hash: browserHash } = browserMark(held)
  await store.insert({
    ...{ hash: arrivalHash(id), providerId: provider.id, account, browserHash, unsolicited: request === undefined },
    proved: { said, memory, returnTo, proof, authentication, known },
    expiresAt_ms: Math.min(now_ms + LIFE_MS, proof.endsAt_ms ?? Number.POSITIVE_INFINITY),
  })
  return { id, browser: cookie }
}
