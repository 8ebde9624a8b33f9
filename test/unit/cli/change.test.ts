import { describe, expect, test } from 'vitest'
import { api } from '#server/api/door.ts'
import type { Change, Task } from '#server/contract/changes.ts'
import { notFound, Refusal } from '#server/kernel/refusal.ts'
import { ground } from './ground.ts'

const ID = '0190a0a0-0000-7000-8000-00000000000c'
const TASK = '0190a0a0-0000-7000-8000-00000000000d'
const AT = '2026-11-21T00:00:00.000Z'

const change = (state: Change['state']): Change => ({
  ...{ id: ID, name: 'C-1', title: 'Web', reason: '', state, tenantId: null, actor: 'olga', createdAt: AT },
  ...{ finishedAt: null, outcome: null, rollbackOf: null, taskId: TASK, edits: [], findings: [], waves: [] },
  ...{ datapaths: [], mixedWindow_ms: null, settled_ms: null, previewedAt: null },
  ...{ commit: { allowed: true, why: null }, rollback: { allowed: false, why: null } },
})
const task = (state: Task['state'], problem: Task['problem'] = null): Task => ({
  ...{ id: TASK, kind: 'commit', title: 'Commit C-1', state, done: state === 'done' ? 2 : 0, total: 2 },
  ...{ unit: 'datapaths', problem, cancellable: false, subject: { kind: 'change', id: ID, name: 'C-1' } },
  ...{ log: [{ at: AT, message: `nic-1: ${state}.` }], createdAt: AT },
  finishedAt: state === 'running' ? null : AT,
})

/** A console where a commit of C-1 ends so, and the change with it. */
async function committing(ended: Task, state: Change['state'], refusal?: Refusal) {
  let asked = 0
  const found = (id: string) => {
    if (id !== ID && id !== 'C-1') throw notFound('change')
    return change(state)
  }
  const on = await ground({
    changes: {
      get: api.changes.get.handler(({ input }) => found(input.id)),
      commit: api.changes.commit.handler(() => {
        if (refusal) throw refusal
        return task('running')
      }),
    },
    tasks: {
      get: api.tasks.get.handler(() => {
        asked += 1
        return asked < 2 ? task('running') : ended
      }),
    },
  })
  await on.login()
  return on
}

const problem = { code: 'refused', detail: 'nic-1: Table full.' }

describe('change commit', () => {
  test('follows the task, and prints it as it ended', async () => {
    const { weft } = await committing(task('done'), 'committed')
    const { code, out, err } = await weft('change', 'commit', 'C-1', '-o', 'json')
    expect([code, err]).toEqual([0, 'nic-1: running.\n'])
    expect(JSON.parse(out)).toMatchObject({ id: TASK, state: 'done', done: 2 })
  })

  test('answers the task that it began when it is not to wait', async () => {
    const { weft } = await committing(task('done'), 'committed')
    const { code, out } = await weft('change', 'commit', 'C-1', '--no-wait', '-o', 'json')
    expect([code, JSON.parse(out).state]).toEqual([0, 'running'])
  })

  test.each<[string, number, Task, Change['state'], Refusal?]>([
    ['was taken back', 7, task('failed', problem), 'undone'],
    ['was cancelled', 7, task('cancelled', { code: 'cancelled', detail: 'Cancelled.' }), 'draft'],
    ['was refused before anything began', 3, task('failed', problem), 'draft'],
    ['is not known to have ended', 1, task('failed', { code: 'abandoned', detail: 'It ended.' }), 'committing'],
    ['has findings', 3, task('done'), 'draft', new Refusal('rule', 'C-1 cannot be committed.')],
    ['is no draft any more', 6, task('done'), 'committed', new Refusal('conflict', 'C-1 is committed.')],
  ])('of a change that %s ends with %i and says why', async (_, exit, ended, state, refusal) => {
    const { weft } = await committing(ended, state, refusal)
    const { code, out, err } = await weft('change', 'commit', 'C-1')
    expect([code, out]).toEqual([exit, ''])
    expect(err).toContain(refusal?.message ?? ended.problem?.detail)
  })

  test('of a change that nobody knows ends with 5, and with 4 for who is not signed in', async () => {
    const { weft } = await committing(task('done'), 'committed')
    expect((await weft('change', 'commit', 'C-9')).code).toBe(5)
    await weft('logout')
    expect((await weft('change', 'commit', 'C-1')).code).toBe(4)
  })
})
