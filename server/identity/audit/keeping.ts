import path from 'node:path'
import type { ShippedCheckpoint } from '#server/contract/audit.ts'
import type { KeyService } from '#server/keys/ports.ts'
import type { CheckpointKeys } from './checkpoint.ts'
import { type CheckpointStore, checkpointKeeper } from './checkpoints.ts'
import { fileDestination, readCheckpoints } from './shipping/file.ts'
import { auditShipper, type ShippingSource } from './shipping/shipper.ts'
import { type SyslogAddress, syslogDestination } from './shipping/syslog.ts'

export interface KeepingParts {
  readonly outbox: CheckpointStore & ShippingSource
  readonly keys: CheckpointKeys
  readonly file: string | undefined
  readonly fileLines: boolean
  readonly syslog: SyslogAddress | undefined
  readonly checkpoint: { readonly lines: number; readonly interval_ms: number }
  /** Where it is remembered what was sent. */
  readonly folder: string
  readonly onFault: (words: string, error: Error) => void
}

/** The key service's keys for the audit log. */
export const checkpointKeys = (service: Pick<KeyService, 'signer' | 'verificationKeys'>): CheckpointKeys => ({
  signer: () => service.signer('audit'),
  verificationKeys: async () =>
    (await service.verificationKeys('audit')).flatMap(({ id, publicKey }) =>
      publicKey === null ? [] : [{ keyId: id, publicKey }],
    ),
})

/** What makes the audit log hold against whoever owns the database: signed checkpoints, kept outside. */
export function auditKeeping(parts: KeepingParts) {
  const { outbox, keys, file, syslog, folder, onFault } = parts
  const shipper = auditShipper({
    ...{ source: outbox, keys, file: path.join(folder, 'audit-shipped.json') },
    destinations: [
      ...(file === undefined ? [] : [fileDestination(file, parts.fileLines)]),
      ...(syslog ? [syslogDestination(syslog)] : []),
    ],
    onFault: (to, error) => onFault(`audit log to ${to}`, error),
  })
  const checkpoints = checkpointKeeper({
    ...{ store: outbox, keys, ...parts.checkpoint, onKept: shipper.wake },
    onFault: (error) => onFault('audit checkpoint', error),
  })
  return {
    /** Told of lines that were stored. */
    stored(lines: number): void {
      checkpoints.stored(lines)
      shipper.wake()
    },
    shipping: shipper.state,
    /** Checkpoints in the file that they are shipped to; none where there is no file. */
    shipped: async (): Promise<readonly ShippedCheckpoint[]> =>
      file === undefined
        ? []
        : readCheckpoints(file).catch((error: NodeJS.ErrnoException) => {
            if (error.code === 'ENOENT') return []
            throw error
          }),
    async start(): Promise<void> {
      await shipper.start()
      checkpoints.start()
    },
    /** Signs the ends of all chains, and sends what is left. */
    async close(): Promise<void> {
      await checkpoints.close()
      await shipper.close()
    },
  }
}
export type AuditKeeping = ReturnType<typeof auditKeeping>
