'use client'
import type { ReactNode } from 'react'
import { Checkbox as AriaCheckbox } from 'react-aria-components'
import { Icon } from './icon.tsx'

interface Props {
  readonly isSelected: boolean
  readonly isIndeterminate?: boolean
  readonly isDisabled?: boolean
  readonly onChange: (selected: boolean) => void
  readonly 'aria-label'?: string
  readonly children?: ReactNode
}

export function Checkbox({ children, ...rest }: Props) {
  return (
    <AriaCheckbox {...rest} className="checkbox">
      {({ isSelected, isIndeterminate, isFocusVisible }) => (
        <>
          <span
            className={`check${isIndeterminate ? ' some' : isSelected ? ' on' : ''}${isFocusVisible ? ' is-focus' : ''}`}
          >
            {isIndeterminate ? <Icon name="dash" /> : isSelected ? <Icon name="check" /> : null}
          </span>
          {children}
        </>
      )}
    </AriaCheckbox>
  )
}
