import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { checkLogoutResponse } from '../saml/logout.ts'
import { newId } from '../saml/message.ts'
import { inResponseToOf } from '../saml/response.ts'
import { checkingLater, refuse, type SamlReason } from '../saml/result.ts'
import type { Caller, Sessions } from '../sessions.ts'
import { browserMark, isBrowser } from './browser.ts'
import type { SignInLedger } from './ledger.ts'
import { type Arrived, type Arriving, readArriving } from './logout-messages.ts'
import type {
  Beginner,
  EndingAccount,
  LogoutRun,
  LogoutRunStore,
  Participant,
  Peer,
  SessionParts,
  Side,
} from './logout-ports.ts'
import { type LogoutRequestParts, type LogoutSeen, sessionsOf, takeRequest } from './logout-requests.ts'
import { judged, notTold, participantsOf, type Telling, visited } from './logout-telling.ts'
import type { LogoutVisits } from './logout-visits.ts'
import { fallsShort, isOver, outcomeOf, reportOf, SIGNED_OUT, toldWords } from './logout-words.ts'

export interface LogoutParts extends LogoutRequestParts {
  readonly runs: LogoutRunStore
  readonly telling: Telling
  readonly keeper: Pick<Sessions, 'end'>
  readonly visits: Pick<LogoutVisits, 'of'>
  readonly ledger: SignInLedger
  readonly clock?: Clock
}

/** Where a message or a browser comes from. */
export interface LogoutFrom {
  readonly address: string
  /** The cookie that binds what was begun to a browser. */
  readonly browser: string | undefined
}

interface Refused {
  readonly kind: 'refused'
  readonly reason: SamlReason
  readonly reference: string
}
/** Where the browser goes on to; `browser`: the cookie that it comes back with, where it will. */
export interface GoOn {
  readonly kind: 'go'
  readonly url: string
  readonly browser?: string
}
export type Stepped = GoOn | Refused
export type AnsweredBySoap = { readonly kind: 'answer'; readonly body: string } | Refused

export interface SignedOut {
  /** Where a browser goes on to, so that the others are told. */
  readonly next: string
  readonly participants: readonly Participant[]
}

export interface Logout {
  /** Ends the caller's session; `everywhere`: and tells all who take part in it. Whatever those do, the session has ended. */
  signOut(caller: Pick<Caller, 'session'>, options: { readonly everywhere: boolean }): Promise<SignedOut>
  /**
   * The browser begins its way to those who wait for it, or gives up the one who did not answer. `returned`: the one whom it
   * visited sends it back.
   */
  resume(id: string, from: LogoutFrom, returned?: boolean): Promise<GoOn>
  /** A request, or an answer to one of ours, that a browser brings. */
  take(side: Side, arriving: Arriving, from: LogoutFrom): Promise<Stepped>
  takeBySoap(side: Side, body: Uint8Array, address: string): Promise<AnsweredBySoap>
  /** Ends a session that nobody signs out of: its consoles are told as far as they can be without a browser. */
  end(session: string): Promise<void>
  /** Writes down and forgets those that came to no end; answers how many. */
  expire(): Promise<number>
}

const RUN_LIFE_MS = 5 * 60_000
/** Where a browser goes on with a logout. */
export const SIGN_OUT = '/sign-out'
const ACTION = 'session.logout'

const asPeer = ({ side, ...peer }: Pick<Peer, 'side' | 'id' | 'name' | 'tenantId'>) => ({ [side]: peer })

/** Single logout, whoever begins it: here, the provider that somebody came from, or a console that they went on to. */
export function singleLogout(parts: LogoutParts): Logout {
  const { peers, messages, sessions, runs, telling, keeper, visits, ledger, clock = systemClock } = parts

  /** Everybody who takes part, but who asks. To be asked before the sessions end. */
  async function everybody(ending: readonly SessionParts[], asking?: Peer): Promise<Participant[]> {
    const visiting = ending.map(async ({ hash, openId }) => {
      const visit = openId && (await visits.of(hash).catch(() => undefined))
      return openId && visit !== undefined ? [visited(openId, visit)] : []
    })
    return [...participantsOf(ending, asking), ...(await Promise.all(visiting)).flat()]
  }

  const runOf = (
    beganBy: Beginner,
    account: EndingAccount | null,
    participants: readonly Participant[],
  ): LogoutRun => ({
    ...{ id: newId(), browserHash: null, beganBy, account, participants, asked: null },
    expiresAt_ms: clock.now_ms() + RUN_LIFE_MS,
  })

  const ended = ({ account, participants }: Pick<LogoutRun, 'account' | 'participants'>, address: string) =>
    ledger.done({
      ...{ action: ACTION, address, account: account ?? undefined, detail: toldWords(participants) },
      ...fallsShort(participants),
    })

  /** Where the browser goes once nobody waits any more. */
  async function finish(run: LogoutRun, address: string): Promise<string> {
    await ended(run, address)
    const { beganBy, participants } = run
    if (beganBy.kind === 'here') return reportOf(run.participants)
    const peer = await peers.byId(beganBy.side, beganBy.id, clock.now_ms())
    const { requestId, relayState } = beganBy
    const answer =
      peer.ok &&
      (await messages.redirectAnswer(peer.value, requestId, outcomeOf(participants), relayState, clock.now_ms()))
    return answer || reportOf(run.participants)
  }

  async function proceed(run: LogoutRun, browser: string, address: string): Promise<GoOn> {
    const { run: moved, url } = await telling.next(run)
    await runs.save(moved)
    return { kind: 'go', url: url ?? (await finish(moved, address)), browser }
  }

  const refused = async (
    { peer, name }: LogoutSeen,
    { reason, detail }: { readonly reason: SamlReason; readonly detail: string },
    address: string,
  ): Promise<Refused> => {
    const subject = name?.slice(0, 200)
    const event = { action: ACTION, address, ...(peer && asPeer(peer)), subject, detail, reason }
    return { kind: 'refused', reason, reference: await ledger.refused(event) }
  }

  /** Checks a request, ends the sessions that it means, and tells those who can be told at once. */
  async function obey(side: Side, arriving: Arriving, arrived: Arrived, address: string) {
    const seen: LogoutSeen = {}
    const checked = await checkingLater(async (trail) => {
      const { peer, request } = await takeRequest(parts, side, arrived, clock.now_ms(), trail, seen)
      return { peer, request, ...(await sessionsOf(parts, peer, request)) }
    })
    if (!checked.ok) return refused(seen, checked, address)
    const { peer, request, foreign, sessions: meant } = checked.value
    if (foreign) {
      // It is proved who asks: the answer says no, and the audit log why.
      const detail = 'The name is not the one that the sessions of this person have: its format or qualifiers differ.'
      await refused(seen, { reason: 'name-id', detail }, address)
      return { kind: 'obeyed', peer, request, foreign, account: null, participants: [] } as const
    }
    const taking = await everybody(meant, peer)
    for (const { hash } of meant) await keeper.end(hash)
    const account = meant[0]?.account ?? null
    const participants = await telling.now(taking, { browser: arriving.binding !== 'soap' })
    const how = `${peer.displayName} asked for it (${arriving.binding}). ${meant.length} sessions ended.`
    await ledger.done({
      ...{ action: ACTION, address, ...asPeer(peer), account: account ?? undefined },
      ...{
        subject: seen.name?.slice(0, 200),
        detail: `${how} ${toldWords(participants)}`,
        ...fallsShort(participants),
      },
    })
    return { kind: 'obeyed', peer, request, foreign, account, participants } as const
  }

  async function takeRequestOf(side: Side, arriving: Arriving, arrived: Arrived, from: LogoutFrom): Promise<Stepped> {
    const obeyed = await obey(side, arriving, arrived, from.address)
    if (obeyed.kind === 'refused') return obeyed
    const { peer, request, account, participants, foreign } = obeyed
    const relayState = arrived.relayState ?? null
    if (!isOver(participants)) {
      const { cookie, hash } = browserMark(from.browser)
      const beganBy = { kind: 'peer', side, id: peer.id, requestId: request.id, relayState } as const
      const run = { ...runOf(beganBy, account, participants), browserHash: hash }
      await runs.insert(run)
      return proceed(run, cookie, from.address)
    }
    const outcome = foreign ? 'requester' : outcomeOf(participants)
    const url = await messages.redirectAnswer(peer, request.id, outcome, relayState, clock.now_ms())
    return { kind: 'go', url: url ?? SIGNED_OUT }
  }

  /** An answer to the request that is out: it counts once, in the browser that brought the request. */
  async function takeAnswer(side: Side, { xml, arrival, relayState }: Arrived, from: LogoutFrom): Promise<Stepped> {
    const seen: LogoutSeen = {}
    const checked = await checkingLater(async (trail) => {
      const now_ms = clock.now_ms()
      const run = await runs.findAsked(inResponseToOf(xml) ?? '', now_ms)
      const participant = run?.asked ? run.participants[run.asked.participant] : undefined
      if (!run?.asked || participant?.side !== side)
        return refuse('in-response-to', 'There is no request that it answers: none was made, or it was answered.')
      const { requestId, participant: index } = run.asked
      const { browser } = from
      if (browser === undefined || !isBrowser(run.browserHash ?? '', browser))
        return refuse('browser', 'The logout belongs to another browser.')
      if (relayState !== undefined && relayState !== run.id)
        refuse('relay-state', 'RelayState is not the one that went with the request.')
      const peer = trail.take(await peers.byId(side, participant.id, now_ms))
      seen.peer = peer
      const destination = messages.us(side).sloUrl
      const { skew_ms } = peer
      const input = { sender: peer, arrival, destination, now_ms, skew_ms, requestId }
      const answer = trail.take(checkLogoutResponse(xml, input))
      if (!(await runs.claim(run.id, requestId))) refuse('replay', 'The answer was used before.')
      return {
        run: { ...run, asked: null, participants: run.participants.with(index, judged(participant, answer)) },
        browser,
      }
    })
    if (!checked.ok) return refused(seen, checked, from.address)
    return proceed(checked.value.run, checked.value.browser, from.address)
  }

  return {
    async signOut({ session }, { everywhere }) {
      const found = everywhere ? await sessions.byHash(session).catch(() => undefined) : undefined
      const taking = found ? await everybody([found]) : []
      await keeper.end(session)
      if (!found) return { next: SIGNED_OUT, participants: [] }
      const participants = await telling.now(taking, { browser: true })
      if (isOver(participants)) return { next: reportOf(participants), participants }
      const run = runOf({ kind: 'here' }, found.account, participants)
      await runs.insert(run)
      return { next: `${SIGN_OUT}?run=${run.id}`, participants }
    },
    async resume(id, from, returned = false) {
      const run = await runs.find(id, clock.now_ms())
      const { cookie, hash } = browserMark(from.browser)
      if (!run) return { kind: 'go', url: SIGNED_OUT }
      if (run.browserHash === null) {
        if (!(await runs.bind(id, hash))) return { kind: 'go', url: SIGNED_OUT }
        return proceed({ ...run, browserHash: hash }, cookie, from.address)
      }
      if (run.browserHash !== hash) return { kind: 'go', url: SIGNED_OUT }
      const { asked, participants } = run
      if (!asked || !(await runs.claim(id, asked.requestId))) return { kind: 'go', url: reportOf(participants) }
      const passed = (one: Participant): Participant =>
        returned && one.visit !== undefined ? { ...one, outcome: 'signed-out' } : notTold(one, 'no-answer')
      const others = participants.map((one, index) => (index === asked.participant ? passed(one) : one))
      return proceed({ ...run, asked: null, participants: others }, cookie, from.address)
    },
    async take(side, arriving, from) {
      const arrived = readArriving(arriving)
      if (!arrived.ok) return refused({}, arrived, from.address)
      return arrived.value.kind === 'request'
        ? takeRequestOf(side, arriving, arrived.value, from)
        : takeAnswer(side, arrived.value, from)
    },
    async takeBySoap(side, body, address) {
      const arriving = { binding: 'soap', body } as const
      const arrived = readArriving(arriving)
      if (!arrived.ok) return refused({}, arrived, address)
      const obeyed = await obey(side, arriving, arrived.value, address)
      if (obeyed.kind === 'refused') return obeyed
      const { peer, request, participants, foreign } = obeyed
      const outcome = foreign ? 'requester' : outcomeOf(participants)
      return { kind: 'answer', body: await messages.soapAnswer(peer, request.id, outcome, clock.now_ms()) }
    },
    async end(session) {
      const found = await sessions.byHash(session).catch(() => undefined)
      await keeper.end(session)
      const consoles = found ? participantsOf([found]).filter(({ side }) => side === 'console') : []
      if (!found || consoles.length === 0) return
      await ended({ account: found.account, participants: await telling.now(consoles, { browser: false }) }, '')
    },
    async expire() {
      const over = await runs.takeExpired(clock.now_ms())
      const open = over.filter(({ participants }) => !isOver(participants))
      for (const run of open) {
        const participants = run.participants.map((one) =>
          one.outcome === 'waiting' ? notTold(one, 'no-answer') : one,
        )
        await ended({ ...run, participants }, '')
      }
      return open.length
    },
  }
}
