import type { Channel } from './channel.ts'

export interface IdleOptions {
  /** Silence after which the peer is asked whether it is there. */
  readonly probe_ms: number
  /** Further silence after which the channel is closed. */
  readonly grace_ms: number
}

/**
 * Watches a channel for silence: `probe` is called once when nothing was heard for `probe_ms`, and the channel is closed
 * when nothing is heard for `grace_ms` more. Stop it by the returned function when the channel has closed.
 */
export function watchSilence(channel: Channel, probe: () => void, { probe_ms, grace_ms }: IdleOptions): () => void {
  let timer: NodeJS.Timeout
  let asked_ms: number | undefined
  const look = () => {
    const now = performance.now()
    if (asked_ms !== undefined && channel.heard_ms < asked_ms) {
      if (now - asked_ms >= grace_ms) return channel.close(`silent for ${Math.round(now - channel.heard_ms)} ms`)
      return wait(asked_ms + grace_ms - now)
    }
    asked_ms = undefined
    const silent_ms = now - channel.heard_ms
    if (silent_ms < probe_ms) return wait(probe_ms - silent_ms)
    asked_ms = now
    probe()
    wait(grace_ms)
  }
  const wait = (delay_ms: number) => {
    timer = setTimeout(look, Math.max(1, Math.ceil(delay_ms)))
    timer.unref()
  }
  wait(probe_ms)
  return () => clearTimeout(timer)
}
