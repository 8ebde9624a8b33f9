import { QueryClient } from '@tanstack/react-query'
import { problemOf } from './problem.ts'

const isRefusal = (error: unknown) => {
  const { status } = problemOf(error)
  return status >= 400 && status < 500
}

/** Refusals are not asked again; a silent engine is asked twice more. */
export const makeQueryClient = () =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: (failures, error) => !isRefusal(error) && failures < 2,
        refetchOnWindowFocus: true,
      },
    },
  })
