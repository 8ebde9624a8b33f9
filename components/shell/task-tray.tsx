'use client'
import Link from 'next/link'
import { useState } from 'react'
import type { Task } from '#server/contract/changes.ts'
import { isRunning, useCancelTask, useTasks } from '../queries/tasks.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Moment } from '../ui/time.tsx'
import { plural } from '../ui/words.ts'
import { useMay } from './session.tsx'

const share = (task: Task) => (task.total > 0 ? Math.round((task.done / task.total) * 100) : 0)

export const TaskBar = ({ task }: { task: Task }) => (
  <div
    className="meter"
    role="progressbar"
    aria-label={task.title}
    aria-valuenow={share(task)}
    aria-valuemin={0}
    aria-valuemax={100}
  >
    <i style={{ width: `${share(task)}%` }} />
  </div>
)

function TaskDetail({ task, onClose }: { task: Task; onClose: () => void }) {
  const cancel = useCancelTask()
  const mayCancel = useMay('task.cancel')
  const running = isRunning(task.state)
  return (
    <div className="task">
      <div className="row">
        <b className="clip">{task.title}</b>
        <span className="push dim nowrap">
          {task.done} of {task.total} {task.unit}, {task.state}
        </span>
      </div>
      <TaskBar task={task} />
      {task.log.length > 0 ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a log that scrolls must be reachable by keyboard
        <div className="log" tabIndex={0} role="log" aria-label={`Log of ${task.title}`}>
          {task.log.map((line) => (
            <div key={`${line.at}${line.message}`}>
              <Moment time={line.at} /> {line.message}
            </div>
          ))}
        </div>
      ) : null}
      {task.problem ? <p className="bad kk small">{task.problem.detail}</p> : null}
      <ErrorBanner error={cancel.error} />
      <div className="row">
        {running && task.cancellable && mayCancel ? (
          <Button small onPress={() => cancel.mutate(task.id)} isDisabled={cancel.isPending}>
            Cancel
          </Button>
        ) : null}
        {running && !task.cancellable ? <span className="hint">It is decided and will be finished.</span> : null}
        {task.subject?.kind === 'change' ? (
          <Link className="small push" href={`/changes/${task.subject.name}`} onClick={onClose}>
            Open {task.subject.name}
          </Link>
        ) : null}
      </div>
    </div>
  )
}

/** What runs now, at the foot of the rail; its log and a way to cancel behind it. */
export function TaskTray() {
  const tasks = useTasks(useMay('task.read'))
  const [open, setOpen] = useState(false)
  const running = tasks.data?.filter((task) => isRunning(task.state)) ?? []
  const first = running[0]
  return (
    <>
      {first ? (
        <div className="tray" role="status">
          <div className="row">
            <b className="clip">{first.title}</b>
            <span className="push dim nowrap">
              {first.done} / {first.total}
            </span>
          </div>
          <TaskBar task={first} />
          <div className="row dim">
            <span className="clip">
              {running.length > 1 ? `${plural(running.length - 1, 'more task')}` : first.state}
            </span>
            <button type="button" className="linkish push" onClick={() => setOpen(true)}>
              Open
            </button>
          </div>
        </div>
      ) : null}
      <Dialog title="Tasks" isOpen={open} onClose={() => setOpen(false)} wide>
        {(tasks.data ?? []).slice(0, 8).map((task) => (
          <TaskDetail key={task.id} task={task} onClose={() => setOpen(false)} />
        ))}
        {tasks.data?.length ? null : <p>Nothing has run lately.</p>}
      </Dialog>
    </>
  )
}
