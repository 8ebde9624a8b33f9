import { setTimeout as sleep } from 'node:timers/promises'
import { Task } from '#server/contract/changes.ts'
import type { Client } from './client.ts'
import { CommandFailure, EXIT } from './exit.ts'

const POLL_MS = 150

/** The task that an answer carries, as itself or beside what was written. */
export function taskOf(answer: unknown): Task | undefined {
  const inside = (answer as { task?: unknown } | undefined)?.task
  return Task.safeParse(inside ?? answer).data
}

/** Follows a task to its end, with its log. Throws `CommandFailure`: `undone` for a change that was taken back. */
export async function followTask(client: Client, task: Task, say: (line: string) => void): Promise<Task> {
  let now = task
  let told = 0
  for (;;) {
    for (const { message } of now.log.slice(told)) say(message)
    told = now.log.length
    if (now.finishedAt !== null) break
    await sleep(POLL_MS)
    now = Task.parse(await client.call({ method: 'GET', path: `/tasks/${task.id}` }))
  }
  if (now.state === 'done') return now
  const why = now.problem?.detail ?? `${now.title}: ${now.state}`
  throw new CommandFailure(now.subject?.kind === 'change' ? EXIT.undone : EXIT.fault, why)
}
