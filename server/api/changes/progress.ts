import type { Change } from '#server/contract/changes.ts'
import { failureWords } from '#server/engine/change/failure.ts'
import type { ProgressEvent } from '#server/engine/change/progress.ts'

/** The part of a change that is compiled once and then only moves: kept with the change. */
export type Preview = Pick<Change, 'findings' | 'waves' | 'datapaths'>

type Row = Preview['datapaths'][number]

const tenths = (ms: number): number => Math.round(ms * 10) / 10

function timed(row: Row, event: Extract<ProgressEvent, { type: 'datapath' }>): Partial<Row> {
  const took = event.took_ms
  if (took === undefined) return {}
  if (event.step === 'staged') return { staged_ms: tenths((row.staged_ms ?? 0) + took) }
  if (event.step === 'committed') return { committed_ms: tenths((row.committed_ms ?? 0) + took) }
  return event.step === 'observed' ? { observed_ms: tenths(took) } : {}
}

/** What is shown of a change after one more progress event. */
export function advance(preview: Preview, event: ProgressEvent): Preview {
  if (event.type === 'datapath') {
    const moved = (row: Row): Row =>
      row.datapathId === event.datapathId ? { ...row, state: event.step, ...timed(row, event) } : row
    return { ...preview, datapaths: preview.datapaths.map(moved) }
  }
  if (event.type === 'wave') {
    const waves = preview.waves.map((wave, n) => (n === event.wave ? { ...wave, state: event.state } : wave))
    return { ...preview, waves }
  }
  if (event.stand !== 'undoing') return preview
  // The wave under way is the one that something failed in.
  const waves = preview.waves.map((wave) => (wave.state === 'running' ? { ...wave, state: 'failed' as const } : wave))
  return { ...preview, waves }
}

type Step = Row['state']
type WaveState = Preview['waves'][number]['state']

/** How datapaths and waves stand in a change that is at its end, whoever took it there. */
const ENDED: Readonly<Record<string, readonly [(step: Step) => Step, (state: WaveState) => WaveState]>> = {
  committed: [() => 'observed', () => 'done'],
  pending: [(step) => (step === 'pending' ? step : 'observed'), () => 'done'],
  undone: [() => 'undone', (state) => (state === 'waits' || state === 'failed' ? state : 'undone')],
}

/**
 * What is kept of a change may be older than its end: an engine that stopped amid it has left off somewhere, and a
 * pending part becomes true when its datapath connects. The change itself says how it ended.
 */
export function agreeing(preview: Preview, state: Change['state']): Preview {
  const ended = ENDED[state]
  if (!ended) return preview
  const [step, wave] = ended
  return {
    ...preview,
    datapaths: preview.datapaths.map((row) => ({ ...row, state: step(row.state) })),
    waves: preview.waves.map((one) => ({ ...one, state: wave(one.state) })),
  }
}

/** A line of the task's log for an event that people care for; undefined for the rest. */
export function logLine(event: ProgressEvent, nameOf: (datapathId: string) => string): string | undefined {
  if (event.type === 'wave') return event.state === 'running' ? undefined : `Wave ${event.name}: ${event.state}.`
  if (event.type === 'datapath') {
    if (!['observed', 'failed', 'undone', 'pending'].includes(event.step)) return undefined
    const took = event.took_ms === undefined ? '' : ` after ${Math.round(event.took_ms)} ms`
    // The line begins with the datapath's name already.
    const why = event.reason ? `: ${failureWords({ ...event.reason, datapathId: undefined }, nameOf)}` : ''
    return `${nameOf(event.datapathId)}: ${event.step}${took}${why}.`.replace('..', '.')
  }
  const why = event.reason ? `: ${failureWords(event.reason, nameOf)}` : ''
  return `Change ${event.stand}${why}.`.replace('..', '.')
}
