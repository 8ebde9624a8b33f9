import {
  type ChangeOutcome,
  type CommittedProgram,
  IntentMoved,
  type Journal,
  type JournalRecord,
  type UnfinishedChange,
} from '#server/engine/change/journal.ts'
import type { ProgramStore } from '#server/engine/change/ports.ts'

/** Journal and programs that outlive the engine under test, as a database does. */
export interface MemoryStore {
  readonly journal: Journal
  readonly programs: ProgramStore
  readonly committed: Map<string, CommittedProgram>
  /** How every change ended. */
  readonly outcomes: Map<string, ChangeOutcome>
  readonly log: string[]
  /** Called before and after each write; what it throws is what the caller sees. */
  hook: (when: 'before' | 'after', operation: string) => void
  /** Intent was edited by another hand: `finish` refuses. */
  intentMoved: boolean
  readonly open: Map<string, UnfinishedChange>
}

export function createMemoryStore(log: string[] = []): MemoryStore {
  let sequence = 0n
  const open = new Map<string, UnfinishedChange>()

  const write = async (operation: string, change: string, effect: () => void): Promise<void> => {
    store.hook('before', operation)
    await Promise.resolve()
    effect()
    log.push(`journal ${operation} ${change}`.trim())
    store.hook('after', operation)
  }
  const update = (change: string, patch: Partial<UnfinishedChange>): void => {
    const record = open.get(change)
    if (!record) throw new Error(`no unfinished record of ${change}`)
    open.set(change, { ...record, ...patch })
  }
  const end = (change: string, outcome: ChangeOutcome): void => {
    const already = store.outcomes.get(change)?.outcome
    if (already === outcome.outcome) return
    if (!open.has(change) && outcome.outcome === 'undone') return
    if (!open.has(change)) throw new Error(`no unfinished record of ${change}`)
    if (outcome.outcome === 'committed') {
      if (store.intentMoved) throw new IntentMoved('somebody else edited the same rows')
      for (const program of outcome.programs) store.committed.set(program.datapathId, program)
    }
    open.delete(change)
    store.outcomes.set(change, outcome)
  }

  const journal: Journal = {
    prepare: (record: JournalRecord) =>
      write('prepare', record.change, () => {
        if (open.has(record.change)) throw new Error(`${record.change} is under way`)
        open.set(record.change, { ...record, phase: 'prepared', sequence: ++sequence, wavesDone: 0 })
      }),
    decide: (change) =>
      write('decide', change, () => {
        if (open.get(change)?.phase !== 'prepared') throw new Error(`${change} is not prepared`)
        update(change, { phase: 'decided' })
      }),
    wave: (change, wavesDone) => write(`wave ${wavesDone}`, change, () => update(change, { wavesDone })),
    abort: (change, reason) =>
      write('abort', change, () => {
        const record = open.get(change)
        if (record) update(change, { phase: 'aborting', reason: record.reason ?? reason })
      }),
    finish: (change, outcome) => write(`finish ${outcome.outcome}`, change, () => end(change, outcome)),
    async unfinished() {
      store.hook('before', 'unfinished')
      return [...open.values()].sort((a, b) => Number(a.sequence - b.sequence))
    },
  }
  const programs: ProgramStore = {
    async committed(datapathIds) {
      store.hook('before', 'committed')
      const found = datapathIds.flatMap((id) => store.committed.get(id) ?? [])
      return new Map(found.map((one) => [one.datapathId, one]))
    },
    settled: (datapathId) =>
      write('settled', datapathId, () => {
        const program = store.committed.get(datapathId)
        if (!program) return
        const { pending: _, ...rest } = program
        store.committed.set(datapathId, rest)
      }),
  }
  const store: MemoryStore = {
    journal,
    programs,
    committed: new Map(),
    outcomes: new Map(),
    log,
    hook: () => {},
    intentMoved: false,
    open,
  }
  return store
}
