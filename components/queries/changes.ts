import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ChangeState, ChangeSummary } from '#server/contract/changes.ts'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

/** A change that moves is read again this often even when no event arrives. */
const MOVING_MS = 1000
export const isMoving = (state: ChangeState | undefined) => state === 'committing' || state === 'undoing'

export const changeQueries = (u: Utils) => ({
  list: () =>
    queryOptions({
      queryKey: u.changes.list.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.changes.list.call(page)),
    }),
  get: (id: string) => u.changes.get.queryOptions({ input: { id } }),
})
const queries = changeQueries(utils)

export const useChanges = (enabled = true) =>
  useQuery({
    ...queries.list(),
    enabled,
    refetchInterval: ({ state }) => (state.data?.some((c) => isMoving(c.state)) ? MOVING_MS : false),
  })

export const useChange = (id: string) =>
  useQuery({
    ...queries.get(id),
    refetchInterval: ({ state }) => (isMoving(state.data?.state) ? MOVING_MS : false),
  })

function useChangeMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn,
    onSettled: () =>
      Promise.all(
        [utils.changes.key(), utils.tasks.key(), utils.overview.key()].map((queryKey) =>
          client.invalidateQueries({ queryKey }),
        ),
      ),
  })
}

export const usePreview = () => useChangeMutation((id: string) => api.changes.preview({ id }))

/** Commits a draft. It is shown as moving at once: a quick one may be done before it is read again. */
export function useCommit() {
  const client = useQueryClient()
  return useChangeMutation(async (input: { id: string; reason: string; force: boolean }) => {
    const task = await api.changes.commit(input)
    client.setQueryData<ChangeSummary[]>([...queries.list().queryKey], (rows) =>
      rows?.map((row) => (row.id === input.id ? { ...row, state: 'committing' as const } : row)),
    )
    return task
  })
}
export const useRollback = () => useChangeMutation((id: string) => api.changes.rollback({ id }))
export const useDiscard = () => useChangeMutation((id: string) => api.changes.discard({ id }))

/** Makes a draft and puts edits into it; a draft whose edits are refused is discarded, so that nothing half done is left. */
export async function draftOf(
  title: string,
  tenantId: string | null,
  edit: (change: string) => Promise<void>,
): Promise<{ id: string; name: string }> {
  const change = await api.changes.create({ title, tenantId })
  try {
    await edit(change.id)
  } catch (error) {
    await api.changes.discard({ id: change.id })
    throw error
  }
  return change
}
