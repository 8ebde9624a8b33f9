import 'reflect-metadata'
import { createHash, createPublicKey, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { KeyAlgorithm, MadeKey, Signer } from './ports.ts'

const { KeyUsageFlags, ExtendedKeyUsage } = x509

/** What a key's own certificate says that it is for. */
const USAGE = {
  sign: KeyUsageFlags.digitalSignature,
  encrypt: KeyUsageFlags.keyEncipherment,
  issue: KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
}

const SIGNATURE: Readonly<Record<Exclude<KeyAlgorithm, 'aes-256'>, object>> = {
  'rsa-3072': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  'ecdsa-p256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
}

type Sign = (data: Buffer) => Promise<Buffer>

/** As much of WebCrypto as writing a certificate takes: what is to be signed goes to whoever has the key. */
const signingWith = (sign: Sign) =>
  ({
    getRandomValues: webcrypto.getRandomValues.bind(webcrypto),
    subtle: { sign: (_algorithm: unknown, _key: unknown, data: ArrayBuffer) => sign(Buffer.from(data)) },
  }) as unknown as Crypto

const spkiOf = (publicKey: string): Buffer => createPublicKey(publicKey).export({ type: 'spki', format: 'der' })

const keyIdOf = (spki: Buffer): string => createHash('sha256').update(spki).digest('hex').slice(0, 40)

const named = (name: string) => new x509.Name([{ CN: [{ utf8String: name.slice(0, 64) }] }])

const write = async (
  wishes: Omit<x509.X509CertificateCreateParamsBase, 'serialNumber' | 'publicKey'>,
  spki: Buffer,
  algorithm: Exclude<KeyAlgorithm, 'aes-256'>,
  sign: Sign,
): Promise<string> => {
  const signingKey = { algorithm: SIGNATURE[algorithm] } as CryptoKey
  const publicKey = new Uint8Array(spki)
  const whole = await x509.X509CertificateGenerator.create({ ...wishes, publicKey, signingKey }, signingWith(sign))
  return `${whole.toString('pem')}\n`
}

export interface CertificateWishes {
  /** The common name of subject and issuer. */
  readonly name: string
  readonly use: keyof typeof USAGE
  readonly notBefore: Date
  readonly notAfter: Date
}

/** A self-signed certificate (X.509 v3, PEM) for a key, wherever it is kept: what is to be signed is handed to its `sign`. */
export async function selfSigned(key: MadeKey, { name, use, notBefore, notAfter }: CertificateWishes): Promise<string> {
  if (key.algorithm === 'aes-256') throw new Error('A secret key has no certificate.')
  const spki = spkiOf(key.publicKey)
  const issues = use === 'issue'
  const extensions = [
    new x509.BasicConstraintsExtension(issues, issues ? 0 : undefined, true),
    new x509.KeyUsagesExtension(USAGE[use], true),
    new x509.SubjectKeyIdentifierExtension(keyIdOf(spki)),
  ]
  const both = { subject: named(name), issuer: named(name), notBefore, notAfter, extensions }
  return write(both, spki, key.algorithm, key.sign)
}

export interface IssueWishes {
  /** The common name. */
  readonly name: string
  /** Who its holder is, as URIs. */
  readonly uris: readonly string[]
  /** PEM (SubjectPublicKeyInfo). */
  readonly publicKey: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** A certificate for one end of a TLS connection (PEM), under an ECDSA P-256 key of ours. */
export async function issueCertificate(
  issuer: Pick<Signer, 'certificate' | 'sign'>,
  { name, uris, publicKey, notBefore, notAfter }: IssueWishes,
): Promise<string> {
  const above = new x509.X509Certificate(issuer.certificate)
  const spki = spkiOf(publicKey)
  const aboveId = above.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId
  const extensions = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
    new x509.SubjectKeyIdentifierExtension(keyIdOf(spki)),
    ...(aboveId === undefined ? [] : [new x509.AuthorityKeyIdentifierExtension(aboveId)]),
    ...(uris.length === 0
      ? []
      : [new x509.SubjectAlternativeNameExtension(uris.map((value) => ({ type: 'url' as const, value })))]),
  ]
  const wishes = { subject: named(name), issuer: above.subjectName, notBefore, notAfter, extensions }
  return write(wishes, spki, 'ecdsa-p256', issuer.sign)
}
