import type { KnownCertificate } from '#server/datapath/connection/trust.ts'
import type {
  EndingCertificate,
  SwitchCertificateRecord,
  SwitchCertificateStore,
} from '#server/identity/switches/ports.ts'
import { type Database, isUniqueViolation } from './database.ts'

/** The most that are listed of one datapath. */
const MOST = 100

const FIND = {
  name: 'find-switch-certificate',
  text: `SELECT c.id, c.revoked_at AS "revokedAt",
      ARRAY(SELECT d.datapath_id FROM datapath d WHERE d.id = ANY (c.datapath_ids) AND d.server_id = c.server_id) AS "datapathIds"
    FROM switch_certificate c WHERE c.fingerprint = $1`,
}

interface FoundRow extends Omit<KnownCertificate, 'revokedAt_ms'> {
  readonly revokedAt: Date | null
}

/** Certificates of switches, kept in the database. */
export function switchCertificateStore({ inScope, engine }: Database): SwitchCertificateStore {
  return {
    of: (scope, datapathId) =>
      inScope(scope, (tx) =>
        tx.switchCertificate.findMany({
          where: { datapathIds: { has: datapathId } },
          orderBy: [{ enrolledAt: 'desc' }, { id: 'desc' }],
          take: MOST,
        }),
      ),
    async add(scope, { datapathIds, ...record }) {
      try {
        await inScope(scope, (tx) =>
          tx.switchCertificate.create({ data: { ...record, datapathIds: [...datapathIds] } }),
        )
        return true
      } catch (error) {
        if (isUniqueViolation(error)) return false
        throw error
      }
    },
    revoke: (scope, datapathId, id, revokedBy) =>
      inScope(scope, async (tx): Promise<SwitchCertificateRecord | undefined> => {
        await tx.switchCertificate.updateMany({
          where: { id, datapathIds: { has: datapathId }, revokedAt: null },
          data: { revokedAt: new Date(), revokedBy },
        })
        return (await tx.switchCertificate.findFirst({ where: { id, datapathIds: { has: datapathId } } })) ?? undefined
      }),
    async find(fingerprint) {
      const [row] = (await engine.query<FoundRow>({ ...FIND, values: [fingerprint] })).rows
      return row && { id: row.id, datapathIds: row.datapathIds, revokedAt_ms: row.revokedAt?.getTime() ?? null }
    },
    ending: (scope, before) =>
      inScope(
        scope,
        (tx) => tx.$queryRaw<EndingCertificate[]>`
          SELECT d.id AS "datapathId", d.name AS "datapathName", max(c.not_after) AS "notAfter"
          FROM switch_certificate c JOIN datapath d ON d.id = ANY (c.datapath_ids) AND d.server_id = c.server_id
          WHERE c.revoked_at IS NULL GROUP BY d.id, d.name HAVING max(c.not_after) < ${before} ORDER BY 3 LIMIT 50`,
      ),
  }
}
