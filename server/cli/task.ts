import { setTimeout as sleep } from 'node:timers/promises'
import { Task } from '#server/contract/changes.ts'
import type { Client } from './client.ts'
import { CommandFailure, EXIT, type Exit } from './exit.ts'

const POLL_MS = 150

/** The task that an answer carries, as itself or beside what was written. */
export function taskOf(answer: unknown): Task | undefined {
  const inside = (answer as { task?: unknown } | undefined)?.task
  return Task.safeParse(inside ?? answer).data
}

/** How a commit that did not come to its end left its change: taken back, or refused before anything was begun. */
async function exitOf(client: Client, { subject, state }: Task): Promise<Exit> {
  if (subject?.kind !== 'change') return EXIT.fault
  if (state === 'cancelled') return EXIT.undone
  const change = (await client.call({ method: 'GET', path: `/changes/${subject.id}` })) as { state?: unknown }
  if (change.state === 'undone') return EXIT.undone
  return change.state === 'draft' || change.state === 'discarded' ? EXIT.refused : EXIT.fault
}

/**
 * Follows a task to its end, with its log. Throws `CommandFailure`: `undone` for a change that was taken back, `refused`
 * for one that was not begun.
 */
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
  throw new CommandFailure(await exitOf(client, now), why)
}
