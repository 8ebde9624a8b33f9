import type { Log } from '#server/datapath/connection/log.ts'
import { type BridgeRequirements, bridge, ensureBridge, type OvsdbClient } from './ovsdb/index.ts'

/** How long a burst of changes in the database is let pass before the bridge is looked at. */
const SETTLE_MS = 50
/** When a bridge that could not be configured is tried again. */
const RETRY_MS = 5000
const CONFIGURE_MS = 10_000

export interface CustodyOptions {
  readonly client: OvsdbClient
  readonly requirements: BridgeRequirements
  readonly log: Log
}

/**
 * Keeps a bridge as the driver needs it: whenever the database is there or the bridge is changed in it, what is missing
 * is set. A bridge that does not exist is waited for, never made. The answer ends it.
 */
export function keepBridge({ client, requirements, log }: CustodyOptions): () => void {
  const { bridge: name } = requirements
  let timer: NodeJS.Timeout | undefined
  let running = false
  let again = false
  let ended = false

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
    try {
      const comment = `Weft configures ${name}`
      if (await ensureBridge(client, requirements, { comment, deadline_ms: CONFIGURE_MS }))
        log('info', 'A bridge was configured.', { bridge: name })
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
  return () => {
    ended = true
    clearTimeout(timer)
    unsubscribe()
  }
}
