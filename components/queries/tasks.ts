import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Task } from '#server/contract/changes.ts'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'

const RUNNING = ['queued', 'running', 'cancelling']

export const taskQueries = (u: Utils) => ({
  list: () => u.tasks.list.queryOptions({ input: { limit: 20, sort: '-createdAt' } }),
})

/** The newest tasks; followed closely while one of them runs. */
export const useTasks = (enabled: boolean) =>
  useQuery({
    ...taskQueries(utils).list(),
    enabled,
    refetchInterval: ({ state }) => (state.data?.items.some((t) => RUNNING.includes(t.state)) ? 1000 : false),
    select: (page) => page.items,
  })

/** The newest commit of a change among the newest tasks. */
export const commitOf = (tasks: readonly Task[] | undefined, changeId: string): Task | undefined =>
  tasks?.find((task) => task.kind === 'commit' && task.subject?.id === changeId)

export const isRunning = (state: string) => RUNNING.includes(state)

export function useCancelTask() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => api.tasks.cancel({ id }),
    onSettled: () => client.invalidateQueries({ queryKey: utils.tasks.key() }),
  })
}
