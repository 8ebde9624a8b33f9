import { type Head, type LinkedLine, type LooseLine, lineOf, link, OPERATORS } from '#server/identity/audit/line.ts'
import type { AuditEntry } from '#server/identity/ports.ts'
import type { Database, EngineTransaction } from './database.ts'

/** Lines that go to the database in one statement. */
const BATCH = 256

const BEGIN_CHAINS = `INSERT INTO audit_chain (chain, tenant_id, sequence, hash)
  SELECT c, CASE WHEN c <> 'operators' THEN c::uuid END, 0, decode(repeat('00', 32), 'hex') FROM unnest($1::text[]) c
  ON CONFLICT DO NOTHING`
const HEADS = `SELECT c.chain, c.sequence, c.hash, l.sequence AS last, l.hash AS last_hash FROM audit_chain c
  LEFT JOIN LATERAL (SELECT a.sequence, a.hash FROM audit a WHERE a.chain = c.chain ORDER BY a.sequence DESC LIMIT 1) l ON true
  WHERE c.chain = ANY($1) ORDER BY c.chain`
const MEND_HEAD = 'UPDATE audit_chain SET sequence = $2, hash = $3 WHERE chain = $1 AND sequence = $4'

/**
 * Moves the heads that are where they were thought to be, and adds the lines of those chains alone: one statement, so
 * that no head stands without its lines nor a line beyond its head.
 */
const WRITE = `WITH moved AS (
    UPDATE audit_chain c SET sequence = n.sequence, hash = decode(n.hash, 'hex')
    FROM json_to_recordset($1::json) AS n(chain text, was bigint, was_hash text, sequence bigint, hash text)
    WHERE c.chain = n.chain AND c.sequence = n.was AND c.hash = decode(n.was_hash, 'hex') RETURNING c.chain
  ), written AS (
    INSERT INTO audit (chain, sequence, hash, at, actor, actor_id, provider, address, action, outcome, reason, subject,
      tenant_id, change_id, detail, before, after)
    SELECT l.chain, l.sequence, decode(l.hash, 'hex'), l.at, l.actor, l."actorId", l.provider, l.address, l.action, l.outcome,
      l.reason, l.subject, l."tenantId", l."changeId", l.detail, l.before::json, l.after::json
    FROM json_to_recordset($2::json) AS l(n int, chain text, sequence bigint, hash text, at timestamptz, actor text,
      "actorId" uuid, provider text, address text, action text, outcome text, reason text, subject text, "tenantId" uuid,
      "changeId" uuid, detail text, before text, after text)
    WHERE l.chain IN (SELECT chain FROM moved) ORDER BY l.n
  ) SELECT chain FROM moved`

interface HeadRow {
  chain: string
  sequence: string
  hash: Buffer
  last: string | null
  last_hash: Buffer | null
}

interface Heads {
  readonly heads: Map<string, Head>
  /** Lines that say of chains whose end was not where their last line is: somebody moved it. */
  readonly mended: AuditEntry[]
}

const mendedLine = ({ chain, sequence, last }: HeadRow): AuditEntry => ({
  ...{ actor: '', address: '', action: 'audit.head', outcome: 'failed', reason: 'head', subject: null, changeId: null },
  tenantId: chain === OPERATORS ? null : chain,
  detail: `The end that was written down was line ${sequence}, though line ${last} was there. The chain goes on after that.`,
})

type Queries = Pick<EngineTransaction, 'query'>

/**
 * Where chains end; one that is new begins. `lock`: they stay there until the transaction ends. An end that was moved back
 * must not keep anybody from writing: the chain goes on after its last line, and says so.
 */
async function readHeads(tx: Queries, chains: readonly string[], lock: boolean): Promise<Heads> {
  await tx.query(BEGIN_CHAINS, [chains])
  const { rows } = await tx.query<HeadRow>(HEADS + (lock ? ' FOR UPDATE OF c' : ''), [chains])
  const [heads, mended]: [Map<string, Head>, AuditEntry[]] = [new Map(), []]
  for (const row of rows) {
    const { chain, sequence, hash, last, last_hash } = row
    if (last === null || last_hash === null || BigInt(last) <= BigInt(sequence)) {
      heads.set(chain, { sequence: Number(sequence), hash })
      continue
    }
    await tx.query(MEND_HEAD, [chain, last, last_hash, sequence])
    heads.set(chain, { sequence: Number(last), hash: last_hash })
    mended.push(mendedLine(row))
  }
  return { heads, mended }
}

/** Writes lines behind heads; answers the chains whose head was where it was thought to be. */
async function write(
  tx: Queries,
  linked: readonly LinkedLine[],
  heads: ReadonlyMap<string, Head>,
  ends: ReadonlyMap<string, Head>,
): Promise<Set<string>> {
  const moves = [...ends].map(([chain, { sequence, hash }]) => {
    const was = heads.get(chain) as Head
    return {
      ...{ chain, was: was.sequence, was_hash: was.hash.toString('hex'), sequence, hash: hash.toString('hex') },
    }
  })
  const rows = linked.map(({ hash, at_ms, ...line }, n) => ({
    ...{ ...line, n, hash: hash.toString('hex'), at: new Date(at_ms).toISOString() },
  }))
  const { rows: moved } = await tx.query<{ chain: string }>(WRITE, [JSON.stringify(moves), JSON.stringify(rows)])
  return new Set(moved.map(({ chain }) => chain))
}

/** Adds lines inside a transaction: they are there when it is committed, and their chains wait until then. */
export async function appendAudit(tx: Queries, entries: readonly AuditEntry[]): Promise<void> {
  const now_ms = Date.now()
  const lines = entries.map((entry) => lineOf(entry, now_ms))
  const { heads, mended } = await readHeads(tx, [...new Set(lines.map(({ chain }) => chain))].sort(), true)
  const { linked, ends } = link([...mended.map((entry) => lineOf(entry, now_ms)), ...lines], heads)
  const moved = await write(tx, linked, heads, ends)
  if (moved.size !== ends.size) throw new Error('A chain of the audit log moved while it was locked.')
}

const ignore = () => undefined

interface Waiting {
  readonly line: LooseLine
  readonly stored: () => void
  readonly failed: (error: unknown) => void
}

/** SQLSTATE of what is wrong with a value or a row, as opposed to with the connection. */
const isOfData = (error: unknown): boolean => /^2[23]/.test(String((error as { code?: unknown }).code))
const isDeadlock = (error: unknown): boolean => ['40P01', '40001'].includes(String((error as { code?: string }).code))

/**
 * Adds lines that come one by one, many at a time: what arrives while a statement runs goes with the next one. `record`
 * resolves when its line is stored. Where heads are is remembered; somebody else who moved one is noticed, and read again.
 */
export function auditWriter(
  { engine }: Pick<Database, 'engine'>,
  onStored: (lines: number) => void = () => {},
): (entry: AuditEntry) => Promise<void> {
  const queue: Waiting[] = []
  let running = false
  const heads = new Map<string, Head>()

  /** Reads where chains end that are not known; answers the lines that this gives reason for. */
  async function learn(chains: ReadonlySet<string>): Promise<Waiting[]> {
    const unknown = [...chains].filter((chain) => !heads.has(chain)).sort()
    if (unknown.length === 0) return []
    const read = await readHeads(engine, unknown, false)
    for (const [chain, head] of read.heads) heads.set(chain, head)
    return read.mended.map((entry) => ({ line: lineOf(entry, Date.now()), stored: ignore, failed: ignore }))
  }

  /** Stores what can be stored at once; answers those whose chain had moved. */
  async function attempt(asked: readonly Waiting[]): Promise<Waiting[]> {
    const mended = await learn(new Set(asked.map(({ line }) => line.chain)))
    const batch = [...mended, ...asked]
    const { linked, ends } = link(
      batch.map(({ line }) => line),
      heads,
    )
    const moved = await write(engine, linked, heads, ends)
    for (const [chain, end] of ends) {
      if (moved.has(chain)) heads.set(chain, end)
      else heads.delete(chain)
    }
    const done = batch.filter(({ line }) => moved.has(line.chain))
    for (const { stored } of done) stored()
    onStored(done.length)
    return batch.filter(({ line }) => !moved.has(line.chain))
  }

  async function store(batch: readonly Waiting[]): Promise<void> {
    let left = batch
    try {
      while (left.length > 0) left = await attempt(left)
    } catch (error) {
      heads.clear()
      // Of these nothing was stored. One line that the database does not take must not take the others with it.
      if (isDeadlock(error)) queue.unshift(...left)
      else if (left.length > 1 && isOfData(error)) for (const one of left) await store([one])
      else for (const { failed } of left) failed(error)
    }
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) await store(queue.splice(0, BATCH))
    running = false
  }

  return (entry) =>
    new Promise((stored, failed) => {
      queue.push({ line: lineOf(entry, Date.now()), stored, failed })
      if (running) return
      running = true
      // What comes in the same turn goes together.
      setImmediate(() => void drain())
    })
}
