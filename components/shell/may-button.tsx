'use client'
import type { ComponentProps } from 'react'
import { TooltipTrigger } from 'react-aria-components'
import type { Right } from '#server/contract/rights.ts'
import { Button } from '../ui/button.tsx'
import { toast } from '../ui/toast.tsx'
import { Tooltip } from '../ui/tooltip.tsx'
import { whyNot } from './rights.ts'
import { useMay } from './session.tsx'

/** A button for those who hold a right; to others it says, on hover, focus or touch, which one it needs and who gives it. */
export function MayButton({ right, ...rest }: { right: Right } & ComponentProps<typeof Button>) {
  const may = useMay(right)
  if (may) return <Button {...rest} />
  const { look, small, icon, children } = rest
  return (
    <TooltipTrigger delay={200}>
      <Button
        {...(look === 'primary' || look === undefined ? {} : { look })}
        {...(small ? { small } : {})}
        {...(icon ? { icon } : {})}
        className="off"
        aria-disabled="true"
        onPress={() => toast({ tone: 'idle', icon: 'lock', text: whyNot(right) })}
      >
        {children}
      </Button>
      <Tooltip>{whyNot(right)}</Tooltip>
    </TooltipTrigger>
  )
}
