import { type Endpoint, formatEndpoint } from '#server/datapath/connection/endpoint.ts'
import { type Listener, type ListenerOptions, openListener, type Taker } from './listener.ts'

/** All addresses where switches connect; datapaths with the same address share its listener. */
export interface Listeners {
  /** Passes connections of a datapath at an address on until the returned function is called; opens the address if need be. */
  serve(endpoint: Endpoint, datapathId: string, take: Taker): Promise<() => Promise<void>>
  /** Opens an address until all is closed, whether or not a datapath is served there. */
  keep(endpoint: Endpoint): Promise<void>
  /** Addresses that are open. */
  readonly open: readonly Listener[]
  close(): Promise<void>
}

/** Makes an empty set of listeners; an address is open while a datapath is served there. */
export function createListeners(options: Omit<ListenerOptions, 'endpoint'>): Listeners {
  const shared = new Map<string, { opening: Promise<Listener>; users: number; listener?: Listener }>()
  /** A port is one, whether it is called by `tcp:` or `ssl:`. */
  const nameOf = (endpoint: Endpoint) =>
    formatEndpoint(endpoint.type === 'ssl' ? { ...endpoint, type: 'tcp' } : endpoint)
  const acquire = (endpoint: Endpoint) => {
    const name = nameOf(endpoint)
    let one = shared.get(name)
    if (!one) {
      one = { opening: openListener({ ...options, endpoint }), users: 0 }
      shared.set(name, one)
    }
    one.users++
    return one
  }
  const release = async (endpoint: Endpoint) => {
    const name = nameOf(endpoint)
    const one = shared.get(name)
    if (!one || --one.users > 0) return
    shared.delete(name)
    await one.listener?.close()
  }
  return {
    get open() {
      return [...shared.values()].flatMap(({ listener }) => listener ?? [])
    },
    async serve(endpoint, datapathId, take) {
      const one = acquire(endpoint)
      try {
        one.listener = await one.opening
        const withdraw = one.listener.serve(datapathId, take, endpoint.type === 'ssl')
        return async () => {
          withdraw()
          await release(endpoint)
        }
      } catch (error) {
        await release(endpoint)
        throw error
      }
    },
    async keep(endpoint) {
      const one = acquire(endpoint)
      one.listener = await one.opening
    },
    async close() {
      const all = [...shared.values()]
      shared.clear()
      await Promise.all(all.map(({ listener }) => listener?.close()))
    },
  }
}
