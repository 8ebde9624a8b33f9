import { describe, expect, test } from 'vitest'
import { runCommits } from '#server/api/changes/commits.ts'
import { changeDesk } from '#server/api/changes/desk.ts'
import type { Preview } from '#server/api/changes/progress.ts'
import type { ChangeState, Task } from '#server/contract/changes.ts'
import type { CommitOptions, CommitResult } from '#server/engine/change/engine.ts'
import type { Event } from '#server/http/events.ts'
import type { ChangeRecord, ChangeStore, EditRow } from '#server/inventory/changes.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import type { DatapathRecord } from '#server/inventory/facts.ts'
import type { TaskStore } from '#server/inventory/tasks.ts'
import { joins, toyEngine } from '../../engine/change/toy.ts'
import { refusal } from '../../inventory/fixture.ts'

const EDIT: EditRow = { kind: 'member', id: 'm1', operation: 'create', before: null, after: { name: 'm1' } }
const DRAFT: ChangeRecord = {
  ...{
    id: 'c1',
    name: 'C-1',
    title: '',
    reason: '',
    state: 'draft',
    tenantId: 't1',
    actor: 'olga',
    actorRole: 'operator',
  },
  ...{ createdAt: '', finishedAt: null, outcome: null, rollbackOf: null, taskId: null, forced: false },
  ...{ mixed_ms: null, settled_ms: null, previewedAt: null, preview: null },
}

/** One change in memory. */
function memoryChange(edits: readonly EditRow[]) {
  let record = DRAFT
  let [refuseBegin, refuseKeep] = [false, false]
  const store = {
    get: async () => record,
    edits: async () => edits,
    async keepPreview(_: string, preview: unknown) {
      if (refuseKeep) throw new Error('the database is away')
      record = { ...record, preview }
    },
    async begin(_: string, { taskId, reason }: { taskId: string; reason: string }) {
      if (refuseBegin) throw new Error('the database is away')
      record = { ...record, taskId, reason }
    },
  } as unknown as ChangeStore
  return {
    store,
    become: (state: ChangeState, more: Partial<ChangeRecord> = {}) => {
      record = { ...record, state, ...more }
    },
    now: () => record,
    refuseBegin: () => {
      refuseBegin = true
    },
    refuseKeep: () => {
      refuseKeep = true
    },
  }
}

function memoryTasks() {
  const all = new Map<string, Task>()
  const move = (id: string, patch: Partial<Task>) => {
    const task = all.get(id) as Task
    if (task.finishedAt === null) all.set(id, { ...task, ...patch })
  }
  const store = {
    async start({ kind, title, total, unit, subject, cancellable }: Task) {
      const id = `task-${all.size + 1}`
      const task: Task = {
        ...{ id, kind, title, total, unit, subject, cancellable, state: 'running', done: 0, log: [], problem: null },
        ...{ createdAt: '', finishedAt: null },
      }
      all.set(id, task)
      return task
    },
    async step(id: string, { message, ...patch }: Partial<Task> & { message?: string }) {
      const log = all.get(id)?.log ?? []
      move(id, { ...patch, log: message === undefined ? log : [...log, { at: '', message }] })
    },
    end: async (id: string, state: Task['state'], problem: Task['problem'] = null) =>
      move(id, { state, problem, finishedAt: 'now', cancellable: false }),
    async cancel(_: unknown, id: string) {
      move(id, { state: 'cancelling' })
      return all.get(id) as Task
    },
  } as unknown as TaskStore
  return { store, all, one: () => [...all.values()].at(-1) as Task }
}

type Committing = (options: CommitOptions) => Promise<CommitResult>

/** A desk over a toy engine's previews, with commits as the test has them. */
async function ground(edits: readonly EditRow[] = [EDIT], names: readonly string[] = ['d1', 'd2']) {
  const toy = await toyEngine(names)
  toy.intent.draft(
    'c1',
    names.map((datapathId, n) => joins(`m${n}`, { circle: 1, datapathId, port: 11 })),
  )
  const [change, tasks] = [memoryChange(edits), memoryTasks()]
  const events: string[] = []
  const faults: string[] = []
  const away = new Set<string>()
  let committing: Committing = async () => ({ outcome: 'committed', pending: [] })
  let records = async () => names.map((id) => ({ id, name: `nic-${id}`, serverName: 's1' }) as DatapathRecord)
  const publish = ({ topic, kind }: Event) => void events.push(`${topic} ${kind}`)
  const base = { changes: change.store, tasks: tasks.store, publish, records: () => records() }
  const commits = runCommits({
    ...base,
    engine: { commit: (_, options) => committing(options) },
    onFault: ({ message }) => faults.push(message),
  })
  const desk = changeDesk({
    ...{ ...base, commits, engine: toy.engine, conflicts: async () => [], labels: async () => new Map() },
    ...{ attachmentNames: async () => new Map(), isConnected: (id) => !away.has(id) },
  })
  const commit = (force = false) => desk.commit(EVERYTHING, 'c1', { reason: 'because', force })
  return {
    ...{ toy, desk, commits, change, tasks, events, faults, away, commit },
    engine: (work: Committing) => {
      committing = work
    },
    noRecords: () => {
      records = async () => Promise.reject(new Error('the database is away'))
    },
    ended: () => commits.close(),
  }
}

const preview = (of: ChangeRecord) => of.preview as Preview

describe('a preview', () => {
  test('is kept with the change, and shows every datapath in the words of people', async () => {
    const { desk, change } = await ground()
    const { datapaths, waves, commit } = await desk.preview(EVERYTHING, 'c1')
    expect(datapaths.map(({ datapath, state, lines }) => [datapath, state, lines.length])).toEqual([
      ['nic-d1', 'waits', 2],
      ['nic-d2', 'waits', 2],
    ])
    expect(waves.length).toBeGreaterThan(0)
    expect(commit).toEqual({ allowed: true, why: null })
    expect(preview(change.now()).datapaths).toEqual(datapaths)
  })

  test('of a change that is no draft any more is what was kept', async () => {
    const { desk, change } = await ground()
    await desk.preview(EVERYTHING, 'c1')
    change.become('committed')
    const { datapaths, commit, rollback } = await desk.preview(EVERYTHING, 'c1')
    expect(datapaths.map(({ state }) => state)).toEqual(['observed', 'observed'])
    expect([commit.allowed, rollback.allowed]).toEqual([false, true])
  })
})

describe('a commit', () => {
  test('is a task that tells how it goes, and ends with the change', async () => {
    const { desk, commit, engine, change, tasks, events, ended } = await ground()
    const at = { change: 'c1', at_ms: 0 }
    engine(async ({ onProgress }) => {
      onProgress({ ...at, type: 'change', stand: 'decided' })
      for (const datapathId of ['d1', 'd2'])
        onProgress({ ...at, type: 'datapath', datapathId, step: 'observed', took_ms: 3 })
      expect((await desk.view(EVERYTHING, 'c1')).datapaths.map(({ state }) => state)).toEqual(['observed', 'observed'])
      change.become('committed')
      return { outcome: 'committed', pending: [] }
    })
    const task = await commit()
    expect(task).toMatchObject({ state: 'running', total: 2, cancellable: true, subject: { kind: 'change', id: 'c1' } })
    expect(change.now()).toMatchObject({ taskId: task.id, reason: 'because' })
    await ended()
    expect(tasks.one()).toMatchObject({ state: 'done', done: 2, cancellable: false, problem: null })
    expect(tasks.one().log.map(({ message }) => message)).toEqual([
      ...['Change decided.', 'nic-d1: observed after 3 ms.', 'nic-d2: observed after 3 ms.'],
    ])
    expect(preview(change.now()).datapaths.map(({ state }) => state)).toEqual(['observed', 'observed'])
    expect(events.slice(-3)).toEqual(['change committed', 'network updated', 'datapath updated'])
  })

  test('that is undone fails its task with the reason', async () => {
    const { commit, engine, tasks, ended } = await ground()
    engine(async () => ({ outcome: 'undone', reason: { code: 'refused', message: 'Table full.', datapathId: 'd1' } }))
    await commit()
    await ended()
    expect(tasks.one()).toMatchObject({ state: 'failed', problem: { code: 'refused', detail: 'nic-d1: Table full.' } })
  })

  test.each([
    ['edits nothing', [], 'change.empty'],
    ['meets a datapath that is away', [EDIT], 'datapath.away'],
  ])('that %s is refused without a task', async (_, edits, rule) => {
    const { commit, tasks, away } = await ground(edits)
    away.add('d2')
    expect((await refusal(commit())).errors.map((one) => one.rule)).toEqual([rule])
    expect(tasks.all.size).toBe(0)
  })

  test('by force goes on although a datapath is away', async () => {
    const { commit, away, engine, ended } = await ground()
    away.add('d2')
    let forced = false
    engine(async (options) => {
      forced = options.forced
      return { outcome: 'committed', pending: ['d2'] }
    })
    await commit(true)
    await ended()
    expect(forced).toBe(true)
  })

  test('happens once, however often somebody presses', async () => {
    const { commit, engine, tasks, ended } = await ground()
    const end = Promise.withResolvers<CommitResult>()
    engine(() => end.promise)
    const [first, second] = await Promise.allSettled([commit(), commit()])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
    expect((await refusal(commit())).code).toBe('conflict')
    end.resolve({ outcome: 'committed', pending: [] })
    await ended()
    expect(tasks.all.size).toBe(1)
  })

  test('that cannot be noted fails its task, and may be tried again', async () => {
    const { commit, change, tasks } = await ground()
    change.refuseBegin()
    await expect(commit()).rejects.toThrow('the database is away')
    expect(tasks.one()).toMatchObject({ state: 'failed', problem: { code: 'fault' } })
    await expect(commit()).rejects.toThrow('the database is away')
  })

  test('leaves nothing behind when the engine throws', async () => {
    const { commit, commits, engine, tasks, desk, ended } = await ground()
    engine(() => Promise.reject(new Error('it broke')))
    await commit()
    await ended()
    expect(tasks.one()).toMatchObject({ state: 'failed', problem: { code: 'fault', detail: 'it broke' } })
    expect(commits.live('c1')).toBeUndefined()
    expect((await desk.view(EVERYTHING, 'c1')).commit).toEqual({ allowed: true, why: null })
  })

  test('whose names cannot be read fails its task, and the fault is told', async () => {
    const { commits, change, tasks, noRecords, faults, ended } = await ground()
    noRecords()
    const task = await tasks.store.start({
      ...DRAFT,
      kind: 'commit',
      total: 1,
      unit: '',
      subject: null,
      cancellable: true,
    })
    commits.run({ record: change.now(), preview: { findings: [], waves: [], datapaths: [] }, task, forced: false })
    await ended()
    expect(tasks.one()).toMatchObject({ state: 'failed', problem: { code: 'fault', detail: 'the database is away' } })
    expect([commits.live('c1'), faults]).toEqual([undefined, ['the database is away']])
  })

  test('ends its task although its last view cannot be kept', async () => {
    const { commit, change, tasks, engine, ended, faults } = await ground()
    engine(async () => {
      change.refuseKeep()
      return { outcome: 'committed', pending: [] }
    })
    await commit()
    await ended()
    expect([tasks.one().state, faults]).toEqual(['done', ['the database is away']])
  })

  test('is cancelled by its task', async () => {
    const { commit, desk, engine, tasks, ended } = await ground()
    engine(
      ({ signal }) =>
        new Promise((resolve) => {
          const reason = { code: 'cancelled', message: 'Cancelled.' } as const
          signal.addEventListener('abort', () => resolve({ outcome: 'undone', reason }))
        }),
    )
    const { id } = await commit()
    expect((await desk.cancel(EVERYTHING, id)).state).toBe('cancelling')
    await ended()
    expect(tasks.one()).toMatchObject({ state: 'cancelled', problem: { code: 'cancelled' } })
  })
})

describe('when the engine stops', () => {
  test('what is decided is waited for', async () => {
    const { commit, engine, tasks, commits, change } = await ground()
    const end = Promise.withResolvers<CommitResult>()
    engine(() => end.promise)
    await commit()
    change.become('committing')
    const closing = commits.close()
    expect(tasks.one().state).toBe('running')
    change.become('committed')
    end.resolve({ outcome: 'committed', pending: [] })
    await closing
    expect(tasks.one().state).toBe('done')
  })

  test('the task of a change that is left open goes on, and ends with it in the next process', async () => {
    const { commit, engine, tasks, commits, change, events } = await ground()
    engine(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))))
    await commit()
    change.become('undoing')
    await commits.close()
    expect(tasks.one().state).toBe('running')
    const next = runCommits({
      ...{ changes: change.store, tasks: tasks.store, records: async () => [] },
      ...{
        engine: { commit: () => Promise.reject(new Error('unused')) },
        publish: ({ kind }) => void events.push(kind),
      },
    })
    const reason = { code: 'interrupted', message: 'It stopped.' } as const
    next.recovered({ change: 'c1', at_ms: 0, type: 'change', stand: 'undoing', reason })
    change.become('undone', { outcome: 'It stopped.' })
    next.recovered({ change: 'c1', at_ms: 0, type: 'change', stand: 'undone', reason })
    await expect.poll(() => tasks.one().finishedAt).toBe('now')
    expect(tasks.one()).toMatchObject({ state: 'failed', problem: { code: 'interrupted', detail: 'It stopped.' } })
    expect(events.slice(-2)).toEqual(['undoing', 'undone'])
  })
})

describe('a rollback', () => {
  test('drafts what takes a committed change back', async () => {
    const { desk, change, events } = await ground()
    change.become('committed')
    await desk.rollback(EVERYTHING, 'c1', { name: 'olga', role: 'operator' })
    expect(events).toContain('change created')
  })

  test('of anything else is refused', async () => {
    const { desk } = await ground()
    const { code } = await refusal(desk.rollback(EVERYTHING, 'c1', { name: 'olga', role: 'operator' }))
    expect(code).toBe('conflict')
  })
})
