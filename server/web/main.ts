import { createServer } from 'node:http'
import path from 'node:path'
import next from 'next'
import { listenOnSocket } from '#server/http/socket.ts'

/** The pages on the UNIX socket that is named: what `next start` does, which knows ports alone. */
async function start(socket: string): Promise<void> {
  const pages = next({ dev: false, dir: path.resolve(import.meta.dirname, '../..') })
  await pages.prepare()
  const handle = pages.getRequestHandler()
  const server = createServer((request, response) => {
    handle(request, response).catch((error: Error) => {
      process.stderr.write(`${request.method} ${request.url}: ${error.stack}\n`)
      response.destroy()
    })
  })
  // Answers that are under way are finished.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => server.close(() => process.exit(0)))
  await listenOnSocket(server, socket)
}

const [socket] = process.argv.slice(2)
if (socket === undefined) throw new Error('The path of a socket is missing.')
// Next logs what nobody catches and goes on: without a socket there is nothing to go on with.
await start(socket).catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
