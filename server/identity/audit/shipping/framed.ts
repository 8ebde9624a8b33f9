import { connect, type Socket } from 'node:net'

/** How long a peer may take to answer, and to accept what it is sent. */
export const ANSWER_MS = 5000

/** Connects without TLS; rejects when nobody answers. */
export function openPlain(to: { host: string; port: number } | { path: string }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, timeout: ANSWER_MS } as Parameters<typeof connect>[0] & object)
    socket.once('timeout', () => socket.destroy(new Error('It does not answer.')))
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.setTimeout(0).off('error', reject)
      resolve(socket)
    })
  })
}

/**
 * Octet-counted messages over a connection (RFC 6587, section 3.4.1; RFC 5425, section 4.3), which is made again when it
 * was lost. Nobody says whether they were read: what is sent is what the connection took.
 */
export function framedStream(open: () => Promise<Socket>) {
  let socket: Socket | undefined

  async function connected(): Promise<Socket> {
    // A peer that went away is noticed by what it sent last, before more is entrusted to it.
    if (socket && !socket.destroyed && !socket.readableEnded && socket.writable) return socket
    const opened = await open()
    socket = opened.on('error', () => opened.destroy()).resume()
    return opened
  }

  return {
    async send(messages: readonly string[]): Promise<void> {
      const to = await connected()
      const frames = messages.map((text) => `${Buffer.byteLength(text)} ${text}`)
      await new Promise<void>((sent, failed) => {
        const lost = () => failed(to.errored ?? new Error('The connection was lost.'))
        to.once('close', lost)
        // A peer that takes nothing any more holds up what comes after.
        const expire = () => to.destroy()
        to.setTimeout(ANSWER_MS, expire)
        to.write(frames.join(''), (error) => {
          to.off('close', lost).setTimeout(0, expire)
          if (error) failed(error)
          else sent()
        })
      })
    },
    async close(): Promise<void> {
      await new Promise<void>((ended) => (socket && !socket.destroyed ? socket.end(() => ended()) : ended()))
    },
  }
}
