import { setTimeout as pause } from 'node:timers/promises'
import { NO_BUFFER } from '#server/codec/openflow/flow.ts'
import type { Difference, TunnelNeighbour } from '#server/engine/program/program.ts'
import { PORT } from '#server/kernel/action.ts'
import type { Connection, Request } from './connection.ts'

/** The switch forgets a tunnel neighbour 900 s after it was last used (Open vSwitch 3.1). */
const RENEW_MS = 300_000
/** When probes go out after the first: a lost ARP request is made good for. */
const PROBES_MS = [0, 20] as const
/** How long after the last probe the answer has to come; on a data centre's network it takes less than 1 ms. */
const ANSWER_MS = 30

/**
 * A frame that means nothing to anybody: to the address that bridges do not forward, of the type for local experiments
 * (IEEE 802), padded to the least size.
 */
const FRAME = Uint8Array.from(
  { length: 60 },
  (_, i) => [0x01, 0x80, 0xc2, 0, 0, 0x0e, 2, 0, 0, 0, 0, 1, 0x88, 0xb5][i] ?? 0,
)

/** An IPv4 address as a number; undefined for anything else. */
export function parseAddress(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
}

/**
 * Sends the frame to a VTEP in VNI 0, which no network has. A switch that does not know the VTEP's MAC drops it and asks
 * for the MAC by ARP, so that the next packet goes through.
 */
export const probe = (address: bigint, port: number): Request => ({
  type: 'packet_out',
  buffer_id: NO_BUFFER,
  match: [{ field: 'in_port', value: BigInt(PORT.controller) }],
  actions: [
    { type: 'set_field', field: 'tunnel_id', value: 0n },
    { type: 'set_field', field: 'tun_dst', value: address },
    { type: 'output', port },
  ],
  data: FRAME,
})

/** Tunnel ends that a datapath keeps resolved. */
export interface Neighbours {
  readonly held: ReadonlyMap<string, TunnelNeighbour>
  /** Makes the switch ask for those that the difference adds, and gives them time to answer. */
  resolve(difference: Difference, connection: Connection, port: number | undefined): Promise<void>
  /** From now on the difference's neighbours are kept resolved, and those that it removes are not. */
  settle(difference: Difference): void
  /** Asks for all again, after a reconnect and every few minutes; the answer stops that. */
  keep(connection: Connection, port: () => number | undefined): () => void
}

/** Makes an empty set of neighbours. */
export function createNeighbours(): Neighbours {
  const held = new Map<string, TunnelNeighbour>()
  const ask = (addresses: Iterable<string>, connection: Connection, port: number | undefined) => {
    if (port === undefined) return
    for (const text of addresses) {
      const address = parseAddress(text)
      if (address !== undefined) connection.send(probe(address, port))
    }
  }
  return {
    held,
    async resolve(difference, connection, port) {
      const fresh = difference.neighbours.flatMap(({ after }) =>
        after && !held.has(after.address) ? [after.address] : [],
      )
      if (fresh.length === 0 || port === undefined) return
      let before_ms = 0
      for (const at_ms of PROBES_MS) {
        await pause(at_ms - before_ms)
        ask(fresh, connection, port)
        before_ms = at_ms
      }
      await pause(ANSWER_MS)
    },
    settle(difference) {
      for (const { before, after } of difference.neighbours) {
        if (after) held.set(after.address, after)
        else if (before) held.delete(before.address)
      }
    },
    keep(connection, port) {
      const all = () => ask(held.keys(), connection, port())
      all()
      const timer = setInterval(all, RENEW_MS)
      timer.unref()
      return () => clearInterval(timer)
    },
  }
}
