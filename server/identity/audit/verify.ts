import { type Checkpoint, type CheckpointKey, isSignedBy } from './checkpoint.ts'
import { chainOf, GENESIS, type Head, hashLine, type LinkedLine } from './line.ts'

export type FindingKind =
  /** What a line says is not what was written. */
  | 'edited'
  /** Lines are gone. */
  | 'missing'
  /** Lines do not stand in the order in which they were written. */
  | 'reordered'
  /** The chain goes on beyond its last line. */
  | 'cut'
  /** The end that is written down is not the last line. */
  | 'head'
  /** A signed checkpoint says that another line stood here. */
  | 'rewritten'
  /** A checkpoint that no key of ours signed. */
  | 'forged'
  /** A key is not the one that was shipped. */
  | 'key'
  /** A line in no chain. */
  | 'outside'

export interface Finding {
  readonly kind: FindingKind
  readonly chain: string | null
  readonly sequence: number | null
  /** The line's id, where there is a line. */
  readonly id: string | null
  readonly words: string
}

/** A line as it is stored, with the id that the log shows. */
export type StoredLine = LinkedLine & { readonly id: number }

/** A checkpoint, and where it was kept. */
export type Witness = Checkpoint & {
  readonly source: 'database' | 'shipped'
  /** The key that was shipped with it, PEM. */
  readonly publicKey?: string
}

/** What is known of a chain beside its lines. */
export interface Evidence {
  readonly chain: string
  readonly head: Head | undefined
  readonly witnesses: readonly Witness[]
  /** Keys that may have signed, by id. */
  readonly keys: readonly CheckpointKey[]
}

export interface ChainReport {
  readonly chain: string
  readonly lines: number
  /** Checkpoints that fit. */
  readonly checkpoints: number
  /** Up to where the newest checkpoint that fits vouches. */
  readonly vouchedTo: number
  readonly findings: readonly Finding[]
  /** Found beyond those that are listed. */
  readonly more: number
}

/** Findings of a chain that are listed. */
const LISTED = 50

interface Walk {
  readonly chain: string
  readonly find: (kind: FindingKind, words: string, at?: { sequence?: number; id?: number }) => void
  last: number
  lastId: number
  /** Hash of the line before; undefined where that line is gone. */
  previous: Buffer | undefined
  lines: number
}

const when = (at_ms: number): string => (Number.isFinite(at_ms) ? new Date(at_ms).toISOString() : 'an unknown time')
const range = (from: number, to: number): string => (from === to ? `Line ${from} is` : `Lines ${from} to ${to} are`)

/** One line: is it the next, in order, and what was written? */
function step(walk: Walk, line: StoredLine): void {
  const { sequence, id } = line
  const at = { sequence, id }
  if (sequence > walk.last + 1) {
    walk.find('missing', `${range(walk.last + 1, sequence - 1)} missing.`, at)
    walk.previous = undefined
  }
  if (sequence <= walk.last) walk.find('reordered', `There is more than one line ${sequence}.`, at)
  const fits = walk.previous === undefined || hashLine(walk.previous, line).equals(line.hash)
  if (id <= walk.lastId) walk.find('reordered', `Line ${sequence} was written before the line that it follows.`, at)
  else if (!fits)
    walk.find('edited', `Line ${sequence} is not what was written, or does not follow line ${sequence - 1}.`, at)
  else if (chainOf(line.tenantId) !== walk.chain) walk.find('edited', `Line ${sequence} is of another tenant.`, at)
  Object.assign(walk, { last: sequence, lastId: id, previous: line.hash, lines: walk.lines + 1 })
}

/** Sorts out the checkpoints that nobody of ours signed. */
function trusted({ witnesses, keys }: Evidence, find: Walk['find']): Witness[] {
  const byId = new Map(keys.map(({ keyId, publicKey }) => [keyId, publicKey.trim()]))
  const strange = new Set<string>()
  return witnesses
    .filter((witness) => {
      const { keyId, sequence, at_ms, publicKey: shipped } = witness
      const held = byId.get(keyId)
      if (shipped !== undefined && held !== undefined && shipped.trim() !== held && !strange.has(keyId)) {
        strange.add(keyId)
        find('key', `The key ${keyId} is not the one that was shipped with checkpoints of ${when(at_ms)}.`)
      }
      // What was shipped can be checked by the key that went with it: the database may have lost it since.
      const key = shipped ?? held
      if (key !== undefined && isSignedBy(witness, key)) return true
      const why = key === undefined ? `an unknown key (${keyId})` : 'another key, or for something else'
      find('forged', `The checkpoint of ${when(at_ms)} for line ${sequence} was signed by ${why}.`, { sequence })
      return false
    })
    .toSorted((a, b) => a.sequence - b.sequence)
}

/** The end of the chain, against what says where it ends. */
function checkEnd(walk: Walk, head: Head | undefined, beyond: readonly Witness[]): void {
  const { last, find } = walk
  const furthest = beyond.at(-1)
  if (furthest)
    find(
      'cut',
      `${range(last + 1, furthest.sequence)} cut off: line ${furthest.sequence} was there at ${when(furthest.at_ms)}.`,
      {
        sequence: last + 1,
      },
    )
  if (!head) {
    if (last > 0) find('head', 'Where the chain ends is not written down any more.')
  } else if (head.sequence > last) {
    if (!furthest) find('cut', `${range(last + 1, head.sequence)} cut off.`, { sequence: last + 1 })
  } else if (head.sequence < last || !walk.previous?.equals(head.hash)) {
    if (last > 0 || head.sequence > 0)
      find('head', `The end that is written down (line ${head.sequence}) is not the last line, which is ${last}.`)
  }
}

/**
 * Follows a chain line by line, in ascending order, and says what is wrong with it. Memory does not grow with the lines.
 * An edit gives a finding and the walk goes on from the hash that is stored, so that each damaged place is named once.
 */
export async function verifyChain(
  evidence: Evidence,
  pages: AsyncIterable<readonly StoredLine[]>,
): Promise<ChainReport> {
  const { chain, head } = evidence
  const findings: Finding[] = []
  let more = 0
  const find: Walk['find'] = (kind, words, { sequence, id } = {}) => {
    if (findings.length === LISTED) more += 1
    else findings.push({ kind, chain, sequence: sequence ?? null, id: id === undefined ? null : String(id), words })
  }
  const walk: Walk = { chain, find, last: 0, lastId: 0, previous: GENESIS, lines: 0 }
  const witnesses = trusted(evidence, find)
  let [next, vouchedTo, checkpoints] = [0, 0, 0]
  let rewritten = false
  const hear = (line: StoredLine) => {
    for (; (witnesses[next]?.sequence ?? Number.POSITIVE_INFINITY) <= line.sequence; next++) {
      const witness = witnesses[next] as Witness
      if (witness.sequence < line.sequence) continue
      if (witness.hash.equals(line.hash)) {
        vouchedTo = line.sequence
        checkpoints += 1
      } else if (!rewritten) {
        rewritten = true
        const words = `Line ${line.sequence} is not the one that was signed at ${when(witness.at_ms)}: the chain was rewritten after line ${vouchedTo}.`
        find('rewritten', words, line)
      }
    }
  }
  for await (const page of pages)
    for (const line of page) {
      step(walk, line)
      hear(line)
    }
  checkEnd(walk, head, witnesses.slice(next))
  return { chain, lines: walk.lines, checkpoints, vouchedTo, findings, more }
}
