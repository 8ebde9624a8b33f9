import type { LogoutResponse } from '../saml/logout.ts'
import { newId } from '../saml/message.ts'
import { STATUS } from '../saml/names.ts'
import type { NameId } from '../saml/provider.ts'
import { AddressRefused } from './fetch-metadata.ts'
import { endpointOf, type LogoutMessages } from './logout-messages.ts'
import type { Known, LogoutRun, Participant, Peer, PeerDirectory, SessionParts, Side } from './logout-ports.ts'
import type { LogoutReach } from './logout-reach.ts'

/** Everybody who takes part in sessions, consoles first; whoever asks for the logout knows already. */
export function participantsOf(
  sessions: readonly SessionParts[],
  asking?: { readonly side: Side; readonly id: string },
): Participant[] {
  const merged = new Map<string, Participant>()
  const add = (side: Side, { id, displayName, nameId, sessionIndex }: Known) => {
    if (asking?.side === side && asking.id === id) return
    const key = JSON.stringify([side, id, nameId])
    const held = merged.get(key)
    const indexes = held?.sessionIndexes ?? [sessionIndex]
    // Without an index it is all sessions of the name.
    const all = sessionIndex === '' || indexes.includes('') || indexes.length === 0
    const sessionIndexes = all ? [] : [...new Set([...indexes, sessionIndex])]
    merged.set(key, { side, id, displayName, nameId, sessionIndexes, outcome: 'waiting', reason: null })
  }
  for (const { consoles } of sessions) for (const console of consoles) add('console', console)
  for (const { provider } of sessions) if (provider) add('provider', provider)
  return [...merged.values()]
}

const NOBODY: NameId = { value: '', format: '', nameQualifier: '', spNameQualifier: '' }

/** A provider by OpenID Connect, which the browser visits. */
export const visited = ({ id, displayName }: Pick<Known, 'id' | 'displayName'>, visit: string): Participant => ({
  ...{ side: 'provider', id, displayName, nameId: NOBODY, sessionIndexes: [], outcome: 'waiting', reason: null, visit },
})

export const notTold = (participant: Participant, reason: string): Participant => ({
  ...participant,
  ...{ outcome: 'not-signed-out', reason },
})

/** What a participant makes of the logout, as it answers. */
export function judged(participant: Participant, { outcome, status }: LogoutResponse): Participant {
  // Whom it does not know is not signed in there.
  if (outcome === 'success' || status.includes(STATUS.unknownPrincipal))
    return { ...participant, outcome: 'signed-out', reason: null }
  if (outcome === 'partial') return { ...participant, outcome: 'partly', reason: 'partial-logout' }
  return notTold(participant, 'status')
}

export interface TellingParts {
  readonly peers: PeerDirectory
  readonly messages: LogoutMessages
  readonly reach: LogoutReach
  /** Whether machines inside may be called where this peer says. */
  readonly allowPrivate: (peer: Peer) => boolean
  readonly now_ms: () => number
  /** The address that the browser visits, with `state` to come back with. */
  readonly openVisit: (visit: string, state: string) => Promise<string>
}

/**
 * How a peer is told. Consoles by machine where they can: nobody has to wait. Providers through the browser where there is
 * one: many know their sessions by its cookie alone.
 */
function wayTo(peer: Peer, browser: boolean): 'soap' | 'redirect' | undefined {
  const [soap, redirect] = [endpointOf(peer, 'soap'), endpointOf(peer, 'redirect')]
  if (browser && redirect && (peer.side === 'provider' || !soap)) return 'redirect'
  return soap ? 'soap' : undefined
}

/** Tells participants that somebody signed out. No peer's failure is more than an outcome. */
export function telling({ peers, messages, reach, allowPrivate, now_ms, openVisit }: TellingParts) {
  async function bySoap(participant: Participant, peer: Peer, browser: boolean): Promise<Participant> {
    const request = await messages.soapRequest(peer, participant, now_ms())
    if (request === undefined) return notTold(participant, 'endpoint')
    try {
      const body = await reach.post(request.url, request.body, allowPrivate(peer))
      const answer = messages.readSoapAnswer(peer, request.requestId, body, now_ms())
      return answer.ok ? judged(participant, answer.value) : notTold(participant, answer.reason)
    } catch (error) {
      const another = error instanceof AddressRefused && browser && endpointOf(peer, 'redirect')
      return another ? participant : notTold(participant, 'no-answer')
    }
  }

  async function atOnce(participant: Participant, browser: boolean): Promise<Participant> {
    if (participant.visit !== undefined) return browser ? participant : notTold(participant, 'no-browser')
    try {
      const peer = await peers.byId(participant.side, participant.id, now_ms())
      if (!peer.ok) return notTold(participant, peer.reason)
      const way = wayTo(peer.value, browser)
      if (way === 'soap') return await bySoap(participant, peer.value, browser)
      if (way === 'redirect') return participant
      return notTold(participant, endpointOf(peer.value, 'redirect') ? 'no-browser' : 'endpoint')
    } catch {
      return notTold(participant, 'fault')
    }
  }

  async function throughBrowser(run: LogoutRun, participant: Participant) {
    if (participant.visit !== undefined) {
      const url = await openVisit(participant.visit, run.id)
      return (await reach.isDown(url, false)) ? notTold(participant, 'no-answer') : { requestId: newId(), url }
    }
    const peer = await peers.byId(participant.side, participant.id, now_ms())
    if (!peer.ok) return notTold(participant, peer.reason)
    const request = await messages.redirectRequest(peer.value, participant, run.id, now_ms())
    if (request === undefined) return notTold(participant, 'endpoint')
    return (await reach.isDown(request.url, allowPrivate(peer.value))) ? notTold(participant, 'no-answer') : request
  }

  return {
    /** Those that can be told by machine, all at the same time; others wait for the browser, where there is one. */
    now: (participants: readonly Participant[], { browser }: { readonly browser: boolean }): Promise<Participant[]> =>
      Promise.all(participants.map((participant) => atOnce(participant, browser))),
    /** The next one that waits for the browser, and where that goes; without an address nobody waits any more. */
    async next(run: LogoutRun): Promise<{ readonly run: LogoutRun; readonly url?: string }> {
      const participants = [...run.participants]
      for (const [index, participant] of participants.entries()) {
        if (participant.outcome !== 'waiting') continue
        const asked = await throughBrowser(run, participant).catch(() => notTold(participant, 'fault'))
        if ('url' in asked)
          return {
            run: { ...run, participants, asked: { requestId: asked.requestId, participant: index } },
            url: asked.url,
          }
        participants[index] = asked
      }
      return { run: { ...run, participants, asked: null } }
    },
  }
}
export type Telling = ReturnType<typeof telling>
