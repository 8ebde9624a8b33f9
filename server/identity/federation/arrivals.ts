import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { checkingLater, refuse } from '../saml/result.ts'
import { arrivalHash } from './arrival-keep.ts'
import type { ArrivalStore, KeptArrival } from './arrival-ports.ts'
import { isBrowser } from './browser.ts'
import type { AnswerOrigin, Entrance, Finished } from './entrance.ts'
import type { SignInLedger } from './ledger.ts'
import type { ProviderDirectory, ProviderRecord } from './ports.ts'

const ID = /^[A-Za-z0-9_-]{43}$/
const ACTION = 'signIn.arrival'

/** Somebody at the door, as the page shows them. */
export interface AtTheDoor {
  readonly provider: ProviderRecord
  readonly arrival: KeptArrival
}

export interface ArrivalsParts {
  readonly store: ArrivalStore
  readonly providers: Pick<ProviderDirectory, 'byId'>
  /** What lets people in, by protocol. */
  readonly ways: Readonly<Record<ProviderRecord['protocol'], Pick<Entrance<unknown>, 'resume'>>>
  readonly ledger: SignInLedger
  readonly clock?: Clock
}

export interface Arrivals {
  /** Who is at the door of this browser; undefined: nobody by that id. */
  look(id: string, browser: string | undefined): Promise<AtTheDoor | undefined>
  /** Its person wants to come in. */
  goOn(id: string, from: AnswerOrigin): Promise<Finished>
  /** Its person says that it is not them. Answers where they go on to. */
  leave(id: string, from: AnswerOrigin): Promise<string>
}

/** People at the door: whom a provider sent, and who have not said here yet that they want to come in. */
export function arrivals({ store, providers, ways, ledger, clock = systemClock }: ArrivalsParts): Arrivals {
  /** Refuses inside `checkingLater`. */
  async function found(id: string, browser: string | undefined, now_ms: number): Promise<AtTheDoor> {
    const arrival = ID.test(id) ? await store.find(arrivalHash(id), now_ms) : undefined
    if (!arrival) return refuse('arrival', 'Nobody waits by that name: they came in, went away, or it is too long ago.')
    if (!isBrowser(arrival.browserHash, browser)) refuse('browser', 'They arrived in another browser.')
    const provider = await providers.byId(arrival.providerId)
    return provider ? { provider, arrival } : refuse('unknown-provider', 'The provider is gone.')
  }

  async function taken(id: string, { browser, address }: AnswerOrigin) {
    const now_ms = clock.now_ms()
    const checked = await checkingLater(async () => {
      const there = await found(id, browser, now_ms)
      if (!(await store.take(there.arrival.hash, now_ms))) refuse('replay', 'It was answered in this moment.')
      return there
    })
    if (checked.ok) return { kind: 'taken', ...checked.value } as const
    const { reason, detail } = checked
    return {
      kind: 'refused',
      reason,
      reference: await ledger.refused({ action: ACTION, address, detail, reason }),
    } as const
  }

  return {
    async look(id, browser) {
      const checked = await checkingLater(() => found(id, browser, clock.now_ms()))
      return checked.ok ? checked.value : undefined
    },
    async goOn(id, from) {
      const there = await taken(id, from)
      if (there.kind === 'refused') return there
      return ways[there.provider.protocol].resume(there.arrival, there.provider, from)
    },
    async leave(id, from) {
      const there = await taken(id, from)
      if (there.kind === 'refused') return '/sign-in'
      const { provider, arrival } = there
      const { account, proved } = arrival
      const detail = 'Whoever sits there says that it is not them.'
      await ledger.refused({ action: ACTION, address: from.address, provider, account, detail, reason: 'not-me' })
      return proved.returnTo === '/' ? '/sign-in' : `/sign-in?${new URLSearchParams({ next: proved.returnTo })}`
    },
  }
}
