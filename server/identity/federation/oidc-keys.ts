import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { decodeProtectedHeader } from 'jose'
import { type Configuration, getJwksCache } from 'openid-client'
import { refuse } from '../saml/result.ts'
import { quoted } from './oidc-reasons.ts'

const RSA = /^[RP]S\d+$/

/** Refuses a signature by an RSA key of fewer bits (`weak-key`), inside `checkingLater`. */
export function refuseShort(bits: number | undefined, kid: string | undefined, rsaBits: number): void {
  if (bits === undefined || bits >= rsaBits) return
  const name = kid === undefined ? '' : ` ${quoted(kid)}`
  refuse('weak-key', `The provider’s RSA key${name} has ${bits} bits, fewer than ${rsaBits} (WEFT_RSA_BITS).`)
}

const bitsOf = (jwk: object): number | undefined =>
  createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }).asymmetricKeyDetails?.modulusLength

/** Refuses an id token whose signature, verified by this client, is by an RSA key of fewer bits. */
export function refuseShortKey(client: Configuration, idToken: string, rsaBits: number): void {
  const { alg = '', kid } = decodeProtectedHeader(idToken)
  if (!RSA.test(alg)) return
  for (const key of getJwksCache(client)?.jwks.keys ?? [])
    if (key.kty === 'RSA' && key.use !== 'enc' && (kid === undefined || key.kid === kid))
      refuseShort(bitsOf(key), kid, rsaBits)
}
