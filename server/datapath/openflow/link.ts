import type { Duplex } from 'node:stream'
import { framer } from '#server/codec/openflow/framer.ts'
import { decode, encode, type Message } from '#server/codec/openflow/message.ts'
import type { Version } from '#server/codec/openflow/version.ts'
import { type Channel, openChannel } from '#server/datapath/connection/channel.ts'

/** Messages and bytes that went over links, added up. */
export interface Traffic {
  messagesIn: number
  messagesOut: number
  bytesIn: number
  bytesOut: number
}

export const noTraffic = (): Traffic => ({ messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 })

/** Who gets what arrives. What is thrown closes the link with its message as the reason. */
interface Attendant {
  message(message: Message): void
  /** A message that does not decode; `xid` as its header says. */
  undecodable(error: string, xid: number): void
  /** Called once, after the last message. */
  closed(reason: string): void
}

/** Messages to and from one peer. */
export interface Link {
  /** Where the peer is, for logs. */
  readonly peer: string
  readonly open: boolean
  readonly channel: Channel
  send(message: Message): void
  /** Sends messages that are encoded already; the bytes must not be changed afterwards. */
  write(bytes: Uint8Array, messages: number): void
  /** Resolves when the peer takes more: at once when it does already or the link is closed. */
  ready(): Promise<void>
  close(reason: string): void
  /** From now on every message must be of this version. */
  agree(version: Version): void
  /** From now on messages go to `attendant`, and are counted in `traffic` together with those before. */
  attend(attendant: Attendant, traffic?: Traffic): void
}

/** Puts a socket to work. A peer that sends what is not OpenFlow is closed with the reason. */
export function openLink(socket: Duplex, peer: string, first: Attendant): Link {
  let attendant = first
  let traffic = noTraffic()
  const frames = framer()
  const take = (frame: Uint8Array) => {
    if (!channel.open) return
    traffic.messagesIn++
    const decoded = decode(frame)
    if (decoded.ok) attendant.message(decoded.value)
    else attendant.undecodable(decoded.error.message, new DataView(frame.buffer, frame.byteOffset).getUint32(4))
  }
  const channel = openChannel(socket, peer, {
    bytes(chunk) {
      traffic.bytesIn += chunk.length
      const cut = frames.push(chunk)
      if (!cut.ok) throw new Error(`sent what is not OpenFlow: ${cut.error.message}`)
      for (const frame of cut.value) take(frame)
    },
    closed: (reason) => attendant.closed(reason),
  })
  const write = (bytes: Uint8Array, messages: number) => {
    traffic.messagesOut += messages
    traffic.bytesOut += bytes.length
    channel.send(bytes)
  }
  return {
    peer,
    channel,
    get open() {
      return channel.open
    },
    send: (message) => write(encode(message), 1),
    write,
    ready: channel.ready,
    agree: frames.agree,
    close: channel.close,
    attend(next, counted) {
      attendant = next
      if (!counted) return
      for (const key of ['messagesIn', 'messagesOut', 'bytesIn', 'bytesOut'] as const) counted[key] += traffic[key]
      traffic = counted
    },
  }
}
