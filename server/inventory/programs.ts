import type { CommittedProgram } from '#server/engine/change/journal.ts'
import type { ProgramStore } from '#server/engine/change/ports.ts'
import { packDifference, packProgram, unpackDifference, unpackProgram } from './archive.ts'
import type { Database, EngineTransaction } from './database.ts'

interface ProgramRow {
  datapath_id: string
  version: number
  hash: string
  bytes: Buffer
  pending: Buffer | null
}

interface Kept {
  readonly version: number
  readonly committed: CommittedProgram
}

async function committedOf(row: ProgramRow): Promise<CommittedProgram> {
  const [program, pending] = await Promise.all([
    unpackProgram(row.bytes),
    row.pending ? unpackDifference(row.pending) : undefined,
  ])
  return { datapathId: row.datapath_id, program, hash: row.hash, ...(pending && { pending }) }
}

/** A program made ready for its row, outside the transaction that writes it. */
export interface PackedProgram {
  readonly committed: CommittedProgram
  readonly bytes: Buffer
  readonly pending: Buffer | null
}

export const packCommitted = async (committed: CommittedProgram): Promise<PackedProgram> => {
  const [bytes, pending] = await Promise.all([
    packProgram(committed.program),
    committed.pending ? packDifference(committed.pending) : null,
  ])
  return { committed, bytes, pending }
}

/** Writes what datapaths are wanted to hold from now on. */
export async function writePrograms(tx: EngineTransaction, programs: readonly PackedProgram[]): Promise<void> {
  for (const { committed, bytes, pending } of programs)
    await tx.query(
      `INSERT INTO program (datapath_id, bytes, hash, entries, pending) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (datapath_id) DO UPDATE SET bytes = excluded.bytes, hash = excluded.hash, entries = excluded.entries,
         pending = excluded.pending, version = program.version + 1, updated_at = now()`,
      [committed.datapathId, bytes, committed.hash, committed.program.entries.size, pending],
    )
}

/** What each datapath is wanted to hold. Programs read once are kept until their row has a newer version. */
export function programStore(database: Database): ProgramStore {
  const kept = new Map<string, Kept>()
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
      const old = await stale(ids)
      if (old.length > 0) {
        const { rows } = await engine.query<ProgramRow>(
          'SELECT datapath_id, version, hash, bytes, pending FROM program WHERE datapath_id = ANY($1::uuid[])',
          [old],
        )
        for (const row of rows) kept.set(row.datapath_id, { version: row.version, committed: await committedOf(row) })
      }
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
