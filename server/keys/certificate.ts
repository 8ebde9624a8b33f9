import { createHash, createPublicKey, randomBytes } from 'node:crypto'
import * as der from './der.ts'
import type { KeyAlgorithm, MadeKey } from './ports.ts'

const COMMON_NAME = '2.5.4.3'
const SUBJECT_KEY_ID = '2.5.29.14'
const KEY_USAGE = '2.5.29.15'
const BASIC_CONSTRAINTS = '2.5.29.19'
const SERIAL_BYTES = 16

/** Bits of KeyUsage (RFC 5280, 4.2.1.3), with how many at the end do not count. */
const USAGE = {
  sign: der.bits(Buffer.of(0b1000_0000), 7),
  encrypt: der.bits(Buffer.of(0b0010_0000), 5),
}

const SIGNATURE: Readonly<Record<Exclude<KeyAlgorithm, 'aes-256'>, Buffer>> = {
  // Parameters of RSA are NULL (RFC 4055, 5), those of ECDSA absent (RFC 5758, 3.2).
  'rsa-3072': der.sequence(der.oid('1.2.840.113549.1.1.11'), der.empty()),
  'ecdsa-p256': der.sequence(der.oid('1.2.840.10045.4.3.2')),
}

const named = (name: string): Buffer =>
  der.sequence(der.set(der.sequence(der.oid(COMMON_NAME), der.utf8(name.slice(0, 64)))))

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octets(value))

/** The signature as X.509 has it: that of ECDSA is a sequence of two integers there. */
function signatureValue(algorithm: KeyAlgorithm, signature: Buffer): Buffer {
  if (algorithm !== 'ecdsa-p256') return signature
  const half = signature.length / 2
  return der.sequence(der.unsigned(signature.subarray(0, half)), der.unsigned(signature.subarray(half)))
}

export interface CertificateWishes {
  /** The common name of subject and issuer. */
  readonly name: string
  readonly use: keyof typeof USAGE
  readonly notBefore: Date
  readonly notAfter: Date
}

/** A self-signed certificate (X.509 v3, PEM) for a key, wherever it is kept: what is to be signed is handed to its `sign`. */
export async function selfSigned(key: MadeKey, wishes: CertificateWishes): Promise<string> {
  const { algorithm, publicKey } = key
  if (algorithm === 'aes-256') throw new Error('A secret key has no certificate.')
  const spki = createPublicKey(publicKey).export({ type: 'spki', format: 'der' })
  const serial = randomBytes(SERIAL_BYTES)
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f)
  const extensions = der.sequence(
    extension(BASIC_CONSTRAINTS, true, der.sequence()),
    extension(KEY_USAGE, true, USAGE[wishes.use]),
    extension(SUBJECT_KEY_ID, false, der.octets(createHash('sha256').update(spki).digest().subarray(0, 20))),
  )
  const wanted = der.sequence(
    der.explicit(0, der.unsigned(Buffer.of(2))),
    der.unsigned(serial),
    SIGNATURE[algorithm],
    named(wishes.name),
    der.sequence(der.time(wishes.notBefore), der.time(wishes.notAfter)),
    named(wishes.name),
    spki,
    der.explicit(3, extensions),
  )
  const signature = signatureValue(algorithm, await key.sign(wanted))
  const whole = der.sequence(wanted, SIGNATURE[algorithm], der.bits(signature))
  const lines = whole.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
