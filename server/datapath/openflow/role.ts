import type { Connection } from './connection.ts'
import { SwitchError } from './failure.ts'
import type { Patience } from './waiting.ts'

/**
 * Becomes the one controller that may change the switch (OpenFlow 1.5.1, section 6.3.6). The generation id grows with
 * every claim, so that the switch refuses an engine that has been replaced. Rejects with a fenced SwitchError then.
 */
export async function becomeMaster(connection: Connection, generation: bigint, patience: Patience): Promise<void> {
  const reply = await connection.request(
    { type: 'role_request', role: 'master', short_id: 0, generation_id: generation },
    patience,
  )
  if (reply.type !== 'role_reply' || reply.role !== 'master')
    throw new SwitchError(reply.xid, `answered ${reply.type} to the request to be master`, false)
}
