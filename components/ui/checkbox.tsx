'use client'
import type { ReactNode } from 'react'
import { Icon } from './icon.tsx'

interface Props {
  readonly isSelected: boolean
  readonly isIndeterminate?: boolean
  readonly isDisabled?: boolean
  readonly onChange: (selected: boolean) => void
  readonly 'aria-label'?: string
  readonly children?: ReactNode
}

/** The browser's own checkbox, drawn over: it lies invisible on top of its picture, so that all that works with one works. */
export function Checkbox({ isSelected, isIndeterminate = false, isDisabled, onChange, children, ...rest }: Props) {
  return (
    <label className="checkbox">
      <span className={`check${isIndeterminate ? ' some' : isSelected ? ' on' : ''}`}>
        <input
          {...rest}
          type="checkbox"
          checked={isSelected}
          disabled={isDisabled}
          onChange={(event) => onChange(event.target.checked)}
          ref={(input) => {
            if (input) input.indeterminate = isIndeterminate
          }}
        />
        {isIndeterminate ? <Icon name="dash" /> : isSelected ? <Icon name="check" /> : null}
      </span>
      {children}
    </label>
  )
}
