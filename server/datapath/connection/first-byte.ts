import type { Socket } from 'node:net'

/** The first byte that a peer sends, which stays to be read; undefined when it is silent for so long. Rejects when it is gone. */
export function awaitFirstByte(socket: Socket, patience_ms: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => {
      clearTimeout(patience)
      socket.off('readable', look).off('close', gone).off('end', gone)
      end()
    }
    const look = () => {
      const bytes: Buffer | null = socket.read()
      if (bytes === null) return
      socket.unshift(bytes)
      finish(() => resolve(bytes[0]))
    }
    const gone = () => finish(() => reject(new Error('closed by the peer')))
    const patience = setTimeout(() => finish(() => resolve(undefined)), patience_ms)
    socket.on('error', () => undefined)
    socket.on('readable', look).once('close', gone).once('end', gone)
  })
}
