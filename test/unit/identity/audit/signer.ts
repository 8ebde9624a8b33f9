import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import type { CheckpointKeys, CheckpointSigner } from '#server/identity/audit/checkpoint.ts'

/** A key for checkpoints, as the key service makes them. */
export function testSigner(): CheckpointSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    keyId: randomUUID(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: async (data) => sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  }
}

/** Signs with the first; the signatures of all count. */
export const keysOf = (first: CheckpointSigner, ...more: readonly CheckpointSigner[]): CheckpointKeys => ({
  signer: async () => first,
  verificationKeys: async () => [first, ...more],
})
