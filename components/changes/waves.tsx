import Link from 'next/link'
import type { Change } from '#server/contract/changes.ts'
import { Status, type Tone } from '../ui/status.tsx'
import { plural, span } from '../ui/words.ts'

const LOOKS: Readonly<Record<Change['waves'][number]['state'], { readonly tone: Tone; readonly word: string }>> = {
  waits: { tone: 'idle', word: 'Waits' },
  running: { tone: 'moving', word: 'Runs' },
  done: { tone: 'ok', word: 'Done' },
  undone: { tone: 'idle', word: 'Undone' },
  failed: { tone: 'bad', word: 'Failed' },
}

/** The order in which the datapaths are programmed, so that no packet is lost or leaked in between. */
export function Waves({ change }: { change: Change }) {
  if (change.waves.length === 0) return null
  const ended = change.state === 'undone' || change.state === 'discarded'
  return (
    <section className="card" aria-labelledby="h-waves">
      <header>
        <h2 id="h-waves">Waves</h2>
        <span className="dim push">one after the other</span>
      </header>
      <ol className="waves">
        {change.waves.map((wave, index) => (
          <li key={wave.name}>
            <span className="dim">{index + 1}</span>
            <span>
              {wave.words}
              <span className="dim small"> {plural(wave.datapaths, 'datapath')}</span>
            </span>
            {ended && wave.state === 'waits' ? (
              <span className="dim">—</span>
            ) : (
              <Status
                tone={LOOKS[wave.state].tone}
                calm={wave.state !== 'running' && wave.state !== 'failed'}
                spin={wave.state === 'running'}
                {...(wave.state === 'undone' ? { icon: 'undo' as const } : {})}
              >
                {LOOKS[wave.state].word}
              </Status>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}

/** What is kept for the case that it fails, and how it went. */
export function Aftermath({ change }: { change: Change }) {
  const settled = change.state === 'committed' || change.state === 'undone' || change.state === 'discarded'
  return (
    <section className="card" aria-labelledby="h-wrong">
      <header>
        <h2 id="h-wrong">{settled ? 'How it went' : 'If it goes wrong'}</h2>
      </header>
      <div className="in">
        <dl className="facts small">
          {change.outcome ? (
            <>
              <dt>Outcome</dt>
              <dd>{change.outcome}</dd>
            </>
          ) : null}
          {change.mixedWindow_ms === null ? null : (
            <>
              <dt>Old and new</dt>
              <dd>side by side for {span(change.mixedWindow_ms)}</dd>
            </>
          )}
          {change.settled_ms === null ? null : (
            <>
              <dt>Settled</dt>
              <dd>after {span(change.settled_ms)}</dd>
            </>
          )}
          {settled ? null : (
            <>
              <dt>Before-image</dt>
              <dd>saved for {plural(change.datapaths.length, 'datapath')} before anything moves</dd>
              <dt>Failure</dt>
              <dd>what was done is undone on all of them</dd>
              <dt>Not observed</dt>
              <dd>by the deadline: all undone</dd>
            </>
          )}
          {change.rollbackOf ? (
            <>
              <dt>Takes back</dt>
              <dd>
                <Link href={`/changes/${change.rollbackOf.name}`}>{change.rollbackOf.name}</Link>
              </dd>
            </>
          ) : null}
          {change.reason ? (
            <>
              <dt>Reason</dt>
              <dd>{change.reason}</dd>
            </>
          ) : null}
        </dl>
      </div>
    </section>
  )
}
