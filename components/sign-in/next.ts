/** Only paths of this console lead on; anything else could lead a person away from it. */
export const pathWithin = (next: unknown): string =>
  typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'

/** Where somebody settles what their session owes, who then goes on to a page. */
export const owedAt = (next: string): string => (next === '/' ? '/owed' : `/owed?next=${encodeURIComponent(next)}`)
