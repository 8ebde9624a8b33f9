import { failureWords } from '#server/engine/change/failure.ts'
import {
  type ChangeFailure,
  type ChangeOutcome,
  type Grant,
  IntentMoved,
  type Journal,
  type JournalPart,
  type JournalRecord,
  type UnfinishedChange,
} from '#server/engine/change/journal.ts'
import { packWaves, unpackWaves } from './archive.ts'
import { appendAudit } from './audit-chain.ts'
import { giveBack } from './changes.ts'
import { applyEdits } from './commit.ts'
import { readConflicts } from './conflicts.ts'
import type { Database, EngineTransaction } from './database.ts'
import { claimGrants, commitGrants } from './grants.ts'
import { advancePrograms, type Kept, remember } from './programs.ts'

const UNFINISHED = `phase IN ('prepared', 'decided', 'aborting')`

/** Preparing is one at a time: what one change moves, the next one sees as under way. */
const PREPARING = `SELECT pg_advisory_xact_lock(hashtextextended('weft/prepare', 0))`

type PackedPart = JournalPart & { readonly bytes: Buffer; readonly counts: [number, number, number] }

function countsOf({ waves }: JournalPart): [number, number, number] {
  let [added, removed, replaced] = [0, 0, 0]
  for (const { before, after } of waves.flatMap((wave) => wave.entries))
    if (before && after) replaced += 1
    else if (after) added += 1
    else removed += 1
  return [added, removed, replaced]
}

const packPart = async (part: JournalPart): Promise<PackedPart> => ({
  ...part,
  bytes: await packWaves(part.waves),
  counts: countsOf(part),
})

async function insertRecord(tx: EngineTransaction, record: JournalRecord, parts: readonly PackedPart[]): Promise<void> {
  const { change, revision, compilerVersion, prepared_ms, deadline_ms, waves, granted, released } = record
  const { rows } = await tx.query<{ sequence: string }>(
    `INSERT INTO journal (change_id, phase, intent_revision, compiler_version, prepared_at, deadline_at, waves, granted, released)
     VALUES ($1, 'prepared', $2, $3, $4, $5, $6, $7, $8) RETURNING sequence`,
    [
      ...[change, revision, compilerVersion, new Date(prepared_ms), new Date(deadline_ms)],
      ...[waves, JSON.stringify(granted), released],
    ],
  )
  for (const { datapathId, hashBefore, hashAfter, pending, bytes, counts } of parts)
    await tx.query(
      `INSERT INTO journal_part (sequence, datapath_id, hash_before, hash_after, pending, added, removed, replaced, bytes)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [rows[0]?.sequence, datapathId, hashBefore, hashAfter, pending, ...counts, bytes],
    )
}

async function beginCommit(tx: EngineTransaction, change: string): Promise<void> {
  await tx.query(PREPARING)
  const { rowCount } = await tx.query(`UPDATE change SET state = 'committing' WHERE id = $1 AND state = 'draft'`, [
    change,
  ])
  if (!rowCount) throw new Error(`Change ${change} is no draft, or is being committed already.`)
  const [conflict] = await readConflicts(tx, change)
  if (conflict) throw new IntentMoved(conflict.message)
}

interface JournalRow {
  sequence: string
  change_id: string
  phase: UnfinishedChange['phase'] | 'committed' | 'undone'
  intent_revision: string
  compiler_version: string
  prepared_at: Date
  deadline_at: Date
  waves: string[]
  waves_done: number
  granted: Grant[]
  released: string[]
  failure: ChangeFailure | null
}
interface PartRow {
  datapath_id: string
  hash_before: string
  hash_after: string
  pending: boolean
  bytes: Buffer
}

async function readParts(database: Database, sequence: string): Promise<JournalPart[]> {
  const { rows } = await database.engine.query<PartRow>(
    'SELECT datapath_id, hash_before, hash_after, pending, bytes FROM journal_part WHERE sequence = $1 ORDER BY datapath_id',
    [sequence],
  )
  return Promise.all(
    rows.map(async ({ datapath_id, hash_before, hash_after, pending, bytes }) => ({
      ...{ datapathId: datapath_id, hashBefore: hash_before, hashAfter: hash_after, pending },
      waves: await unpackWaves(bytes),
    })),
  )
}

/** A record with how far it came. */
export type PastChange = Omit<UnfinishedChange, 'phase'> & { readonly phase: JournalRow['phase'] }

async function recordOf(database: Database, row: JournalRow): Promise<PastChange> {
  return {
    ...{
      change: row.change_id,
      phase: row.phase,
      sequence: BigInt(row.sequence),
      revision: BigInt(row.intent_revision),
    },
    ...{ compilerVersion: row.compiler_version, waves: row.waves, wavesDone: row.waves_done },
    ...{ prepared_ms: row.prepared_at.getTime(), deadline_ms: row.deadline_at.getTime() },
    ...{ granted: row.granted, released: row.released, parts: await readParts(database, row.sequence) },
    ...(row.failure && { reason: row.failure }),
  }
}

/** Moves an unfinished record on; throws when it is not where it must be. */
async function mark(tx: EngineTransaction, change: string, from: string, to: string): Promise<void> {
  const { rowCount } = await tx.query(`UPDATE journal SET phase = $3 WHERE change_id = $1 AND phase = $2`, [
    ...[change, from, to],
  ])
  if (!rowCount) throw new Error(`Change ${change} is not ${from}.`)
}

async function lastPhase(tx: EngineTransaction, change: string): Promise<JournalRow['phase'] | undefined> {
  const { rows } = await tx.query<JournalRow>(
    'SELECT phase FROM journal WHERE change_id = $1 ORDER BY sequence DESC LIMIT 1 FOR UPDATE',
    [change],
  )
  return rows[0]?.phase
}

type Committed = Extract<ChangeOutcome, { outcome: 'committed' }>

/** Intent, programs, numbers, journal mark and audit row become true together. */
async function commitAll(tx: EngineTransaction, change: string, outcome: Committed): Promise<readonly Kept[]> {
  await applyEdits(tx, change)
  const kept = await advancePrograms(tx, change, outcome.programs)
  await commitGrants(tx, change, outcome.granted, outcome.released)
  const pending = outcome.programs.flatMap((program) => (program.pending ? [program.datapathId] : []))
  await tx.query('INSERT INTO change_pending (change_id, datapath_id) SELECT $1, unnest($2::uuid[])', [change, pending])
  await tx.query(
    `UPDATE change SET state = $2, finished_at = CASE WHEN $2 = 'committed' THEN now() END, mixed_ms = $3, settled_ms = $4 WHERE id = $1`,
    [change, pending.length > 0 ? 'pending' : 'committed', outcome.measured.mixed_ms, outcome.measured.settled_ms],
  )
  return kept
}

async function undoAll(tx: EngineTransaction, change: string, words: string): Promise<void> {
  await giveBack(tx, change)
  await tx.query(`UPDATE change SET state = 'undone', finished_at = now(), outcome = $2 WHERE id = $1`, [change, words])
}

/** Why a change was undone, with the datapath by its name; empty for one that was not. */
async function undoneWords(tx: EngineTransaction, outcome: ChangeOutcome): Promise<string> {
  if (outcome.outcome !== 'undone') return ''
  const { datapathId } = outcome.reason
  if (datapathId === undefined) return outcome.reason.message
  const { rows } = await tx.query<{ name: string }>('SELECT name FROM datapath WHERE id::text = $1', [datapathId])
  return failureWords(outcome.reason, () => rows[0]?.name)
}

/** Edits that a line of the audit log lists. */
const LISTED = 50

/** What the engine did to a change, beside what people asked for: the last thing in its transaction, since its chain waits. */
async function auditLine(tx: EngineTransaction, change: string, outcome: ChangeOutcome, words: string): Promise<void> {
  const { rows } = await tx.query<{ actor: string; tenant_id: string | null }>(
    'SELECT actor, tenant_id FROM change WHERE id = $1',
    [change],
  )
  const [of] = rows
  if (!of) return
  const edits = await tx.query<{ kind: string; id: string; operation: string; after: unknown }>(
    'SELECT kind, object_id AS id, operation, after FROM change_edit WHERE change_id = $1 ORDER BY kind, object_id LIMIT $2',
    [change, LISTED],
  )
  const done = outcome.outcome === 'committed'
  const line = { actor: of.actor, address: '', tenantId: of.tenant_id, changeId: change, detail: words } as const
  const what = {
    action: `change.${outcome.outcome}`,
    outcome: done ? 'done' : 'failed',
    subject: `change/${change}`,
  } as const
  await appendAudit(tx, [{ ...line, ...what, after: done ? { edits: edits.rows } : null }])
}

/** The journal over PostgreSQL: one compressed value for each datapath of a change. */
export function databaseJournal(database: Database): Journal {
  return {
    async prepare(record) {
      const parts = await Promise.all(record.parts.map(packPart))
      await database.asEngine(async (tx) => {
        await beginCommit(tx, record.change)
        await claimGrants(tx, record.change, record.granted)
        await insertRecord(tx, record, parts)
      })
    },
    decide: (change) => database.asEngine((tx) => mark(tx, change, 'prepared', 'decided')),
    async wave(change, wavesDone) {
      await database.engine.query(`UPDATE journal SET waves_done = $2 WHERE change_id = $1 AND ${UNFINISHED}`, [
        ...[change, wavesDone],
      ])
    },
    abort: (change, reason) =>
      database.asEngine(async (tx) => {
        const { rowCount } = await tx.query(
          `UPDATE journal SET phase = 'aborting', failure = $2 WHERE change_id = $1 AND phase IN ('prepared', 'decided')`,
          [change, JSON.stringify(reason)],
        )
        if (rowCount) await tx.query(`UPDATE change SET state = 'undoing' WHERE id = $1`, [change])
      }),
    async finish(change, outcome) {
      const kept = await database.asEngine(async (tx) => {
        const phase = await lastPhase(tx, change)
        if (phase === outcome.outcome) return []
        if (phase === undefined || phase === 'committed' || phase === 'undone') {
          if (outcome.outcome === 'undone') return []
          throw new Error(`Change ${change} has no unfinished record.`)
        }
        const words = await undoneWords(tx, outcome)
        const programs = outcome.outcome === 'committed' ? await commitAll(tx, change, outcome) : []
        if (outcome.outcome === 'undone') await undoAll(tx, change, words)
        await tx.query(`UPDATE journal SET phase = $2, finished_at = now() WHERE change_id = $1 AND ${UNFINISHED}`, [
          ...[change, outcome.outcome],
        ])
        await auditLine(tx, change, outcome, words)
        return programs
      })
      remember(database, kept)
    },
    async unfinished() {
      const { rows } = await database.engine.query<JournalRow>(
        `SELECT * FROM journal WHERE ${UNFINISHED} ORDER BY sequence`,
      )
      return Promise.all(rows.map((row) => recordOf(database, row) as Promise<UnfinishedChange>))
    },
  }
}

/** What a change did or tried to do on each datapath; undefined when it never came so far. */
export const journalOf =
  (database: Database) =>
  async (change: string): Promise<PastChange | undefined> => {
    const { rows } = await database.engine.query<JournalRow>(
      'SELECT * FROM journal WHERE change_id = $1 ORDER BY sequence DESC LIMIT 1',
      [change],
    )
    return rows[0] && recordOf(database, rows[0])
  }
