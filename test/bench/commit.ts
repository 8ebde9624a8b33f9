/**
 * How long a change takes to reach one switch: stage, journal, commit, and read back, beside `ovs-ofctl --bundle
 * add-flows` of the same entries on the same switch in the same run. `node test/bench/commit.ts [entries …]`
 */
import { inverse } from '#server/engine/program/difference.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { entryNotation } from '#server/engine/program/notation.ts'
import { type Difference, EMPTY_DIFFERENCE } from '#server/engine/program/program.ts'
import { adding, type DrivenBridge, driveConnected, manyEntries } from '#test/peers/openflow.ts'
import { type Openvswitch, startPeer, stopPeers } from '#test/peers/openvswitch.ts'

const DEADLINE_MS = 60_000
const ROUNDS = 5

/** What is made durable between stage and commit. Without one, nothing is. */
export type JournalStep = (difference: Difference) => Promise<void>

export interface CommitFigures {
  readonly entries: number
  /** Medians in milliseconds. */
  readonly ovsOfctl_ms: number
  readonly stage_ms: number
  readonly journal_ms: number
  readonly commit_ms: number
  readonly readBack_ms: number
  /** Stage, journal and commit against ovs-ofctl. */
  readonly ratio: number
}

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const start = performance.now()
  const value = await work()
  return [performance.now() - start, value]
}

const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] as number

interface Round {
  readonly ofctl: number
  readonly stage: number
  readonly journal: number
  readonly commit: number
  readonly read: number
}

async function round(
  peer: Openvswitch,
  { datapath }: DrivenBridge,
  count: number,
  text: string,
  journal?: JournalStep,
): Promise<Round> {
  const difference = adding(manyEntries(count))
  const [stage, staged] = await timed(() => datapath.stage({ change: 'C-1', difference }, DEADLINE_MS))
  const [journalled] = await timed(async () => journal?.(difference))
  const [commit] = await timed(() => datapath.commit(staged, DEADLINE_MS))
  const [read, held] = await timed(() => datapath.read())
  const wanted = new Map(manyEntries(count).map((one) => [one.key, one]))
  if (
    hashProgram(held.program).all !==
    hashProgram({ ...EMPTY_DIFFERENCE, entries: wanted, groups: new Map(), neighbours: new Map() }).all
  )
    throw new Error('the switch does not hold what was committed')
  await datapath.converge(inverse(difference), DEADLINE_MS)
  const [ofctl] = await timed(() => peer.ofctlWith(text, '--bundle', 'add-flows', 'br1', '-'))
  const added = await peer.ofctl('dump-aggregate', 'br1')
  if (!added.includes(`flow_count=${count}`)) throw new Error(`ovs-ofctl did not add all: ${added}`)
  await peer.ofctl('del-flows', 'br1')
  return { ofctl, stage, journal: journalled, commit, read }
}

/** Measures changes of so many entries, each the median of some rounds in which driver and ovs-ofctl take turns. */
export async function benchmarkCommit(sizes: readonly number[], journal?: JournalStep): Promise<CommitFigures[]> {
  const peer = await startPeer({ datapath: 'dummy' })
  // One bridge each, so that ovs-ofctl's changes are not reported to the driver.
  await peer.addBridge('br0', { datapathId: '00000000000000aa' })
  await peer.addBridge('br1')
  const driven = await driveConnected(peer, 'br0')
  try {
    const figures: CommitFigures[] = []
    for (const count of sizes) {
      const text = manyEntries(count)
        .map((one) => `cookie=0x${one.cookie.toString(16)}, ${entryNotation(one)}`)
        .join('\n')
      const rounds: Round[] = []
      for (let i = 0; i < ROUNDS; i++) rounds.push(await round(peer, driven, count, text, journal))
      const of = (part: keyof Round) => median(rounds.map((one) => one[part]))
      figures.push({
        entries: count,
        ovsOfctl_ms: of('ofctl'),
        stage_ms: of('stage'),
        journal_ms: of('journal'),
        commit_ms: of('commit'),
        readBack_ms: of('read'),
        ratio: median(rounds.map(({ stage, journal, commit, ofctl }) => (stage + journal + commit) / ofctl)),
      })
    }
    return figures
  } finally {
    await driven.close()
    await stopPeers()
  }
}

if (import.meta.main) {
  const sizes = process.argv.slice(2).map(Number)
  for (const figures of await benchmarkCommit(sizes.length > 0 ? sizes : [10_000, 100_000])) {
    const { entries, ratio, ...times } = figures
    const words = Object.entries(times).map(([name, ms]) => `${name.replace(/_ms$/, '')} ${ms.toFixed(0)} ms`)
    console.log(`${entries} entries: ${words.join(', ')}; ${ratio.toFixed(2)} times ovs-ofctl`)
  }
}
