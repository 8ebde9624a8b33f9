import { checkLogoutRequest, type LogoutRequest } from '../saml/logout.ts'
import type { SamlDecrypter } from '../saml/provider.ts'
import { issuerOf } from '../saml/response.ts'
import { refuse, type Trail } from '../saml/result.ts'
import type { EndedSessions } from './arrival-ports.ts'
import type { Arrived, LogoutMessages } from './logout-messages.ts'
import { nameKey } from './logout-names.ts'
import type { LogoutSessions, Peer, PeerDirectory, SessionParts, Side } from './logout-ports.ts'
import type { SignInRequestStore } from './ports.ts'

export interface LogoutRequestParts {
  readonly peers: PeerDirectory
  readonly messages: LogoutMessages
  readonly sessions: LogoutSessions
  readonly seen: Pick<SignInRequestStore, 'firstTime'>
  readonly decrypter: SamlDecrypter
  readonly ended: Pick<EndedSessions, 'end'>
}

/** What came to light of a message, whether or not it holds. */
export interface LogoutSeen {
  peer?: Peer
  /** The name in it: proved. */
  name?: string
}

/** Seen messages are remembered a little longer than they could be used. */
const MARGIN_MS = 60_000

/** Checks a request in full and uses it up. Refuses inside `checkingLater`. */
export async function takeRequest(
  { peers, messages, seen: store, decrypter, ended }: LogoutRequestParts,
  side: Side,
  { xml, arrival }: Arrived,
  now_ms: number,
  trail: Trail,
  seen: LogoutSeen,
): Promise<{ readonly peer: Peer; readonly request: LogoutRequest }> {
  const peer = trail.take(await peers.byEntity(side, trail.take(issuerOf(xml)), now_ms))
  seen.peer = peer
  const { sloUrl, sloSoapUrl } = messages.us(side)
  const destination = arrival.binding === 'soap' ? sloSoapUrl : sloUrl
  const { skew_ms } = peer
  const input = { sender: peer, arrival, destination, now_ms, skew_ms, decrypter }
  const request = trail.take(await checkLogoutRequest(xml, input))
  seen.name = request.nameId.value
  if (!(await store.firstTime('logout', peer.id, request.id, request.acceptedUntil_ms + MARGIN_MS)))
    refuse('replay', 'The request was used before.')
  if (side === 'provider') {
    const { nameId, sessionIndexes, issueInstant_ms, acceptedUntil_ms } = request
    const key = nameKey(nameId, peer.entityId, messages.us(side).entityId)
    await ended.end(peer.id, key, sessionIndexes, issueInstant_ms, acceptedUntil_ms)
  }
  return { peer, request }
}

/** The sessions that a request means; `foreign`: its name is one that somebody else gave, or for somebody else. */
export async function sessionsOf(
  { sessions, messages }: Pick<LogoutRequestParts, 'sessions' | 'messages'>,
  peer: Peer,
  { nameId, sessionIndexes }: LogoutRequest,
): Promise<{ readonly sessions: readonly SessionParts[]; readonly foreign: boolean }> {
  const { side, id, entityId } = peer
  const ours = messages.us(side).entityId
  const [from, to] = side === 'provider' ? [entityId, ours] : [ours, entityId]
  const wanted = nameKey(nameId, from, to)
  const found = await (side === 'provider' ? sessions.ofProvider : sessions.ofConsole)(id, nameId.value)
  const named = found.flatMap((session) => {
    const known = side === 'provider' ? session.provider : session.consoles.find((console) => console.id === id)
    return known && nameKey(known.nameId, from, to) === wanted ? [{ session, index: known.sessionIndex }] : []
  })
  const meant = named.filter(({ index }) => sessionIndexes.length === 0 || sessionIndexes.includes(index))
  return { sessions: meant.map(({ session }) => session), foreign: found.length > 0 && named.length === 0 }
}
