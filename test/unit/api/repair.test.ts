import { describe, expect, test } from 'vitest'
import { repairer } from '#server/api/repair.ts'
import type { Task } from '#server/contract/changes.ts'
import type { Condition } from '#server/engine/change/conditions.ts'
import { EMPTY_DIFFERENCE } from '#server/engine/program/program.ts'
import type { TaskStore } from '#server/inventory/tasks.ts'

/** Repairs a datapath that ends up so; answers how the task ended. */
async function ended(condition: Partial<Condition> | Error) {
  const end = Promise.withResolvers<[Task['state'], string | undefined]>()
  const tasks = {
    start: async (task: object) => ({ ...task, id: 't1' }),
    step: async () => {},
    end: async (_: string, state: Task['state'], problem?: Task['problem']) => end.resolve([state, problem?.code]),
  } as unknown as TaskStore
  const repair = async () => {
    if (condition instanceof Error) throw condition
    return { state: 'held', ...condition } as Condition
  }
  expect(await repairer({ tasks, reconciler: { repair } })('d1', 'nic-1', 's1')).toMatchObject({
    title: 'Repair nic-1',
  })
  return end.promise
}

describe('a repair', () => {
  test.each<[string, Partial<Condition> | Error, [Task['state'], string | undefined]]>([
    ['that leaves no difference is done', {}, ['done', undefined]],
    ['of a datapath that is away fails', { state: 'away' }, ['failed', 'away']],
    ['that leaves a difference fails', { state: 'drifted', drift: EMPTY_DIFFERENCE }, ['failed', 'drifted']],
    ['that the switch refuses fails with why', { reason: { code: 'refused', message: 'No.' } }, ['failed', 'refused']],
    ['that throws fails', new Error('the engine is stopping'), ['failed', 'fault']],
  ])('%s', async (_, condition, end) => {
    expect(await ended(condition)).toEqual(end)
  })

  test('whose task cannot be ended throws nothing at nobody', async () => {
    const faults: unknown[] = []
    const hear = (error: unknown) => void faults.push(error)
    process.on('unhandledRejection', hear)
    const tasks = {
      start: async () => ({ id: 't1' }),
      end: () => Promise.reject(new Error('the database is away')),
    } as unknown as TaskStore
    await repairer({ tasks, reconciler: { repair: () => Promise.reject(new Error('x')) } })('d1', 'nic-1', 's1')
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', hear)
    expect(faults).toEqual([])
  })
})
