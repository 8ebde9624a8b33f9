import type { Database, Scope } from './database.ts'

/** What people call an object of intent. */
export interface Label {
  readonly kind: string
  readonly id: string
  readonly name: string
  readonly words: string
}

interface Row {
  ref: string
  kind: string
  id: string
  name: string
  words: string
}

// The last resort is history: an entry may outlive the name of what asked for it until it is read again.
const LABELS = `
  SELECT 'network/' || n.id AS ref, 'network' AS kind, n.id::text AS id, n.name, 'network of ' || t.display_name || ', VNI ' || n.vni AS words
    FROM network n JOIN tenant t ON t.id = n.tenant_id WHERE n.id = ANY($1::uuid[]) AND ($4::uuid IS NULL OR n.tenant_id = $4)
  UNION ALL
  SELECT 'port/' || p.id, 'port', p.id::text, p.name, 'port of ' || n.name || ', ' || array_to_string(p.addresses, ', ') || ', ' || t.display_name
    FROM port p JOIN network n ON n.id = p.network_id JOIN tenant t ON t.id = p.tenant_id
    WHERE p.id = ANY($2::uuid[]) AND ($4::uuid IS NULL OR p.tenant_id = $4)
  UNION ALL
  SELECT 'subnet/' || s.id, 'subnet', s.id::text, s.prefix, 'subnet of ' || n.name
    FROM subnet s JOIN network n ON n.id = s.network_id WHERE s.id = ANY($3::uuid[]) AND ($4::uuid IS NULL OR s.tenant_id = $4)`

const FORMER = `
  SELECT DISTINCT ON (e.kind, e.object_id) e.kind || '/' || e.object_id AS ref, e.kind, e.object_id::text AS id,
    coalesce(e.after->>'name', e.before->>'name', e.after->>'prefix', e.before->>'prefix', e.kind) AS name,
    CASE WHEN e.after IS NULL THEN 'removed in C-' ELSE 'of the draft C-' END || c.number AS words
  FROM change_edit e JOIN change c ON c.id = e.change_id
  WHERE e.kind IN ('network', 'port', 'subnet') AND e.object_id = ANY($3::uuid[]) AND e.kind || '/' || e.object_id = ANY($1) AND ($2::uuid IS NULL OR e.tenant_id = $2)
  ORDER BY e.kind, e.object_id, c.number DESC`

const REFERENCE = /^[a-z]+\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const idsOf = (refs: readonly string[]): string[] => refs.map((ref) => ref.slice(ref.indexOf('/') + 1))

/** Names of objects of intent by `kind/id`; those that the scope may not know of are left out. */
export async function labels(
  database: Database,
  scope: Scope,
  refs: Iterable<string>,
): Promise<ReadonlyMap<string, Label>> {
  const asked = [...new Set(refs)].filter((ref) => REFERENCE.test(ref))
  // Whose networks run through the hardware of a site is not the business of those who run it.
  if (asked.length === 0 || scope.siteId) return new Map()
  const ids = ['network', 'port', 'subnet'].map((kind) => idsOf(asked.filter((ref) => ref.startsWith(`${kind}/`))))
  const found = await database.engine.query<Row>(LABELS, [...ids, scope.tenantId])
  const known = new Map(found.rows.map(({ ref, ...label }) => [ref, label]))
  const rest = asked.filter((ref) => !known.has(ref))
  if (rest.length === 0) return known
  const former = await database.engine.query<Row>(FORMER, [rest, scope.tenantId, idsOf(rest)])
  for (const { ref, ...label } of former.rows) known.set(ref, label)
  return known
}
