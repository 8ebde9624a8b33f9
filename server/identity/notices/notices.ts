import ipaddr from 'ipaddr.js'
import type { Clock } from '#server/kernel/clock.ts'
import type { Sessions } from '../sessions.ts'
import type { NoticeStore, Place, Tell } from './ports.ts'
import { gatherTries, type TryWatch } from './tries.ts'

export interface NoticeParts {
  readonly store: NoticeStore
  readonly clock: Pick<Clock, 'now_ms'>
  /** Told when somebody could not be told. */
  readonly onFault: (error: Error) => void
}

export interface Notices {
  readonly tell: Tell
  readonly tries: TryWatch
  /** Sessions whose beginning is told where it is out of the ordinary. */
  watching(sessions: Sessions): Sessions
  /** Tells of what ends soon, and removes what was read long ago. */
  tidy(): Promise<void>
  /** Writes what is not written yet. */
  close(): Promise<void>
}

const DAY_MS = 86_400_000
/** Whoever did not sign in for so long may not be who they were. */
const LONG_MS = 60 * DAY_MS
const KEPT_MS = 90 * DAY_MS
/** Owners of tokens are told so many days before these end. */
const ENDS_DAYS = [7, 1] as const
const NETWORK_BITS = { ipv4: 24, ipv6: 48 } as const
const AGENT_MAX = 200

function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  const bits = NETWORK_BITS[parsed.kind()]
  const network = parsed.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  return `${network.networkAddressFromCIDR(`${parsed.toString()}/${bits}`).toString()}/${bits}`
}

/** A browser that was brought up to date is the same one; so is one in the next room. */
const placeOf = ({ address, agent }: { address: string; agent: string }): Place => ({
  agent: agent.replace(/\d[\d._]*/g, '').slice(0, AGENT_MAX),
  network: networkOf(address),
})

/** The one place from which people are told of what happens to their accounts. */
export function noticeDesk({ store, clock, onFault }: NoticeParts): Notices {
  const tell: Tell = (accountId, notice) => store.add(accountId, notice).catch(onFault)
  const tries = gatherTries({ clock, write: store.addTries, onFault })

  async function began(accountId: string, from: { address: string; agent: string }, method: string): Promise<void> {
    // What was tried before must be there when its person looks.
    await tries.flush(accountId)
    const place = placeOf(from)
    const now_ms = clock.now_ms()
    const { isNew, before_ms } = await store.signedIn(accountId, place, now_ms)
    // The first one ever is no different from others.
    if (before_ms === null) return
    const common = { addresses: [from.address], methods: [method] }
    if (isNew)
      await store.add(accountId, {
        ...{ ...common, kind: 'sign-in.new-place', what: from.agent },
        subject: `${place.agent} ${place.network}`,
      })
    else if (now_ms - before_ms > LONG_MS)
      await store.add(accountId, {
        ...{ ...common, kind: 'sign-in.after-long' },
        what: new Date(before_ms).toISOString().slice(0, 10),
      })
  }

  return {
    tell,
    tries,
    watching: (sessions) => ({
      ...sessions,
      async begin(account, from, proof) {
        const begun = await sessions.begin(account, from, proof)
        await began(account.id, from, begun.caller.method).catch(onFault)
        return begun
      },
    }),
    async tidy() {
      const now_ms = clock.now_ms()
      await store.addEnding(ENDS_DAYS, now_ms)
      await store.prune(now_ms - KEPT_MS)
    },
    close: tries.close,
  }
}
