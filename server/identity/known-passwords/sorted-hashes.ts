/** The bytes of a file from a place on; fewer where it ends. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>

/** What is wrong with a file that is no list of hashes in their order, and where. */
export class NotSortedHashes extends Error {
  override readonly name = 'NotSortedHashes'
}

/** As Have I Been Pwned publishes them: SHA-1, and how often it was seen. */
const LINE = /^[0-9A-F]{40}:\d+$/
const HASH_LENGTH = 40
/** Longest line with its end: a hash, a colon, twenty digits. */
const LINE_MAX = 64
/** What is so short is read whole. */
const BLOCK = 4096

const hashIn = (line: Buffer, at: number): string => {
  const text = line.toString('latin1').replace(/\r$/, '')
  if (LINE.test(text)) return text.slice(0, HASH_LENGTH)
  throw new NotSortedHashes(`byte ${at} begins no line HASH:COUNT with a SHA-1 in upper-case hexadecimal`)
}

interface Line {
  readonly at: number
  readonly hash: string
}

/** The first line that begins at or after a place; undefined where none does. */
async function lineFrom(read: ReadAt, from: number): Promise<Line | undefined> {
  const before = from === 0 ? 0 : 1
  const bytes = await read(from - before, 2 * LINE_MAX)
  const start = before === 0 ? 0 : bytes.indexOf('\n') + 1
  if ((before === 1 && start === 0) || start === bytes.length) {
    // Its line may be the last one, which ends without an end.
    if (bytes.length < 2 * LINE_MAX) return undefined
    throw new NotSortedHashes(`there is no end of a line after byte ${from}`)
  }
  const end = bytes.indexOf('\n', start)
  const at = from - before + start
  return { at, hash: hashIn(bytes.subarray(start, end === -1 ? undefined : end), at) }
}

/** All lines that begin in a part of the file, which begins with one. */
async function linesIn(read: ReadAt, from: number, end: number): Promise<Line[]> {
  const bytes = await read(from, end - from + LINE_MAX)
  const lines: Line[] = []
  for (let start = 0; start < Math.min(end - from, bytes.length); ) {
    const next = bytes.indexOf('\n', start)
    const line = bytes.subarray(start, next === -1 ? undefined : next)
    lines.push({ at: from + start, hash: hashIn(line, from + start) })
    start += line.length + 1
  }
  return lines
}

function requireSome(size: number): void {
  if (size === 0) throw new NotSortedHashes('it is empty')
}

function requireOrder(lines: readonly Line[]): void {
  for (const [index, { at, hash }] of lines.entries()) {
    const before = lines[index - 1]
    if (before && before.at < at && before.hash >= hash)
      throw new NotSortedHashes(`the line at byte ${at} does not sort after those before it`)
  }
}

/**
 * Whether a hash begins one of the sorted lines of a file, however large: found by halving, in as many small reads as the
 * size has binary digits. Throws `NotSortedHashes` for what is met on the way.
 */
export async function hasHash(read: ReadAt, size: number, hash: string): Promise<boolean> {
  requireSome(size)
  let low: Line | undefined
  let high: Line | undefined
  let end = size
  while (end - (low?.at ?? 0) > BLOCK) {
    const middle = Math.floor(((low?.at ?? 0) + end) / 2)
    const line = await lineFrom(read, middle)
    if (line) requireOrder([low, line, high].filter((one) => one !== undefined))
    if (line?.hash === hash) return true
    if (line && line.at < end && line.hash < hash) low = line
    else {
      high = line ?? high
      end = middle
    }
  }
  const lines = await linesIn(read, low?.at ?? 0, end)
  requireOrder(lines)
  return lines.some((line) => line.hash === hash)
}

/** Looks at the first line, the last, and some in between. Throws `NotSortedHashes`. */
export async function sampleHashes(read: ReadAt, size: number, samples: number): Promise<void> {
  requireSome(size)
  const lines: Line[] = []
  for (let sample = 0; sample < samples; sample++) {
    const line = await lineFrom(read, Math.floor((size / samples) * sample))
    if (line) lines.push(line)
  }
  const near = await lineFrom(read, Math.max(0, size - 2 * LINE_MAX))
  if (near) lines.push(...(await linesIn(read, near.at, size)))
  requireOrder(lines)
}
