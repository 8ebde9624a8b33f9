'use client'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import type { Problem } from '#server/contract/base.ts'
import type { Change } from '#server/contract/changes.ts'
import { isMoving, useCommit, useDiscard, useRollback } from '../queries/changes.ts'
import { problemOf } from '../queries/problem.ts'
import { commitOf, isRunning, useTasks } from '../queries/tasks.ts'
import { useMay } from '../shell/session.tsx'
import { Banner, ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Checkbox } from '../ui/checkbox.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Status } from '../ui/status.tsx'
import { toast } from '../ui/toast.tsx'

/** Whether nothing but datapaths that are away stands in the way: then the rest may go on, and their part stays pending. */
const isAway = (problem: Problem | undefined) =>
  problem !== undefined && problem.errors.length > 0 && problem.errors.every(({ rule }) => rule === 'datapath.away')

function DraftBar({ change, compiling }: { change: Change; compiling: boolean }) {
  const router = useRouter()
  const mayWrite = useMay('change.write')
  const mayCommit = useMay('change.commit')
  const [reason, setReason] = useState(change.reason)
  const [force, setForce] = useState(false)
  const [asking, setAsking] = useState(false)
  const commit = useCommit()
  const discard = useDiscard()
  const problem = commit.isError ? problemOf(commit.error) : undefined
  const away = isAway(problem)
  const ready = change.previewedAt !== null && !compiling && change.commit.allowed && (!away || force)
  const words = compiling
    ? 'Compiling and checking what each datapath will hold'
    : !mayCommit
      ? 'You may prepare this change; an operator or administrator commits it'
      : (change.commit.why ?? 'Nothing moves until you commit. Afterwards you can roll back.')
  return (
    <>
      <ErrorBanner error={commit.error ?? discard.error} />
      <div className="confirm">
        {mayWrite ? (
          <Button icon="undo" onPress={() => setAsking(true)}>
            Discard
          </Button>
        ) : null}
        <span className={`small mid grow${change.commit.allowed ? ' not-s' : ''}`}>
          {!compiling && !change.commit.allowed && mayCommit ? (
            <Status tone="warn" small>
              {words}
            </Status>
          ) : (
            words
          )}
        </span>
        {away && mayCommit ? (
          <Checkbox isSelected={force} onChange={setForce}>
            Go on without what is away
          </Checkbox>
        ) : null}
        {mayCommit ? (
          <>
            <input
              className="input"
              aria-label="Reason"
              placeholder="Reason, kept in the history"
              maxLength={500}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
            <Button
              look="primary"
              isDisabled={!ready || commit.isPending}
              onPress={() => commit.mutate({ id: change.id, reason: reason.trim(), force })}
            >
              {commit.isPending ? 'Committing' : 'Commit'}
            </Button>
          </>
        ) : null}
      </div>
      <Dialog
        title={`Discard ${change.name}?`}
        role="alertdialog"
        isOpen={asking}
        onClose={() => setAsking(false)}
        foot={
          <>
            <Button look="quiet" onPress={() => setAsking(false)}>
              Keep it
            </Button>
            <Button
              look="primary"
              isDisabled={discard.isPending}
              onPress={() =>
                discard.mutate(change.id, {
                  onSuccess: () => {
                    toast({ tone: 'idle', icon: 'undo', text: `${change.name} is discarded` })
                    router.push('/changes')
                  },
                })
              }
            >
              Discard the draft
            </Button>
          </>
        }
      >
        <p>Its edits are lost, and the numbers that it reserved are free again. No datapath notices.</p>
      </Dialog>
    </>
  )
}

/** The foot of a change: discard or commit a draft, follow one that moves, roll back one that is done. */
export function ConfirmBar({ change, compiling }: { change: Change; compiling: boolean }) {
  const router = useRouter()
  const rollback = useRollback()
  const mayWrite = useMay('change.write')
  const tasks = useTasks(useMay('task.read'))
  const last = commitOf(tasks.data, change.id)
  const preparing = change.state === 'draft' && last !== undefined && isRunning(last.state)
  if (change.state === 'draft' && !preparing)
    return (
      <>
        {last?.problem ? (
          <Banner tone="bad" title="The commit did not begin, and nothing moved">
            {`${last.problem.detail}. The draft is as it was: commit it again once that is mended.`}
          </Banner>
        ) : null}
        <DraftBar change={change} compiling={compiling} />
      </>
    )
  const done = change.datapaths.filter((difference) => difference.state === 'observed').length
  if (preparing || isMoving(change.state))
    return (
      <div className="confirm" role="status">
        <Status tone="moving" spin>
          {preparing
            ? 'Reading every datapath'
            : change.state === 'undoing'
              ? 'Undoing on all datapaths'
              : 'Committing'}
        </Status>
        <span className="small mid">
          {preparing ? 'Nothing has moved yet.' : `${done} of ${change.datapaths.length} observed.`} You may leave this
          page; it goes on.
        </span>
      </div>
    )
  if (!mayWrite || (change.state !== 'committed' && change.state !== 'pending')) return null
  return (
    <>
      <ErrorBanner error={rollback.error} />
      <div className="confirm">
        <span className="small mid grow">
          {change.rollback.why ?? 'A rollback is a change of its own: you see its preview first.'}
        </span>
        <Button
          icon="undo"
          isDisabled={!change.rollback.allowed || rollback.isPending}
          onPress={() => rollback.mutate(change.id, { onSuccess: (draft) => router.push(`/changes/${draft.name}`) })}
        >
          Roll back
        </Button>
      </div>
    </>
  )
}
