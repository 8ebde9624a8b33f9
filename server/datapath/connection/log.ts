/** Where a connection says what happened: words for people, fields for machines. */
export type Log = (
  level: 'info' | 'warn',
  message: string,
  fields?: Readonly<Record<string, string | number | boolean>>,
) => void

/** Lines about refused peers in one second; the rest is counted. */
const LINES_PER_S = 10

/** Writes about refused peers, but no more than so many lines in a second: a scan must not fill the disk. */
export function refusalLog(log: Log, protocol: string): (peer: string, reason: string) => void {
  let second = 0
  let lines = 0
  return (peer, reason) => {
    const now = Math.floor(performance.now() / 1000)
    if (now !== second) {
      if (lines > LINES_PER_S) log('warn', `More ${protocol} peers were refused.`, { count: lines - LINES_PER_S })
      second = now
      lines = 0
    }
    if (++lines <= LINES_PER_S) log('warn', `An ${protocol} peer was refused.`, { peer, reason })
  }
}
