/** One stretch of a line: the same on both sides, or changed. */
export interface Stretch {
  readonly text: string
  readonly changed: boolean
}

const words = (line: string) => line.match(/[^,\s]+[,\s]*/g) ?? []

/** Splits a line into what it shares with another one at both ends, and the changed middle, by whole words. */
export function marked(line: string, other: string): readonly Stretch[] {
  const mine = words(line)
  const theirs = words(other)
  const most = Math.min(mine.length, theirs.length)
  let head = 0
  while (head < most && mine[head] === theirs[head]) head += 1
  let tail = 0
  while (tail < most - head && mine[mine.length - 1 - tail] === theirs[theirs.length - 1 - tail]) tail += 1
  return [
    { text: mine.slice(0, head).join(''), changed: false },
    { text: mine.slice(head, mine.length - tail).join(''), changed: true },
    { text: mine.slice(mine.length - tail).join(''), changed: false },
  ].filter(({ text }) => text !== '')
}
