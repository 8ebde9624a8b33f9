import type { Provenance, ProvenanceStore } from '#server/engine/change/ports.ts'
import type { Database } from './database.ts'

/** Intents as a row keeps them: their names hold no line ends. */
const text = (because: readonly string[]): string => because.join('\n')

/** Why entries are there. Rows are only ever added, so that an id never comes to mean something else. */
export function provenanceStore({ engine }: Database): ProvenanceStore {
  return {
    async allocate(change, because) {
      const texts = because.map(text)
      const distinct = [...new Set(texts)]
      // Only what is new is inserted: a conflict would use up an id of the 48 bits each time.
      await engine.query(
        `INSERT INTO provenance (change_id, because)
         SELECT $1, one FROM unnest($2::text[]) WITH ORDINALITY AS wanted (one, place)
         WHERE NOT EXISTS (SELECT FROM provenance p WHERE p.change_id = $1 AND md5(p.because) = md5(one))
         ORDER BY place ON CONFLICT DO NOTHING`,
        [change, distinct],
      )
      const { rows } = await engine.query<{ id: string; because: string }>(
        'SELECT id, because FROM provenance WHERE change_id = $1 AND md5(because) IN (SELECT md5(one) FROM unnest($2::text[]) AS one)',
        [change, distinct],
      )
      const ids = new Map(rows.map((row) => [row.because, BigInt(row.id)]))
      return texts.map((one) => {
        const id = ids.get(one)
        if (id === undefined) throw new Error('A provenance row was not kept.')
        return id
      })
    },
    async look(ids) {
      const { rows } = await engine.query<{ id: string; change_id: string; because: string }>(
        'SELECT id, change_id, because FROM provenance WHERE id = ANY($1::bigint[])',
        [ids.map(String)],
      )
      return new Map(
        rows.map((row): [bigint, Provenance] => {
          const because = row.because === '' ? [] : row.because.split('\n')
          return [BigInt(row.id), { change: row.change_id, because }]
        }),
      )
    },
  }
}
