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

interface Options {
  readonly headers?: () => Promise<Record<string, string>>
  /** Told when a call needs a fresh proof of who asks; where it answers true, the call is sent again. */
  readonly prove?: () => Promise<boolean>
  /** Sends a request; by `fetch` unless it goes another way. */
  readonly send?: (request: Request) => Promise<Response>
}

/** A client of the public API at this address. Refusals throw `ProblemError`. */
export function makeApi(url: string, { headers, prove, send: given }: Options = {}): Api {
  const link = new OpenAPILink<CallContext>(contract, {
    url,
    headers: async ({ context }) => ({
      ...(await headers?.()),
      ...(context.revision === undefined ? {} : { 'if-match': String(context.revision) }),
    }),
    fetch: async (request, init) => {
      const send = given ?? ((what: Request) => fetch(what, { ...init, credentials: 'same-origin', cache: 'no-store' }))
      const again = prove ? request.clone() : undefined
      const response = await send(request)
      if (response.ok) return response
      const problem = await readProblem(response)
      if (problem.code !== 'step-up-required' || !again || !(await prove?.())) throw new ProblemError(problem)
      const second = await send(again)
      if (second.ok) return second
      throw new ProblemError(await readProblem(second))
    },
  })
  return createORPCClient(link)
}

export const makeUtils = (api: Api) => createTanstackQueryUtils(api)
export type Utils = ReturnType<typeof makeUtils>
