import { unlink } from 'node:fs/promises'
import { createConnection, type Server, type Socket } from 'node:net'
import { type Endpoint, formatEndpoint } from './endpoint.ts'

/** A socket file that a dead process left behind is removed; one that is alive is not. */
async function removeStale(path: string): Promise<void> {
  const alive = await new Promise<boolean>((resolve) => {
    const probe = createConnection(path)
    const late = setTimeout(() => probe.destroy(), 1000)
    probe.once('connect', () => resolve(true))
    probe.once('error', () => resolve(false))
    probe.once('close', () => {
      clearTimeout(late)
      resolve(true)
    })
    probe.once('connect', () => probe.destroy())
  })
  if (!alive) await unlink(path).catch(() => undefined)
}

const listenOnce = (server: Server, endpoint: Endpoint): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(
      endpoint.type === 'unix' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port },
      () => {
        server.off('error', reject)
        resolve()
      },
    )
  })

/**
 * Opens an address and answers it, with a TCP port of 0 filled in. A socket file of a process that died is replaced.
 * Rejects when somebody listens there.
 */
export async function listen(server: Server, endpoint: Endpoint): Promise<Endpoint> {
  try {
    await listenOnce(server, endpoint)
  } catch (error) {
    if (endpoint.type !== 'unix' || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    await removeStale(endpoint.path)
    await listenOnce(server, endpoint)
  }
  const address = server.address()
  return typeof address === 'object' && address && endpoint.type === 'tcp'
    ? { ...endpoint, port: address.port }
    : endpoint
}

/** Where an accepted socket comes from, for logs. */
export const peerOf = (socket: Socket, endpoint: Endpoint): string =>
  endpoint.type === 'unix'
    ? formatEndpoint(endpoint)
    : formatEndpoint({ type: 'tcp', host: socket.remoteAddress ?? 'gone', port: socket.remotePort ?? 0 })
