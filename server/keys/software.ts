import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign,
  verify as verifySync,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyAlgorithm, KeyInfo, MadeKey } from './ports.ts'

/** Bits of RSA keys: 128-bit security, NIST SP 800-57 part 1; a signature takes about 1 ms. */
const RSA_BITS = 3072

const generate = promisify(generateKeyPair)
const signAsync = promisify(
  (data: Buffer, key: KeyObject, done: (error: Error | null, signature: Buffer) => void): void =>
    sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, done),
)

/** Signs in a thread of libuv, so that nobody else waits for it. RSA: PKCS#1 v1.5; elliptic curves: r and s. */
export const signWith = (key: KeyObject, data: Buffer): Promise<Buffer> => signAsync(data, key)

export const readPrivateKey = (pkcs8: Buffer): KeyObject =>
  createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })

/** A key pair that is made, and used, in the memory of this process. */
export async function generateInMemory(algorithm: Exclude<KeyAlgorithm, 'aes-256'>): Promise<MadeKey> {
  const { publicKey, privateKey } = await (algorithm === 'rsa-3072'
    ? generate('rsa', { modulusLength: RSA_BITS, publicExponent: 0x10001 })
    : generate('ec', { namedCurve: 'P-256' }))
  return {
    algorithm,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }),
    sign: (data) => signWith(privateKey, data),
  }
}

/** Whether a key of ours made this signature: of `audit` keys over checkpoints, by whoever has the public key. */
export function verifySignature({ publicKey }: Pick<KeyInfo, 'publicKey'>, data: Buffer, signature: Buffer): boolean {
  if (publicKey === null) return false
  return verifySync('sha256', data, { key: createPublicKey(publicKey), dsaEncoding: 'ieee-p1363' }, signature)
}
