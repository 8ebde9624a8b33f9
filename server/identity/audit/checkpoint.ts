import { createPublicKey, verify } from 'node:crypto'
import type { ShippedCheckpoint } from '#server/contract/audit.ts'
import type { Head } from './line.ts'

/** Says, signed, that a chain had a line with this hash at this place. */
export interface Checkpoint extends Head {
  readonly chain: string
  readonly at_ms: number
  readonly keyId: string
  readonly signature: Buffer
}

/** What signs checkpoints: the key service's key for the audit log. */
export interface CheckpointSigner {
  readonly keyId: string
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicKey: string
  sign(data: Buffer): Promise<Buffer>
}

/** A key whose signatures count, or once did. */
export interface CheckpointKey {
  readonly keyId: string
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicKey: string
}

export interface CheckpointKeys {
  /** The key that signs now; undefined while there is none. */
  signer(): Promise<CheckpointSigner | undefined>
  /** Every key that ever signed. */
  verificationKeys(): Promise<readonly CheckpointKey[]>
}

const ENCODING = 'weft-audit-checkpoint-1'

/** The octets that are signed: a JSON array, as `JSON.stringify` writes it, in UTF-8. */
export const checkpointBytes = ({ chain, sequence, hash, at_ms }: Omit<Checkpoint, 'keyId' | 'signature'>): Buffer =>
  Buffer.from(JSON.stringify([ENCODING, chain, sequence, hash.toString('hex'), at_ms]))

/** Whether the signature of a checkpoint is the key's: ECDSA with SHA-256, as r and s (IEEE P1363), or Ed25519. */
export function isSignedBy(checkpoint: Checkpoint, publicKey: string): boolean {
  try {
    const key = createPublicKey(publicKey)
    const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    return verify(digest, checkpointBytes(checkpoint), { key, dsaEncoding: 'ieee-p1363' }, checkpoint.signature)
  } catch {
    return false
  }
}

/** A checkpoint as it is shipped: JSON that can be checked with nothing else at hand. */
export function toShipped(
  { chain, sequence, hash, at_ms, keyId, signature }: Checkpoint,
  publicKey: string,
): ShippedCheckpoint {
  const at = new Date(at_ms).toISOString()
  return {
    ...{ type: 'checkpoint', chain, sequence, hash: hash.toString('hex'), at, keyId, publicKey },
    signature: signature.toString('base64'),
  }
}

export function fromShipped({ chain, sequence, hash, at, keyId, signature }: ShippedCheckpoint): Checkpoint {
  const octets = { hash: Buffer.from(hash, 'hex'), signature: Buffer.from(signature, 'base64') }
  return { chain, sequence, at_ms: Date.parse(at), keyId, ...octets }
}
