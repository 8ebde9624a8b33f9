import type { State } from '#server/contract/networks.ts'
import type { IconName } from '../ui/icon.tsx'
import { Status, type Tone } from '../ui/status.tsx'

const LOOKS: Readonly<Record<State['state'], { readonly tone: Tone; readonly icon?: IconName }>> = {
  draft: { tone: 'idle' },
  held: { tone: 'ok' },
  pending: { tone: 'warn' },
  failed: { tone: 'bad' },
  drifted: { tone: 'warn', icon: 'drift' },
  moving: { tone: 'moving' },
}

/** Wanted against held, in the words of the engine. Good news whispers. */
export function HeldState({ state, pill }: { state: State; pill?: boolean }) {
  const look = LOOKS[state.state]
  return (
    <Status
      tone={look.tone}
      {...(look.icon ? { icon: look.icon } : {})}
      calm={state.state === 'held' && !pill}
      {...(pill ? { pill } : {})}
    >
      {state.words}
    </Status>
  )
}

export const STATE_WORDS: Readonly<Record<State['state'], string>> = {
  draft: 'In a draft',
  held: 'Holds',
  pending: 'Pending',
  failed: 'Not held',
  drifted: 'Differs',
  moving: 'Changing',
}

/** The same in one word, for a table; the whole in the hint. */
export const HeldWord = ({ state }: { state: State }) => (
  <span title={state.words}>
    <HeldState state={{ ...state, words: STATE_WORDS[state.state] }} />
  </span>
)
