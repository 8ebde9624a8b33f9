import 'server-only'
import { dehydrate, type QueryClient } from '@tanstack/react-query'
import { headers } from 'next/headers'
import { makeApi, makeUtils, type Utils } from './orpc.ts'
import { makeQueryClient } from './query-client.ts'

/** Where the engine listens; `/api/v1` is added where the variable names the origin alone. */
const base = (process.env.WEFT_API ?? 'http://127.0.0.1:3000').replace(/\/+$/, '').replace(/\/api\/v1$/, '')

/** The API in the name of the person whose request is being answered. */
export const serverApi = makeApi(`${base}/api/v1`, {
  headers: async () => ({ cookie: (await headers()).get('cookie') ?? '' }),
})
const serverUtils = makeUtils(serverApi)

/** Reads what a page opens with, so that it opens with data; what fails is read again by the browser, which says why. */
export async function preload(read: (client: QueryClient, u: Utils) => readonly Promise<unknown>[]) {
  const client = makeQueryClient()
  await Promise.allSettled(read(client, serverUtils))
  return dehydrate(client)
}
