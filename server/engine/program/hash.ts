import { hashing, sha256, toEnd } from '#server/kernel/hash.ts'
import type { Entry, Group } from './entry.ts'
import { type Imprint, imprintEntry, imprintGroup, isFull, newImprint, take } from './imprint.ts'
import type { Program } from './program.ts'

/** Hashes of what a datapath holds, in hexadecimal: equal hashes mean equal forwarding. Cookies and counters are left out. */
export interface ProgramHash {
  /** By number; tables that hold nothing are not listed. */
  readonly tables: Readonly<Record<number, string>>
  readonly groups: string
  readonly all: string
}

function* entryPieces(keys: readonly string[], entries: ReadonlyMap<string, Entry>, to: Imprint) {
  for (const key of keys) {
    imprintEntry(to, entries.get(key) as Entry)
    if (isFull(to)) yield take(to)
  }
  yield take(to)
}

function* groupPieces(groups: readonly Group[], to: Imprint) {
  for (const group of groups) {
    imprintGroup(to, group)
    if (isFull(to)) yield take(to)
  }
  yield take(to)
}

/** SHA-256 over the canonical entries of each table and over the groups, each in the order of keys. */
export const hashProgram = (program: Program): ProgramHash => toEnd(hashingProgram(program))

/** The same with pauses, every millisecond or so. */
export function* hashingProgram({ entries, groups }: Program): Generator<void, ProgramHash> {
  const to = newImprint()
  const byTable = new Map<number, string[]>()
  for (const { table, key } of entries.values()) {
    const keys = byTable.get(table)
    if (keys) keys.push(key)
    else byTable.set(table, [key])
  }
  const tables: Record<number, string> = {}
  for (const [table, keys] of [...byTable].sort(([a], [b]) => a - b))
    tables[table] = yield* hashing(entryPieces(keys.sort(), entries, to))
  const sorted = [...groups.values()].sort((a, b) => a.group - b.group)
  const hashes = { tables: Object.freeze(tables), groups: yield* hashing(groupPieces(sorted, to)) }
  return Object.freeze({ ...hashes, all: sha256([JSON.stringify(hashes)]) })
}
