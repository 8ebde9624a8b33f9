'use client'
import Link from 'next/link'
import { useEffect, useRef } from 'react'
import type { ChangeSummary, Task } from '#server/contract/changes.ts'
import { isMoving, useChanges } from '../queries/changes.ts'
import { commitOf, isRunning, useTasks } from '../queries/tasks.ts'
import { toast } from '../ui/toast.tsx'
import { useMay, useSession } from './session.tsx'

/** Says at the bottom right how a change ended that was seen moving. */
function useEndings(changes: readonly ChangeSummary[] | undefined, tasks: readonly Task[] | undefined) {
  const moving = useRef(new Set<string>())
  useEffect(() => {
    for (const change of changes ?? []) {
      const commit = commitOf(tasks, change.id)
      if (isMoving(change.state)) moving.current.add(change.id)
      else if (change.state === 'draft') {
        // It stays a draft while its datapaths are read, and where that fails.
        if (!moving.current.has(change.id) || !commit || isRunning(commit.state)) continue
        moving.current.delete(change.id)
        toast({
          tone: 'bad',
          icon: 'warn',
          text: `${change.name} was not committed${commit.problem ? `: ${commit.problem.detail}` : ''}`,
          action: { label: 'Open', href: `/changes/${change.name}` },
        })
      } else if (moving.current.delete(change.id)) {
        const done = change.state === 'committed'
        toast({
          tone: done ? 'ok' : change.state === 'pending' ? 'warn' : 'bad',
          icon: done ? 'ok' : change.state === 'undone' ? 'undo' : 'warn',
          text: done
            ? `${change.name} is committed`
            : change.state === 'pending'
              ? `${change.name} waits for a datapath that is away`
              : `${change.name} was undone${change.outcome ? `: ${change.outcome}` : ''}`,
          action: { label: done ? 'Open' : 'Why', href: `/changes/${change.name}` },
        })
      }
    }
  }, [changes, tasks])
}

/** The change in progress, never hidden: one that moves, else the person's newest draft. */
export function ChangePill() {
  const { account } = useSession()
  const changes = useChanges(useMay('change.read'))
  const tasks = useTasks(useMay('task.read'))
  useEndings(changes.data, tasks.data)
  const isUnderWay = ({ id, state }: ChangeSummary) =>
    isMoving(state) || (state === 'draft' && isRunning(commitOf(tasks.data, id)?.state ?? ''))
  const moving = changes.data?.find(isUnderWay)
  const own = changes.data?.find(
    (change) => change.state === 'draft' && [account.name, account.displayName].includes(change.actor),
  )
  const change = moving ?? own
  if (!change) return null
  const task = tasks.data?.find((candidate) => candidate.subject?.id === change.id)
  const share =
    moving && task && task.total > 0 ? Math.max(8, Math.round((task.done / task.total) * 100)) : moving ? 25 : 0
  const words = moving
    ? `${moving.state === 'draft' ? 'preparing' : moving.state}${task && task.total > 0 ? ` ${task.done} of ${task.total} ${task.unit}` : ''}`
    : 'draft'
  return (
    <Link
      className={`changepill${moving ? '' : ' draft'}`}
      href={`/changes/${change.name}`}
      aria-label={`${change.name}, ${words}`}
    >
      <svg
        width="16"
        height="16"
        viewBox="0 0 16 16"
        aria-hidden="true"
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
      >
        <circle cx="8" cy="8" r="6" opacity=".25" />
        {share > 0 ? (
          <circle
            cx="8"
            cy="8"
            r="6"
            pathLength="100"
            strokeDasharray={`${share} 100`}
            transform="rotate(-90 8 8)"
            strokeLinecap="round"
          />
        ) : null}
      </svg>
      {change.name} <span className="dim not-s">{words}</span>
    </Link>
  )
}
