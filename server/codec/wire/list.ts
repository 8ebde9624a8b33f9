import type { Codec } from './codec.ts'
import { fault } from './reader.ts'

/** Elements up to the end of the structure. Every element takes at least one byte, so it ends. */
export const list = <T>(of: Codec<T>): Codec<readonly T[]> => ({
  shape: { kind: 'list', of: of.shape },
  read: (r) => {
    const out: T[] = []
    while (r.at < r.end) {
      const before = r.at
      out.push(of.read(r))
      if (r.at === before) fault('length', before, 'an element of no length')
    }
    return out
  },
  write: (w, values) => {
    for (const value of values) of.write(w, value)
  },
})

/** Exactly `count` elements. */
export const repeat = <T>(count: number, of: Codec<T>): Codec<readonly T[]> => ({
  shape: { kind: 'list', of: of.shape, count },
  read: (r) => Array.from({ length: count }, () => of.read(r)),
  write: (w, values) => {
    for (let i = 0; i < count; i++) of.write(w, values[i] as T)
  },
})
