import type { Duplex } from 'node:stream'

/** How much may wait to be sent to a peer that does not read (bytes); more closes the channel. */
const UNREAD_MAX = 8 << 20

export interface ChannelEvents {
  /** Bytes as they come. What is thrown closes the channel with its message as the reason. */
  bytes(chunk: Uint8Array): void
  /** Called once, when the channel ends, whoever ends it. */
  closed(reason: string): void
}

/** A byte stream to one peer that knows why it ended and never holds more than a bound for it. */
export interface Channel {
  /** Where the peer is, for logs. */
  readonly peer: string
  readonly open: boolean
  /** Milliseconds (monotonic) at which the peer was last heard. */
  readonly heard_ms: number
  /** The bytes must not be changed afterwards. */
  send(bytes: Uint8Array): void
  /** Resolves when the peer takes more; at once when it does already. Rejects never: a closed channel takes everything. */
  ready(): Promise<void>
  close(reason: string): void
}

/** Why a socket failed, in words that are the same everywhere. */
export const socketReason = (error: Error): string => {
  const code = (error as NodeJS.ErrnoException).code
  return code === undefined || error.message.includes(code) ? error.message : `${error.message} (${code})`
}

/** A write that goes out, with the others of the same turn, when the turn is over. */
function createWriter(socket: Duplex): (bytes: Uint8Array) => void {
  let corked = false
  const uncork = () => {
    corked = false
    socket.uncork()
  }
  return (bytes) => {
    if (!corked) {
      corked = true
      socket.cork()
      process.nextTick(uncork)
    }
    socket.write(bytes)
  }
}

/** Puts a socket to work. Small messages that are sent in one turn go out in one write. */
export function openChannel(socket: Duplex, peer: string, events: ChannelEvents): Channel {
  const write = createWriter(socket)
  let reason: string | undefined
  let heard_ms = performance.now()
  const waiting: (() => void)[] = []
  const wake = () => {
    for (const go of waiting.splice(0)) go()
  }
  const end = (why: string) => {
    if (reason !== undefined) return
    reason = why
    socket.destroy()
    wake()
    events.closed(why)
  }
  socket.on('data', (chunk: Uint8Array) => {
    if (reason !== undefined) return
    heard_ms = performance.now()
    try {
      events.bytes(chunk)
    } catch (error) {
      end(error instanceof Error ? error.message : String(error))
    }
  })
  socket.on('drain', wake)
  socket.on('error', (error) => end(socketReason(error)))
  socket.on('end', () => end('closed by the peer'))
  socket.on('close', () => end('closed by the peer'))
  return {
    peer,
    get open() {
      return reason === undefined
    },
    get heard_ms() {
      return heard_ms
    },
    send(bytes) {
      if (reason !== undefined) return
      if (socket.writableLength > UNREAD_MAX) return end('the peer does not read what it is sent')
      write(bytes)
    },
    ready: () =>
      new Promise((resolve) => {
        if (reason !== undefined || !socket.writableNeedDrain) resolve()
        else waiting.push(resolve)
      }),
    close: end,
  }
}
