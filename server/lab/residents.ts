import type { LabHost, PingStream } from './index.ts'
import type { Lab } from './lab.ts'

/** What the owner of a host knows: its addresses, and whom it talks to. */
export interface Resident {
  readonly host: string
  /** With prefix length: `10.0.0.3/24`. */
  readonly addresses: readonly string[]
  /** An address in the same network; absent when it is alone there. */
  readonly peer?: string
}

export interface Residents {
  stop(): Promise<void>
}

const LOOK_MS = 2000
const PING_MS = 1000

interface Living {
  readonly key: string
  readonly talk: PingStream | undefined
}

async function moveIn(host: LabHost, { addresses, peer }: Resident): Promise<PingStream | undefined> {
  for (const address of addresses) {
    const [ip = '', length = '32'] = address.split('/')
    await host.dress(ip, Number(length))
  }
  return peer === undefined ? undefined : host.stream(peer, { interval_ms: PING_MS })
}

async function moveOut(host: LabHost, { talk }: Living): Promise<void> {
  await talk?.stop().catch(() => undefined)
  await host.undress()
}

/**
 * Stands for the people whose hosts these are: gives each host the addresses of its port and has it talk to a neighbour
 * now and then, so that counters move. Follows what `residents` says until stopped.
 */
export function attend(lab: Pick<Lab, 'host'>, residents: () => Promise<readonly Resident[]>): Residents {
  const living = new Map<string, Living>()
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  const settle = async (wanted: ReadonlyMap<string, Resident>) => {
    for (const [name, life] of living) {
      const resident = wanted.get(name)
      if (resident && JSON.stringify(resident) === life.key) continue
      // Still there until it is wholly out: what fails is tried again with the next look.
      await moveOut(lab.host(name), life)
      living.delete(name)
    }
    for (const [name, resident] of wanted)
      if (!living.has(name))
        living.set(name, { key: JSON.stringify(resident), talk: await moveIn(lab.host(name), resident) })
  }

  const look = async () => {
    try {
      await settle(new Map((await residents()).map((one) => [one.host, one])))
    } catch {
      // The database or a host is away for a moment: the next look finds it.
    }
    if (!stopped) timer = setTimeout(again, LOOK_MS)
  }
  const again = () => {
    looking = look()
  }
  let looking = look()

  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await looking
      for (const { talk } of living.values()) await talk?.stop().catch(() => undefined)
    },
  }
}
