import { createORPCClient } from '@orpc/client'
import type { ContractRouterClient } from '@orpc/contract'
import type { JsonifiedClient } from '@orpc/openapi-client'
import { OpenAPILink } from '@orpc/openapi-client/fetch'
import { createTanstackQueryUtils } from '@orpc/tanstack-query'
import { type Contract, contract } from '#server/contract/index.ts'
import { ProblemError, readProblem } from './problem.ts'

/** What a call may say beside its input. */
export interface CallContext {
  /** The revision that the caller saw; sent back as `If-Match`. */
  readonly revision?: number
}

export type Api = JsonifiedClient<ContractRouterClient<Contract, CallContext>>

/** A client of the public API at this address. Refusals throw `ProblemError`. */
export function makeApi(url: string, headers: () => Promise<Record<string, string>> | Record<string, string>): Api {
  const link = new OpenAPILink<CallContext>(contract, {
    url,
    headers: async ({ context }) => ({
      ...(await headers()),
      ...(context.revision === undefined ? {} : { 'if-match': String(context.revision) }),
    }),
    fetch: async (request, init) => {
      const response = await fetch(request, { ...init, credentials: 'same-origin', cache: 'no-store' })
      if (response.ok) return response
      throw new ProblemError(await readProblem(response))
    },
  })
  return createORPCClient(link)
}

export const makeUtils = (api: Api) => createTanstackQueryUtils(api)
export type Utils = ReturnType<typeof makeUtils>
