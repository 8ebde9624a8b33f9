'use client'
import type { ReactNode } from 'react'
import type { Problem } from '#server/contract/base.ts'
import { problemOf } from '../queries/problem.ts'
import { Button } from './button.tsx'
import { Icon, type IconName } from './icon.tsx'
import type { Tone } from './status.tsx'

interface Props {
  readonly tone: Tone
  readonly icon?: IconName
  readonly title: string
  readonly children?: ReactNode
  readonly actions?: ReactNode
}

/** A note across a card: what holds here, and the ways out. */
export function Banner({ tone, icon, title, children, actions }: Props) {
  return (
    <div className={`note ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={icon ?? tone} />
      <div className="grow">
        <b>{title}</b>
        {children ? <div className="mid">{children}</div> : null}
        {actions ? <div className="row note-acts">{actions}</div> : null}
      </div>
    </div>
  )
}

/** A refusal in words: what, which rule, how to mend. `except` leaves out details that stand at their fields. */
export function ProblemBanner({
  problem,
  except,
  onRetry,
}: {
  problem: Problem
  except?: readonly string[]
  onRetry?: () => void
}) {
  const details = problem.errors.filter(
    ({ pointer }) => !except?.some((field) => pointer.replace(/^\/(body\/)?/, '').split('/')[0] === field),
  )
  if (except && problem.errors.length > 0 && details.length === 0) return null
  return (
    <Banner
      tone="bad"
      title={problem.title}
      actions={
        onRetry ? (
          <Button small onPress={onRetry}>
            Try again
          </Button>
        ) : null
      }
    >
      {details.length === 0 ? <p>{problem.detail}</p> : null}
      {details.map((detail) => (
        <p key={`${detail.pointer}${detail.rule}${detail.message}`}>
          {detail.message} {detail.mend} <span className="dim small mono">{detail.rule}</span>
        </p>
      ))}
    </Banner>
  )
}

/** The same for whatever a call ended with; nothing when it went well. */
export const ErrorBanner = ({
  error,
  except,
  onRetry,
}: {
  error: unknown
  except?: readonly string[]
  onRetry?: () => void
}) =>
  error ? (
    <ProblemBanner problem={problemOf(error)} {...(except ? { except } : {})} {...(onRetry ? { onRetry } : {})} />
  ) : null

/** Instead of what could not be read at all: that one may not see it, or what went wrong. */
export function Refused({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const problem = problemOf(error)
  return (
    <div className="body">
      {problem.status === 403 ? (
        <Banner tone="idle" icon="lock" title="You may not see this">
          Your role has no right to it. Ask an operator for the right, or to look for you.
        </Banner>
      ) : (
        <ProblemBanner problem={problem} onRetry={onRetry} />
      )}
    </div>
  )
}
