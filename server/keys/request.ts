import 'reflect-metadata'
import { createPublicKey, type KeyObject, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** Curves on which keys are certified. */
const CURVES = ['prime256v1', 'secp384r1', 'secp521r1']
const RSA_BITS_MIN = 3072

/** Why a key is not certified, in words; undefined for one that is strong enough. */
export function weaknessOf(key: KeyObject): string | undefined {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa')
    return modulusLength >= RSA_BITS_MIN ? undefined : `its RSA key has ${modulusLength} bits`
  if (key.asymmetricKeyType === 'ec') return CURVES.includes(namedCurve) ? undefined : `its key is on ${namedCurve}`
  return `its key is of the kind ${key.asymmetricKeyType}`
}

/** Reads a request for a certificate (PKCS#10, PEM): its public key (PEM). Throws with the reason why it is not taken. */
export async function readRequest(pem: string): Promise<string> {
  let request: x509.Pkcs10CertificateRequest
  try {
    request = new x509.Pkcs10CertificateRequest(pem)
  } catch {
    throw new Error('it is not a PKCS#10 request in PEM')
  }
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' })
  } catch {
    throw new Error('its public key cannot be read')
  }
  const weakness = weaknessOf(key)
  if (weakness !== undefined) throw new Error(weakness)
  // Whoever asks has the private key.
  if (!(await request.verify(webcrypto as unknown as Crypto).catch(() => false)))
    throw new Error('its signature is not by the key that it is for')
  return key.export({ type: 'spki', format: 'pem' }).toString()
}
