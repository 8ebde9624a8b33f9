import 'server-only'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { dehydrate, type QueryClient } from '@tanstack/react-query'
import { headers } from 'next/headers'
import { makeApi, makeUtils, type Utils } from './orpc.ts'
import { makeQueryClient } from './query-client.ts'

/** The name by which the engine is called, and the UNIX socket on which it answers pages. */
const { WEFT_API = 'http://127.0.0.1:3000', WEFT_API_SOCKET: socketPath } = process.env

/** `fetch` knows ports alone. */
async function sendBySocket(what: Request): Promise<Response> {
  const { url, method } = what
  const asked = request(url, { socketPath, method, headers: Object.fromEntries(what.headers) })
  // What breaks after the answer has begun is told by its body.
  asked.on('error', () => undefined).end(Buffer.from(await what.arrayBuffer()))
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const body = await buffer(answer)
  const headers = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  )
  return new Response(body.length > 0 ? new Uint8Array(body) : null, { status: answer.statusCode ?? 502, headers })
}

/** The API in the name of the person whose request is being answered, and as from where they are. */
export const serverApi = makeApi(`${WEFT_API}/api/v1`, {
  send: sendBySocket,
  headers: async () => {
    const asked = await headers()
    return { cookie: asked.get('cookie') ?? '', 'x-weft-passage': asked.get('x-weft-passage') ?? '' }
  },
})
const serverUtils = makeUtils(serverApi)

/** Reads what a page opens with, so that it opens with data; what fails is read again by the browser, which says why. */
export async function preload(read: (client: QueryClient, u: Utils) => readonly Promise<unknown>[]) {
  const client = makeQueryClient()
  await Promise.allSettled(read(client, serverUtils))
  return dehydrate(client)
}
