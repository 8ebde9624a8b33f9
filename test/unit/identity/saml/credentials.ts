import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { SamlSigner } from '#server/identity/saml/provider.ts'

/** A key with a self-signed certificate, made for one test. */
export interface Credential {
  readonly privateKey: KeyObject
  /** PEM */
  readonly certificate: string
}

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const size = content.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const time = (text: string) => der(0x18, Buffer.from(text))

/** sha256WithRSAEncryption and ecdsa-with-SHA256 (RFC 8017, RFC 5758). */
const SIGNATURE_ALGORITHM = {
  rsa: Buffer.from('300d06092a864886f70d01010b0500', 'hex'),
  ec: Buffer.from('300a06082a8648ce3d040302', 'hex'),
}

function certificateOf(publicKey: KeyObject, privateKey: KeyObject, commonName: string): string {
  const algorithm = SIGNATURE_ALGORITHM[publicKey.asymmetricKeyType === 'ec' ? 'ec' : 'rsa']
  const attribute = sequence(Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from(commonName)))
  const name = sequence(der(0x31, attribute))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(time('20200101000000Z'), time('20491231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = sign('sha256', body, privateKey)
  const base64 = sequence(body, algorithm, der(0x03, Buffer.from([0]), signature)).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

export function rsaCredential(bits = 3_072, commonName = 'test'): Credential {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  return { privateKey, certificate: certificateOf(publicKey, privateKey, commonName) }
}

export function ecCredential(namedCurve = 'prime256v1'): Credential {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve })
  return { privateKey, certificate: certificateOf(publicKey, privateKey, 'test') }
}

export const signerOf = ({ privateKey, certificate }: Credential): SamlSigner => ({
  keyId: 'test',
  certificate,
  sign: async (data) => sign('sha256', data, privateKey),
})

/** The base64 of a certificate, as metadata has it. */
export const bodyOf = (certificate: string): string => certificate.replace(/-----[^-]+-----|\s/g, '')
