import type { Change } from '#server/contract/changes.ts'
import { Icon } from '../ui/icon.tsx'

const STEPS = ['Plan', 'Check', 'Preview', 'Commit', 'Observe'] as const

/** How many of the five steps lie behind a change. */
function passed({ state, previewedAt, datapaths }: Change): number {
  if (state === 'committed') return STEPS.length
  if (state === 'pending') return 4
  if (state === 'discarded') return previewedAt === null ? 0 : 3
  if (state !== 'draft') return datapaths.length > 0 && datapaths.every((d) => d.committed_ms !== null) ? 4 : 3
  return previewedAt === null ? 0 : 2
}

/** Plan, Check, Preview, Commit, Observe: where this change is. */
export function FlowLine({ change }: { change: Change }) {
  const behind = passed(change)
  // Nothing is under way in a draft that was dropped.
  const now = change.state === 'discarded' ? -1 : behind
  return (
    <ol className="flowline push" aria-label="Where this change is">
      {STEPS.map((step, index) => (
        <li key={step} className={index === now ? 'cur' : ''} aria-current={index === now ? 'step' : undefined}>
          {index > 0 ? <i /> : null}
          <span>
            {index < behind ? <Icon name="check" small /> : null}
            {step}
          </span>
        </li>
      ))}
    </ol>
  )
}
