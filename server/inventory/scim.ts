import type { ScimClient, ScimStore } from '#server/identity/scim/ports.ts'
import { type Database, lock } from './database.ts'
import { scimGroups } from './scim-groups.ts'
import { scimUsers } from './scim-users.ts'

/** Use is written down this often at most. */
const USED = `UPDATE scim_client SET used_at = now() WHERE hash = $1 AND (used_at IS NULL OR used_at < now() - interval '1 minute')`

/** Users and groups that providers push: each sees its own alone, in the scope of its tenant. */
export function scimStore(database: Database): ScimStore {
  return {
    async client(hash) {
      const { rows } = await database.engine.query<ScimClient>(
        `SELECT p.id AS "providerId", p.name, p.tenant_id AS "tenantId", coalesce(p.options->>'scimSubject', 'userName') AS subject,
           p.state = 'closed' AND p.closed_reason = 'operator' AS closed
         FROM scim_client c JOIN identity_provider p ON p.id = c.provider_id WHERE c.hash = $1`,
        [hash],
      )
      if (rows[0]) await database.engine.query(USED, [hash])
      return rows[0]
    },
    within: (client, mode, work) =>
      database.inScope({ tenantId: client.tenantId }, async (tx) => {
        // What is patched was read before: nobody writes in between.
        if (mode === 'write') await lock(tx, `scim/${client.providerId}`)
        const ended: string[] = []
        const users = scimUsers(tx, client, (hashes) => ended.push(...hashes))
        return work({ users, groups: scimGroups(tx, client), ended })
      }),
  }
}
