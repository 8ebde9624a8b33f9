import type { Finding } from '#server/engine/finding.ts'
import type { Database, EngineTransaction } from './database.ts'

/** Edits whose object is no longer as it was when the edit was made. */
const STALE = `SELECT e.kind, e.object_id AS id, coalesce(e.after->>'name', e.before->>'name', e.after->>'prefix', e.before->>'prefix') AS name,
    r.revision IS NULL AS gone, 'C-' || c.number AS by
  FROM change_edit e LEFT JOIN intent_object r ON r.kind = e.kind AND r.id = e.object_id
  LEFT JOIN LATERAL (SELECT o.number FROM change_edit f JOIN change o ON o.id = f.change_id
    WHERE f.kind = e.kind AND f.object_id = e.object_id AND o.state IN ('committed', 'pending')
    ORDER BY o.finished_at DESC NULLS FIRST LIMIT 1) c ON true
  WHERE e.change_id = $1 AND r.revision IS DISTINCT FROM e.base_revision ORDER BY e.kind, e.object_id`

/** Edits of objects that another change is bringing to the datapaths right now. */
const UNDER_WAY = `SELECT e.kind, e.object_id AS id, coalesce(e.after->>'name', e.before->>'name', e.after->>'prefix', e.before->>'prefix') AS name,
    'C-' || o.number AS by
  FROM change_edit e JOIN change_edit f ON f.kind = e.kind AND f.object_id = e.object_id AND f.change_id <> e.change_id
  JOIN change o ON o.id = f.change_id AND o.state IN ('committing', 'undoing')
  WHERE e.change_id = $1 ORDER BY e.kind, e.object_id`

/** What would be left in a network that the change, or another one since, takes away. */
const ORPHANS = `SELECT o.kind, o.id, o.name FROM (
    SELECT 'subnet' AS kind, s.id, s.prefix AS name, s.network_id FROM subnet_in($1) s
    UNION ALL SELECT 'port', p.id, p.name, p.network_id FROM port_in($1) p) o
  WHERE (EXISTS (SELECT FROM change_edit e WHERE e.change_id = $1 AND e.kind = o.kind AND e.object_id = o.id)
      OR EXISTS (SELECT FROM change_edit e WHERE e.change_id = $1 AND e.kind = 'network' AND e.object_id = o.network_id AND e.after IS NULL))
    AND NOT EXISTS (SELECT FROM network_in($1) n WHERE n.id = o.network_id)
  ORDER BY o.kind, o.id`

/** Ports in the change that stand where a committed one does: at the attachment, or with its address or MAC. */
const CLASHES = `SELECT 'port' AS kind, p.id, p.name, q.name AS other,
    CASE WHEN q.attachment_id = p.attachment_id AND q.vlan IS NOT DISTINCT FROM p.vlan THEN 'attachment'
      WHEN q.network_id = p.network_id AND q.mac = p.mac THEN 'mac' ELSE 'address' END AS what
  FROM port_in($1) p JOIN port_in($1) q ON q.id <> p.id AND (
    (q.attachment_id = p.attachment_id AND q.vlan IS NOT DISTINCT FROM p.vlan) OR (q.network_id = p.network_id AND q.mac = p.mac)
    OR (q.tenant_id = p.tenant_id AND q.addresses && p.addresses))
  WHERE p.drafted AND EXISTS (SELECT FROM change_edit e WHERE e.change_id = $1 AND e.kind = 'port' AND e.object_id = p.id)
  ORDER BY p.id`

interface Row {
  kind: string
  id: string
  name: string | null
  by?: string | null
  gone?: boolean
  other?: string
  what?: 'attachment' | 'mac' | 'address'
}

const AGAIN = 'Discard this draft and make the edit again on what is there now.'

const finding = (row: Row, rule: string, message: string, mend: string): Finding => ({
  ...{ severity: 'error', rule, message, mend, subject: `${row.kind}/${row.id}` },
})

const label = ({ kind, name }: Row): string => `The ${kind} ${name ?? ''}`.trim()

function staleFinding(row: Row): Finding {
  const by = row.by ? ` by ${row.by}` : ''
  const what = row.gone ? 'was deleted' : 'was changed'
  return finding(row, 'intent.moved', `${label(row)} ${what}${by} since this draft edited it.`, AGAIN)
}

const CLASH_WORDS = { attachment: 'at the same attachment', mac: 'with the same MAC', address: 'with the same address' }

/** What stands between a change and its commit: objects that moved since, or that another change is moving. Empty: nothing. */
export async function readConflicts(tx: Pick<EngineTransaction, 'query'>, change: string): Promise<Finding[]> {
  const read = async (sql: string, write: (row: Row) => Finding) => (await tx.query<Row>(sql, [change])).rows.map(write)
  return [
    ...(await read(STALE, staleFinding)),
    ...(await read(UNDER_WAY, (row) =>
      finding(
        row,
        'intent.under-way',
        `${label(row)} is being changed by ${row.by}.`,
        `Wait until ${row.by} has ended.`,
      ),
    )),
    ...(await read(ORPHANS, (row) =>
      finding(row, 'intent.orphan', `${label(row)} is in a network that will not be there.`, AGAIN),
    )),
    ...(await read(CLASHES, (row) =>
      finding(
        ...([row, `network.${row.what}-taken`] as const),
        `${label(row)} stands ${CLASH_WORDS[row.what ?? 'address']} as ${row.other}.`,
        'Give one of them another.',
      ),
    )),
  ]
}

export const conflictsOf =
  (database: Database) =>
  (change: string): Promise<Finding[]> =>
    readConflicts(database.engine, change)
