import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query'
import { api, utils } from './browser.ts'
import { everyPage } from './pages.ts'

/** What to look for in the log. */
export interface AuditLook {
  readonly filters: readonly string[]
  readonly search: string
}

const inputOf = ({ filters, search }: AuditLook) => ({
  ...(filters.length > 0 ? { filter: [...filters] } : {}),
  ...(search === '' ? {} : { search }),
})

/** Audit records, newest first, a window at a time. */
export const useAudit = (look: AuditLook) =>
  useInfiniteQuery({
    queryKey: [...utils.audit.list.key(), look],
    queryFn: ({ pageParam, signal }) =>
      api.audit.list(
        { limit: 100, ...inputOf(look), ...(pageParam === null ? {} : { cursor: pageParam }) },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
  })

/** A line with the object before and after. It never changes. */
export const useAuditLine = (line: string) =>
  useQuery({ ...utils.audit.get.queryOptions({ input: { line } }), staleTime: Number.POSITIVE_INFINITY })

/** Where the chains end, and are signed. */
export const useAuditChains = () =>
  useQuery({
    queryKey: utils.audit.chains.queryKey({ input: {} }),
    queryFn: () => everyPage((page) => utils.audit.chains.call(page)),
    refetchInterval: 60_000,
  })

/** Where the log is sent beside the database. */
export const useAuditShipping = () => useQuery({ ...utils.audit.shipping.queryOptions(), refetchInterval: 60_000 })

export const useVerifyAudit = () => useMutation({ mutationFn: () => api.audit.verify({}) })

export type ExportFormat = 'csv' | 'jsonl'

/** Reads the log page by page into a file that the browser keeps; `told` hears how many lines there are so far. */
export async function exportAudit(
  look: AuditLook,
  format: ExportFormat,
  told: (lines: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const parts: Blob[] = []
  let lines = 0
  let cursor: string | null = null
  do {
    const input = { ...inputOf(look), format, limit: 1000, ...(cursor === null ? {} : { cursor }) }
    const page: { text: string; count: number; next: string | null } = await api.audit.export(input, { signal })
    // A blob of its own for each page: the browser may put it on disk.
    parts.push(new Blob([page.text]))
    lines += page.count
    told(lines)
    cursor = page.next
  } while (cursor !== null)
  return new Blob(parts, { type: format === 'csv' ? 'text/csv;charset=utf-8' : 'application/x-ndjson' })
}
