import type { ChangeState, DatapathDifference } from '#server/contract/changes.ts'
import type { IconName } from '../ui/icon.tsx'
import { Status, type Tone } from '../ui/status.tsx'
import { span } from '../ui/words.ts'

const LOOKS: Readonly<Record<ChangeState, { readonly tone: Tone; readonly word: string; readonly icon?: IconName }>> = {
  draft: { tone: 'idle', word: 'Draft' },
  committing: { tone: 'moving', word: 'Committing' },
  undoing: { tone: 'moving', word: 'Undoing' },
  pending: { tone: 'warn', word: 'Pending' },
  committed: { tone: 'ok', word: 'Committed' },
  undone: { tone: 'bad', word: 'Undone', icon: 'undo' },
  discarded: { tone: 'idle', word: 'Discarded', icon: 'close' },
}
export const changeWord = (state: ChangeState): string => LOOKS[state].word

export function ChangeStatus({ state, pill, calm }: { state: ChangeState; pill?: boolean; calm?: boolean }) {
  const { tone, word, icon } = LOOKS[state]
  const whispers = calm === true && (tone === 'ok' || tone === 'idle')
  return (
    <Status tone={tone} {...(icon ? { icon } : {})} calm={whispers} {...(pill ? { pill } : {})}>
      {word}
    </Status>
  )
}

const waits = (
  <Status tone="idle" calm>
    Waits
  </Status>
)
const took = (duration_ms: number) => (
  <Status tone="ok" calm>
    {span(duration_ms)}
  </Status>
)
const busy = (word: string) => (
  <Status tone="moving" spin>
    {word}
  </Status>
)

type Difference = Pick<DatapathDifference, 'state' | 'staged_ms' | 'committed_ms' | 'observed_ms'>

export function Staged({ state, staged_ms }: Difference) {
  if (state === 'staging') return busy('Staging')
  if (staged_ms !== null) return took(staged_ms)
  if (state === 'failed') return <Status tone="bad">Refused</Status>
  return state === 'waits' ? (
    waits
  ) : (
    <Status tone="idle" calm icon="dash">
      —
    </Status>
  )
}

export function Committed({ state, committed_ms }: Difference) {
  if (state === 'committing') return busy('Committing')
  if (committed_ms !== null) return took(committed_ms)
  return waits
}

/** The last column tells how it ended, too. */
export function Observed({ state, observed_ms }: Difference) {
  if (state === 'undoing') return busy('Undoing')
  if (state === 'undone')
    return (
      <Status tone="idle" icon="undo">
        Undone
      </Status>
    )
  if (state === 'failed') return <Status tone="bad">Failed</Status>
  if (state === 'pending') return <Status tone="warn">Pending</Status>
  if (observed_ms !== null) return took(observed_ms)
  return state === 'committed' ? busy('Reading back') : waits
}
