import { createServer } from 'node:net'
import type { Config } from '#server/config.ts'

const isFree = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })

/** Throws when a port that this instance is to listen on is taken, naming each and what changes it. */
export async function checkPorts({ http, openflow, ovsdb }: Config): Promise<void> {
  const wanted = [
    { ...http, variable: 'WEFT_PORT' },
    { ...openflow, variable: 'WEFT_OPENFLOW_PORT' },
    { ...ovsdb, variable: 'WEFT_OVSDB_PORT' },
  ]
  const free = await Promise.all(wanted.map(({ host, port }) => isFree(host, port)))
  const taken = wanted.filter((_, at) => !free[at]).map(({ port, variable }) => `${port} (${variable} changes it)`)
  if (taken.length > 0) throw new Error(`Something else listens on port ${taken.join(', ')}.`)
}
