'use client'
import type { Right } from '#server/contract/rights.ts'
import { RIGHT_AREAS, RIGHT_WORDS } from '../shell/rights.ts'
import { Checkbox } from '../ui/checkbox.tsx'

interface Props {
  readonly chosen: ReadonlySet<Right>
  /** What one holds oneself: the rest cannot be chosen. */
  readonly held: readonly Right[]
  readonly onChoose: (chosen: ReadonlySet<Right>) => void
}

/** Rights to choose from, by area; an area can be taken as a whole. */
export function RightList({ chosen, held, onChoose }: Props) {
  const set = (rights: readonly Right[], on: boolean) => {
    const next = new Set(chosen)
    for (const right of rights) on ? next.add(right) : next.delete(right)
    onChoose(next)
  }
  return (
    <div className="rightlist">
      {RIGHT_AREAS.map(({ label, rights }) => {
        const free = rights.filter((right) => held.includes(right))
        const on = free.filter((right) => chosen.has(right)).length
        return (
          <fieldset key={label}>
            <legend>
              <Checkbox
                isSelected={on > 0 && on === free.length}
                isIndeterminate={on > 0 && on < free.length}
                isDisabled={free.length === 0}
                onChange={(all) => set(free, all)}
              >
                <b>{label}</b>
              </Checkbox>
              <span className="dim small push">
                {on} of {rights.length}
              </span>
            </legend>
            {rights.map((right) => (
              <Checkbox
                key={right}
                isSelected={chosen.has(right)}
                isDisabled={!held.includes(right)}
                onChange={(one) => set([right], one)}
              >
                <span className="rightline">
                  <code className="mono">{right}</code>
                  <span className="dim small">{RIGHT_WORDS[right]}</span>
                </span>
              </Checkbox>
            ))}
          </fieldset>
        )
      })}
    </div>
  )
}
