import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { SealBroken } from './ports.ts'

const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM with a random 96-bit nonce: nonce, ciphertext, tag. Random nonces are good for 2^32 messages under one key
 * (NIST SP 800-38D, 8.3), far beyond what one installation seals.
 */
export function encrypt(key: Buffer, aad: Buffer, plain: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(aad)
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** The inverse of `encrypt`. Throws `SealBroken` whatever is wrong. */
export function decrypt(key: Buffer, aad: Buffer, bytes: Buffer): Buffer {
  if (bytes.length < IV_BYTES + TAG_BYTES) throw new SealBroken()
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(aad)
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
  } catch {
    throw new SealBroken()
  }
}

const VERSION = 1
const ID_BYTES = 16
const HEADER_BYTES = 1 + ID_BYTES

/** What a sealed value begins with: the version of its form, and the id of the key that opens it. */
const header = (keyId: string): Buffer =>
  Buffer.concat([Buffer.of(VERSION), Buffer.from(keyId.replaceAll('-', ''), 'hex')])

const bound = (head: Buffer, context: string): Buffer => Buffer.concat([head, Buffer.from(context, 'utf8')])

/** The id of the key that opens a sealed value. Throws `SealBroken` for what is none. */
export function keyIdOf(sealed: Buffer): string {
  if (sealed.length < HEADER_BYTES || sealed[0] !== VERSION) throw new SealBroken()
  const hex = sealed.toString('hex', 1, HEADER_BYTES)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Version, key id, then AES-256-GCM; version, id and context are authenticated with it. */
export function sealWith(keyId: string, key: Buffer, context: string, plain: Buffer): Buffer {
  const head = header(keyId)
  return Buffer.concat([head, encrypt(key, bound(head, context), plain)])
}

export function openWith(key: Buffer, context: string, sealed: Buffer): Buffer {
  const head = sealed.subarray(0, HEADER_BYTES)
  return decrypt(key, bound(head, context), sealed.subarray(HEADER_BYTES))
}
