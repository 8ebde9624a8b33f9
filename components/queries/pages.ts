/** Above this many rows a list is windowed by the server; below it the browser holds all and answers at once. */
export const CLIENT_ROWS = 5000

interface Page<T> {
  readonly items: T[]
  readonly next: string | null
}

/** Reads a list to its end, or to `CLIENT_ROWS`. */
export async function everyPage<T>(
  read: (page: { limit: number; cursor?: string }) => Promise<Page<T>>,
  limit = 500,
): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page = await read({ limit, ...(cursor === undefined ? {} : { cursor }) })
    items.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor !== undefined && items.length < CLIENT_ROWS)
  return items
}
