import type { Log } from '#server/datapath/connection/log.ts'
import { type BridgeRequirements, bridge, configure, ensureBridge, type OvsdbClient } from './ovsdb/index.ts'

/** How long a burst of changes in the database is let pass before the bridge is looked at. */
const SETTLE_MS = 50
/** When a bridge that could not be configured is tried again. */
const RETRY_MS = 5000
const CONFIGURE_MS = 10_000

interface CustodyOptions {
  readonly client: OvsdbClient
  readonly requirements: BridgeRequirements
  readonly log: Log
}

/** A bridge in the driver's keeping. */
export interface Custody {
  /**
   * The switch has connected. Open vSwitch 3.1 gives a new connection its default backoff of 8 s, and takes `max_backoff`
   * over only when it is configured while that connection is up (seen): so it is asked to look at its configuration now.
   */
  connected(): void
  end(): void
}

/**
 * Keeps a bridge as the driver needs it: whenever the database is there or the bridge is changed in it, what is missing
 * is set. A bridge that does not exist is waited for, never made.
 */
export function keepBridge({ client, requirements, log }: CustodyOptions): Custody {
  const { bridge: name } = requirements
  let timer: NodeJS.Timeout | undefined
  let running = false
  let again = false
  let ended = false
  /** How often the switch has connected, and for which of these it has been asked. */
  let connects = 0
  let asked = 0

  const plan = (delay_ms: number) => {
    clearTimeout(timer)
    if (!ended) timer = setTimeout(() => void look(), delay_ms)
  }
  const look = async () => {
    if (running || !client.connected || !bridge(client, name)) {
      again = running
      return
    }
    running = true
    const up = connects
    try {
      const comment = `Weft configures ${name}`
      if (await ensureBridge(client, requirements, { comment, deadline_ms: CONFIGURE_MS }))
        log('info', 'A bridge was configured.', { bridge: name })
      else if (asked < up) await configure(client, [], { comment: 'Weft is connected', deadline_ms: CONFIGURE_MS })
      asked = up
    } catch (error) {
      if (!ended) log('warn', 'A bridge could not be configured.', { bridge: name, reason: String(error) })
      plan(RETRY_MS)
    } finally {
      running = false
      if (again) plan(SETTLE_MS)
      again = false
    }
  }
  const unsubscribe = client.subscribe((event) => {
    if (event.type !== 'disconnected') plan(SETTLE_MS)
  })
  plan(0)
  return {
    connected() {
      connects++
      plan(SETTLE_MS)
    },
    end() {
      ended = true
      clearTimeout(timer)
      unsubscribe()
    },
  }
}
