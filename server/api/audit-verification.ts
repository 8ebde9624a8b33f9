import type { AuditVerification, ShippedCheckpoint } from '#server/contract/audit.ts'
import { type CheckpointKey, fromShipped } from '#server/identity/audit/checkpoint.ts'
import { type Finding, verifyChain, type Witness } from '#server/identity/audit/verify.ts'
import type { AuditEvidence, ChainTrail } from '#server/inventory/audit-evidence.ts'
import { type Scope, seesAll } from '#server/inventory/database.ts'
import { notFound, Refusal } from '#server/kernel/refusal.ts'

export interface VerificationParts {
  readonly evidence: Pick<AuditEvidence, 'trails' | 'follow' | 'loose'>
  /** Every key that ever signed checkpoints. */
  readonly keys: () => Promise<readonly CheckpointKey[]>
  /** Checkpoints that this installation shipped to a file of its own. */
  readonly shipped: () => Promise<readonly ShippedCheckpoint[]>
}

/** Findings that one answer lists. */
const LISTED = 500

const slippedIn = ({ id, action }: { id: string; action: string }): Finding => ({
  ...{ kind: 'outside', chain: null, sequence: null, id },
  words: `Line ${id} (${action}) is in no chain, though chains had begun.`,
})

/** Chains by name, with what was shipped of each; those too that only shipped checkpoints know of. */
function join(
  trails: readonly ChainTrail[],
  shipped: readonly ShippedCheckpoint[],
  wanted: (chain: string) => boolean,
) {
  const byChain = new Map(trails.map((trail) => [trail.chain, { ...trail, witnesses: [...trail.witnesses] }]))
  for (const one of shipped) {
    if (!wanted(one.chain)) continue
    const witness: Witness = { ...fromShipped(one), source: 'shipped', publicKey: one.publicKey }
    const trail = byChain.get(one.chain)
    if (trail) trail.witnesses.push(witness)
    else byChain.set(one.chain, { chain: one.chain, tenantName: null, head: undefined, last: 0, witnesses: [witness] })
  }
  return [...byChain.values()]
}

/**
 * Follows the chains that a scope sees, with the checkpoints in the database, those shipped to a file, and those that are
 * handed in. One at a time: throws `Refusal` (`unavailable`) while another is under way.
 */
export function auditVerifier({ evidence, keys, shipped }: VerificationParts) {
  let running = false

  async function verify(
    scope: Scope,
    chain: string | undefined,
    given: readonly ShippedCheckpoint[],
  ): Promise<AuditVerification> {
    // Before the lines: what is signed already is there when the lines are read.
    const [known, own] = [await keys(), await shipped()]
    const sees = (one: string) => seesAll(scope) || one === scope.tenantId
    const wanted = (one: string) => sees(one) && (chain === undefined || one === chain)
    const trails = join(
      (await evidence.trails(scope, chain)).filter(({ chain: one }) => sees(one)),
      [...own, ...given],
      wanted,
    )
    if (chain !== undefined && trails.length === 0) throw notFound('chain')
    const { before, since } = chain === undefined ? await evidence.loose(scope) : { before: 0, since: [] }
    const findings: Finding[] = since.map(slippedIn)
    const chains: AuditVerification['chains'] = []
    for (const { tenantName, last, ...trail } of trails) {
      const report = await verifyChain({ ...trail, keys: known }, evidence.follow(scope, trail.chain, last))
      const { lines, checkpoints, vouchedTo, findings: found, more } = report
      findings.push(...found)
      chains.push({ name: trail.chain, tenantName, lines, checkpoints, vouchedTo, findings: found.length + more })
    }
    return {
      ...{ at: new Date().toISOString(), sound: findings.length === 0, unchained: before, chains },
      ...{ lines: chains.reduce((sum, { lines }) => sum + lines, 0), findings: findings.slice(0, LISTED) },
    }
  }

  return async (...asked: Parameters<typeof verify>): Promise<AuditVerification> => {
    if (running) throw new Refusal('unavailable', 'The audit log is being verified. Try again in a moment.')
    running = true
    try {
      return await verify(...asked)
    } finally {
      running = false
    }
  }
}
