import type { CommittedProgram } from '#server/engine/change/journal.ts'
import type { ProgramStore } from '#server/engine/change/ports.ts'
import { applyAll } from '#server/engine/program/difference.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { EMPTY_PROGRAM } from '#server/engine/program/program.ts'
import { packDifference, packProgram, unpackDifference, unpackProgram, unpackWaves } from './archive.ts'
import type { Database, EngineTransaction } from './database.ts'

/** After so many changes, or so many compressed bytes of them, a program is written whole again. */
const SINCE_MAX = 32
const SINCE_BYTES_MAX = 4 << 20

const EMPTY_HASH = hashProgram(EMPTY_PROGRAM).all

interface ProgramRow {
  datapath_id: string
  version: number
  hash: string
  bytes: Buffer
  since: string[]
  pending: Buffer | null
}

/** A program as it was read or written last. */
export interface Kept {
  readonly version: number
  readonly committed: CommittedProgram
}

/** Programs that this process has read or written, by database and datapath. */
const memory = new WeakMap<Database, Map<string, Kept>>()

function memoryOf(database: Database): Map<string, Kept> {
  const known = memory.get(database) ?? new Map<string, Kept>()
  memory.set(database, known)
  return known
}

/** Keeps what was written, once its transaction is through, so that it need not be read again. */
export function remember(database: Database, programs: readonly Kept[]): void {
  for (const one of programs) memoryOf(database).set(one.committed.datapathId, one)
}

const BEGIN = `INSERT INTO program (datapath_id, bytes, hash, entries, version) VALUES ($1, $2, '${EMPTY_HASH}', 0, 0)
  ON CONFLICT DO NOTHING`

/** The program moves on by what the journal holds of the change: nothing that is as large as the program is written. */
const ADVANCE = `UPDATE program p SET since = p.since || n.sequence, hash = $3, entries = $4, pending = $5, version = p.version + 1, updated_at = now()
  FROM journal j JOIN journal_part n USING (sequence)
  WHERE p.datapath_id = $2 AND n.datapath_id = $2 AND j.change_id = $1 AND j.phase IN ('prepared', 'decided', 'aborting')
    AND n.hash_before = p.hash AND n.hash_after = $3 AND cardinality(p.since) < ${SINCE_MAX}
    AND (SELECT sum(octet_length(o.bytes)) FROM journal_part o WHERE o.datapath_id = $2 AND o.sequence = ANY(p.since || n.sequence)) < ${SINCE_BYTES_MAX}
  RETURNING p.version`

const WRITE = `UPDATE program SET bytes = $2, since = '{}', hash = $3, entries = $4, pending = $5, version = version + 1, updated_at = now()
  WHERE datapath_id = $1 RETURNING version`

async function advance(tx: EngineTransaction, change: string, committed: CommittedProgram): Promise<Kept> {
  const { datapathId, program, hash, pending } = committed
  const rest = [hash, program.entries.size, pending ? await packDifference(pending) : null]
  await tx.query(BEGIN, [datapathId, await packProgram(EMPTY_PROGRAM)])
  let { rows } = await tx.query<{ version: number }>(ADVANCE, [change, datapathId, ...rest])
  if (rows.length === 0) ({ rows } = await tx.query(WRITE, [datapathId, await packProgram(program), ...rest]))
  return { version: rows[0]?.version ?? 0, committed }
}

/** Writes what datapaths are wanted to hold from now on, while the change is still under way in the journal. */
export async function advancePrograms(
  tx: EngineTransaction,
  change: string,
  programs: readonly CommittedProgram[],
): Promise<Kept[]> {
  const kept: Kept[] = []
  for (const committed of programs) kept.push(await advance(tx, change, committed))
  return kept
}

async function committedOf({ engine }: Database, row: ProgramRow): Promise<CommittedProgram> {
  const parts = await engine.query<{ bytes: Buffer }>(
    'SELECT bytes FROM journal_part WHERE datapath_id = $1 AND sequence = ANY($2::bigint[]) ORDER BY array_position($2::bigint[], sequence)',
    [row.datapath_id, row.since],
  )
  const [base, pending, ...waves] = await Promise.all([
    unpackProgram(row.bytes),
    row.pending ? unpackDifference(row.pending) : undefined,
    ...parts.rows.map(({ bytes }) => unpackWaves(bytes)),
  ])
  const program = applyAll(base, waves.flat())
  return { datapathId: row.datapath_id, program, hash: row.hash, ...(pending && { pending }) }
}

/** What each datapath is wanted to hold. Programs read once are kept until their row has a newer version. */
export function programStore(database: Database): ProgramStore {
  const kept = memoryOf(database)
  const { engine } = database
  const stale = async (ids: readonly string[]): Promise<string[]> => {
    const { rows } = await engine.query<{ datapath_id: string; version: number }>(
      'SELECT datapath_id, version FROM program WHERE datapath_id = ANY($1::uuid[])',
      [ids],
    )
    const present = new Map(rows.map((row) => [row.datapath_id, row.version]))
    for (const id of ids) if (!present.has(id)) kept.delete(id)
    return [...present].flatMap(([id, version]) => (kept.get(id)?.version === version ? [] : [id]))
  }
  return {
    async committed(ids) {
      const { rows } = await engine.query<ProgramRow>(
        'SELECT datapath_id, version, hash, bytes, since, pending FROM program WHERE datapath_id = ANY($1::uuid[])',
        [await stale(ids)],
      )
      for (const row of rows)
        kept.set(row.datapath_id, { version: row.version, committed: await committedOf(database, row) })
      return new Map(
        ids.flatMap((id) => {
          const one = kept.get(id)?.committed
          return one ? [[id, one] as const] : []
        }),
      )
    },
    settled: (datapathId) =>
      database.asEngine(async (tx) => {
        await tx.query(
          'UPDATE program SET pending = NULL, version = version + 1 WHERE datapath_id = $1 AND pending IS NOT NULL',
          [datapathId],
        )
        await tx.query('DELETE FROM change_pending WHERE datapath_id = $1', [datapathId])
        await tx.query(
          `UPDATE change SET state = 'committed', finished_at = now() WHERE state = 'pending'
           AND NOT EXISTS (SELECT FROM change_pending p WHERE p.change_id = change.id)`,
        )
      }),
  }
}
