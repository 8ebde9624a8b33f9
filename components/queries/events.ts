'use client'
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { EventMessage } from '#server/contract/overview.ts'
import { utils } from './browser.ts'

type Topic = EventMessage['topic']

/** What an event of a topic makes stale. */
const STALE: Readonly<Record<Exclude<Topic, 'resync'>, readonly (readonly unknown[])[]>> = {
  network: [utils.networks.key(), utils.subnets.key(), utils.ports.key(), utils.tenants.key(), utils.overview.key()],
  change: [utils.changes.key(), utils.networks.key(), utils.ports.key(), utils.overview.key()],
  task: [utils.tasks.key(), utils.changes.key()],
  datapath: [utils.datapaths.key(), utils.overview.key(), utils.networks.key()],
  inventory: [utils.inventory.key(), utils.overview.key()],
  tenant: [utils.tenants.key()],
  audit: [utils.audit.key()],
  provider: [utils.identityProviders.key()],
  alert: [utils.overview.key()],
  notice: [utils.notices.key()],
  console: [utils.consoles.key()],
}
/** Events come in bursts; one burst makes one round of reading. */
const GATHER_MS = 120

export interface Live {
  readonly connected: boolean
  /** When the last word came from the engine; 0: never. */
  readonly at: number
}
let live: Live = { connected: false, at: 0 }
const listeners = new Set<() => void>()
const tell = (next: Live) => {
  live = next
  for (const listener of listeners) listener()
}
const never: Live = { connected: false, at: 0 }

/** Whether events arrive, and when the last one did. */
export const useLive = (): Live =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => live,
    () => never,
  )

function gather(client: QueryClient) {
  const waiting = new Set<Topic>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const flush = () => {
    timer = undefined
    const topics = [...waiting]
    waiting.clear()
    if (topics.includes('resync')) return void client.invalidateQueries()
    const keys = new Map(
      topics.flatMap((topic) => (topic === 'resync' ? [] : STALE[topic])).map((key) => [JSON.stringify(key), key]),
    )
    for (const queryKey of keys.values()) void client.invalidateQueries({ queryKey })
  }
  return (topic: Topic) => {
    waiting.add(topic)
    if (timer === undefined) timer = setTimeout(flush, GATHER_MS)
  }
}

/** Follows `/events` for as long as the console is open: what an event names is read again. */
export function useEvents() {
  const client = useQueryClient()
  useEffect(() => {
    const source = new EventSource('/events')
    const note = gather(client)
    let lost = false
    const onMessage = ({ data }: MessageEvent<string>) => {
      const message = EventMessage.safeParse(JSON.parse(data))
      tell({ connected: true, at: Date.now() })
      if (message.success) note(message.data.topic)
    }
    source.onopen = () => {
      tell({ connected: true, at: Date.now() })
      if (lost) note('resync')
      lost = false
    }
    source.onerror = () => {
      lost = true
      tell({ ...live, connected: false })
    }
    source.onmessage = onMessage
    for (const topic of [...Object.keys(STALE), 'resync']) source.addEventListener(topic, onMessage)
    return () => source.close()
  }, [client])
}
