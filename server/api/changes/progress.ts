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
  return preview
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
