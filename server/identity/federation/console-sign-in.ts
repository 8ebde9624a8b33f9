import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { newId } from '../saml/message.ts'
import { BINDING } from '../saml/names.ts'
import type { SpDescription } from '../saml/provider.ts'
import { type Checked, checkingLater, refuse, type SamlReason } from '../saml/result.ts'
import type { Caller } from '../sessions.ts'
import { browserMark, isBrowser } from './browser.ts'
import { type AnswerParts, answerConsole, type Posted, refuseConsole } from './console-answer.ts'
import { localContexts, upstreamContexts } from './console-contexts.ts'
import { type Decision, decide, type Present } from './console-decision.ts'
import type {
  Asked,
  ConsoleDirectory,
  ConsoleRecord,
  ConsoleRequest,
  ConsoleRequestStore,
  ConsoleSessionStore,
} from './console-ports.ts'
import { type Carried, type ReceiveParts, receiveRequest, refuseClosed } from './console-receive.ts'
import { providerFor, signInPage, welcomeFor, wishFor } from './console-way.ts'
import type { SignInLedger } from './ledger.ts'
import type { ProviderDirectory, SamlSessionStore } from './ports.ts'
import { continueAt, handleIn } from './return-path.ts'
import type { SamlSignIn } from './saml-sign-in.ts'
import { REQUEST_LIFE_MS, type Wish } from './wish.ts'

/** A browser that comes by, and who is signed in there. */
export interface Visit {
  readonly address: string
  /** The cookie that binds requests to this browser, where it has one. */
  readonly browser: string | undefined
  readonly caller: Caller | undefined
  /** A page of somebody else sent the browser: nobody did anything for it here. */
  readonly unbidden: boolean
}

export type Onward =
  /** Where the browser goes on to, and the cookie that it comes back with. */
  | { readonly kind: 'go'; readonly url: string; readonly browser: string }
  /** It posts this to the console. */
  | { readonly kind: 'post'; readonly posted: Posted; readonly console: ConsoleRecord }
  | { readonly kind: 'refused'; readonly reason: SamlReason; readonly reference: string }

export interface ConsoleSignInParts extends AnswerParts, ReceiveParts {
  readonly consoles: ConsoleDirectory
  readonly waiting: ConsoleRequestStore
  readonly sessions: ConsoleSessionStore
  readonly samlSessions: Pick<SamlSessionStore, 'ofSession'>
  readonly providers: Pick<ProviderDirectory, 'byId' | 'byIssuer' | 'offered'>
  readonly saml: Pick<SamlSignIn, 'begin'>
  readonly ledger: SignInLedger
  /** People reach us over TLS. */
  readonly secure: boolean
  readonly clock?: Clock
}

export interface ConsoleSignIn {
  /** A console's request. The session that comes along is not looked at: another site may have sent it. */
  receive(carried: Carried, from: Pick<Visit, 'address' | 'browser'>): Promise<Onward>
  /** Somebody opens a console from here. */
  launch(consoleId: string, from: Pick<Visit, 'address' | 'browser'>): Promise<Onward>
  /** Goes on with what a console waits for. `refused`: a provider that was asked said no. */
  goOn(handle: string, from: Visit, refused: boolean): Promise<Onward>
  /** What is asked of a provider that somebody chose on the sign-in page; undefined: no console waits for them. */
  wish(
    returnTo: string | undefined,
    browser: string | undefined,
  ): Promise<Pick<Wish, 'purpose' | 'returnTo' | 'ask'> | undefined>
}

const ACTION = 'signIn.console'

/** Bytes of RelayState that every service provider takes (bindings 3.5.3). */
const RELAY_STATE_MAX = 80

/** What is asked where nobody asked: somebody opens a console from here. */
function unasked({ homeUrl }: ConsoleRecord, { assertionConsumers }: SpDescription, begun_ms: number): Asked {
  const posts = assertionConsumers.filter(({ binding }) => binding === BINDING.post)
  const [first] = posts.toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault) || a.index - b.index)
  const fits = homeUrl !== null && Buffer.byteLength(homeUrl) <= RELAY_STATE_MAX
  return {
    ...{ id: null, acsUrl: first?.location ?? '', relayState: fits ? homeUrl : null, begun_ms },
    ...{ forceAuthn: false, isPassive: false, authnContext: null, nameIdFormat: null, allowCreate: true },
    ...{ proxyCount: null, idpList: [], requesterIds: [], subject: null },
  }
}

/** Sign-in to the consoles of VNFs, to which we are the identity provider. */
export function consoleSignIn(parts: ConsoleSignInParts): ConsoleSignIn {
  const { consoles, waiting, sessions, providers, ledger, clock = systemClock } = parts

  type Seen = { console?: ConsoleRecord; caller?: Caller | undefined }
  const eventOf = ({ console, caller }: Seen, address: string) => ({
    ...{ action: ACTION, address, ...(console && { console }) },
    ...(caller && { account: caller.account }),
  })
  const refusedWith = async (checked: Extract<Checked<never>, { ok: false }>, seen: Seen, address: string) => {
    const { reason, detail } = checked
    const reference = await ledger.refused({ ...eventOf(seen, address), detail, reason })
    return { kind: 'refused', reason, reference } as const
  }

  /** Keeps what a console asks, for the browser that brought it. */
  async function keep(console: ConsoleRecord, asked: Asked, held: string | undefined): Promise<Onward> {
    const { cookie, hash } = browserMark(held)
    const [id, expiresAt_ms] = [newId(), asked.begun_ms + REQUEST_LIFE_MS]
    await waiting.insert({ id, consoleId: console.id, browserHash: hash, asked, expiresAt_ms })
    return { kind: 'go', url: continueAt(id), browser: cookie }
  }

  async function presentOf(caller: Caller | undefined): Promise<Present | undefined> {
    if (!caller) return undefined
    const { providerId } = caller.account
    const provider = providerId === null ? undefined : await providers.byId(providerId)
    if (!provider) return { caller, upstream: undefined, contexts: localContexts(caller.method, parts.secure) }
    const session = await parts.samlSessions.ofSession(caller.session)
    const upstream = {
      ...{ entityId: provider.issuer, skew_ms: provider.options.skew_ms },
      ...{ authorities: session?.authorities ?? [], proxyCount: session?.proxyCount ?? null },
    }
    return { caller, upstream, contexts: upstreamContexts(session?.authnContext ?? '') }
  }

  /** The request behind a handle, in the browser that brought it, with its console. Refuses inside `checkingLater`. */
  async function found(handle: string, browser: string | undefined, now_ms: number, seen: Seen) {
    const request = await waiting.find(handle, now_ms)
    if (!request) return refuse('in-response-to', 'No console waits for that: it was answered, or is too old.')
    if (!isBrowser(request.browserHash, browser)) refuse('browser', 'The request was brought by another browser.')
    const console = await consoles.byId(request.consoleId)
    if (!console) return refuse('unknown-provider', 'The console is gone.')
    seen.console = console
    return { request, console: refuseClosed(console) }
  }

  /** Sends somebody away to sign in: to a provider, or to the page where they choose. */
  async function send(
    console: ConsoleRecord,
    request: ConsoleRequest,
    present: Present | undefined,
    { browser, address, caller, unbidden }: Visit,
    fresh: boolean,
  ): Promise<Onward> {
    await waiting.send(request.id, caller?.session ?? null)
    const { asked } = request
    const welcome = await welcomeFor(asked, parts.own.entityId, providers)
    const provider = await providerFor(console, asked, welcome, present, providers)
    const mark = browserMark(browser).cookie
    if (provider === undefined) return { kind: 'go', url: signInPage(request.id, console, fresh), browser: mark }
    if (provider.protocol !== 'saml') {
      const query = new URLSearchParams({ idp: provider.name, returnTo: continueAt(request.id) })
      return { kind: 'go', url: `/${provider.protocol}/login?${query}`, browser: mark }
    }
    const wish = { ...wishFor(request, console.entityId), browser: mark, caller, unbidden }
    const begun = await parts.saml.begin(provider, wish, address)
    return begun.ok ? { kind: 'go', url: begun.url, browser: begun.browser } : { kind: 'refused', ...begun }
  }

  /** The last step, once: whatever else comes with the same handle finds nothing. Refuses inside `checkingLater`. */
  async function conclude(
    console: ConsoleRecord,
    sp: SpDescription,
    { id, asked }: ConsoleRequest,
    decision: Exclude<Decision, { kind: 'sign-in' }>,
    seen: Seen,
    address: string,
  ): Promise<Onward> {
    const now_ms = clock.now_ms()
    if (!(await waiting.consume(id, now_ms))) refuse('in-response-to', 'The request was answered at the same moment.')
    if (decision.kind === 'refuse') {
      const { reason, detail, refusal } = decision
      const posted = await refuseConsole(parts, asked, refusal, now_ms)
      await ledger.refused({ ...eventOf(seen, address), detail: `${console.name}: ${detail}`, reason })
      return { kind: 'post', posted, console }
    }
    const posted = await answerConsole(parts, console, sp, asked, decision, now_ms)
    const { upstream } = decision.present
    const via = upstream ? `through ${upstream.entityId}` : 'with a local account'
    const detail = `${console.name}, ${via}${asked.id === null ? ', opened here' : ''}.`
    await ledger.done({ ...eventOf(seen, address), detail })
    return { kind: 'post', posted, console }
  }

  const guarded = async (address: string, work: (seen: Seen, take: <T>(inner: Checked<T>) => T) => Promise<Onward>) => {
    const seen: Seen = {}
    const checked = await checkingLater((trail) => work(seen, trail.take))
    return checked.ok ? checked.value : refusedWith(checked, seen, address)
  }

  return {
    receive: async (carried, { address, browser }) => {
      const seen: Seen = {}
      const checked = await checkingLater((trail) => receiveRequest(parts, carried, clock.now_ms(), trail, seen))
      if (!checked.ok) return refusedWith(checked, seen, address)
      return keep(checked.value.console, checked.value.asked, browser)
    },
    launch: (consoleId, { address, browser }) =>
      guarded(address, async (seen, take) => {
        const console = await consoles.byId(consoleId)
        if (!console) return refuse('unknown-provider', 'There is no such console.')
        seen.console = refuseClosed(console)
        const now_ms = clock.now_ms()
        return keep(console, unasked(console, take(parts.descriptions(console, now_ms)), now_ms), browser)
      }),
    goOn: (handle, visit, refused) =>
      guarded(visit.address, async (seen, take) => {
        const { browser, caller, address } = visit
        seen.caller = caller
        const now_ms = clock.now_ms()
        const { request, console } = await found(handle, browser, now_ms, seen)
        const sp = take(parts.descriptions(console, now_ms))
        const present = await presentOf(caller)
        const name = caller && (await sessions.nameOf(console.id, caller.account.id))
        const welcome = await welcomeFor(request.asked, parts.own.entityId, providers)
        const decision = decide({ console, request, present, name, welcome, refused })
        if (decision.kind === 'sign-in') return send(console, request, present, visit, decision.fresh)
        return conclude(console, sp, request, decision, seen, address)
      }),
    wish: async (returnTo, browser) => {
      const handle = returnTo === undefined ? undefined : handleIn(returnTo)
      const request = handle && (await waiting.find(handle, clock.now_ms()))
      if (!request || !isBrowser(request.browserHash, browser)) return undefined
      const console = await consoles.byId(request.consoleId)
      return console && wishFor(request, console.entityId)
    },
  }
}
