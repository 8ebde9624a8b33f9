import type { AccountRecord, StoredSession, Whence } from '../ports.ts'
import { networkOf } from './network.ts'

/** Something that is otherwise than when the person of a session last proved who they are. */
export interface Signal {
  readonly kind: 'address' | 'agent' | 'failed-tries'
  /** After "asks anew: ". */
  readonly words: string
}

/** Networks of a session in which its person proved who they are: some browsers go by IPv4 and IPv6 in turn. */
const NETWORKS_MAX = 4

/** As much of it as is kept. */
export const shownAgent = (agent: string): string => agent.slice(0, 200)

/** The networks of a session once its person proved in one more who they are. */
export const provedIn = (networks: readonly string[], address: string): string[] =>
  [networkOf(address), ...networks.filter((one) => one !== networkOf(address))].slice(0, NETWORKS_MAX)

interface Proved {
  readonly session: Pick<StoredSession, 'provedNetworks' | 'provedAgent' | 'authenticatedAt_ms'>
  readonly account: Pick<AccountRecord, 'failedAt_ms'>
}

/** What has changed since the last proof: whatever that is, dangerous acts need one that is newer. */
export function signalsOf({ session, account }: Proved, { address, agent }: Whence): Signal[] {
  const signals: Signal[] = []
  const { provedNetworks, provedAgent, authenticatedAt_ms } = session
  if (!provedNetworks.includes(networkOf(address)))
    signals.push({ kind: 'address', words: `address changed from ${provedNetworks[0] ?? 'what is not known'}` })
  if (shownAgent(agent) !== provedAgent) signals.push({ kind: 'agent', words: 'another browser or program' })
  if (account.failedAt_ms !== null && account.failedAt_ms > authenticatedAt_ms)
    signals.push({ kind: 'failed-tries', words: 'somebody tried to sign in and failed' })
  return signals
}

/**
 * Whether somebody else has come by the session. A person who moves keeps the browser, and a browser is renewed where it
 * is: both at once is so rare that they had better sign in again.
 */
export const isTaken = (signals: readonly Signal[]): boolean =>
  signals.some(({ kind }) => kind === 'address') && signals.some(({ kind }) => kind === 'agent')
