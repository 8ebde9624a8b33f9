import type { Database } from './database.ts'

/** Names of attachments by id: for edits in words. */
export async function attachmentNames(
  { engine }: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const { rows } = await engine.query<{ id: string; name: string }>(
    'SELECT id, name FROM attachment WHERE id = ANY($1::uuid[])',
    [ids],
  )
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** Names of the attachments of one datapath, by the port that each is. */
export async function attachmentsByPort(
  { engine }: Database,
  datapathId: string,
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await engine.query<{ port: string; name: string }>(
    'SELECT port_name AS port, name FROM attachment WHERE datapath_id = $1',
    [datapathId],
  )
  return new Map(rows.map(({ port, name }) => [port, name]))
}
