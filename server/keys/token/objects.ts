import { createHash, createPublicKey, randomBytes } from 'node:crypto'
import type { Handle, Template } from 'pkcs11js'
import { TokenError, type TokenKeyAlgorithm } from './protocol.ts'
import { type Binding, ckrOf, type TokenSession } from './session.ts'

const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const RSA_BITS = 3072
const RSA_EXPONENT = Buffer.of(1, 0, 1)
const P256_BYTES = 32
/** OBJECT IDENTIFIER prime256v1, 1.2.840.10045.3.1.7 */
const P256 = Buffer.from('06082a8648ce3d030107', 'hex')

type ObjectClass = 'CKO_SECRET_KEY' | 'CKO_PRIVATE_KEY'

function search({ library, handle }: TokenSession, template: Template): Handle[] {
  library.C_FindObjectsInit(handle, template)
  try {
    return library.C_FindObjects(handle, 16)
  } finally {
    library.C_FindObjectsFinal(handle)
  }
}

const labelled = (binding: Binding, kind: ObjectClass, label: string): Template => [
  { type: binding.CKA_CLASS, value: binding[kind] },
  { type: binding.CKA_LABEL, value: label },
]

/** The one object of a class and label. Throws `TokenError` (`key`) when there is none, or more. */
function object(session: TokenSession, kind: ObjectClass, label: string): Handle {
  const name = `${kind} ${label}`
  const known = session.found.get(name)
  if (known) return known
  const [handle, ...more] = search(session, labelled(session.binding, kind, label))
  if (handle === undefined || more.length > 0)
    throw new TokenError('key', handle ? `more than one key is called ${label}` : `the token has no key ${label}`)
  session.found.set(name, handle)
  return handle
}

export function has(session: TokenSession, label: string): boolean {
  const kinds: readonly ObjectClass[] = ['CKO_SECRET_KEY', 'CKO_PRIVATE_KEY']
  return kinds.some((kind) => search(session, labelled(session.binding, kind, label)).length > 0)
}

/** What holds of every private and secret key of ours: it is kept, and never shown. */
const kept = (binding: Binding, label: string): Template => [
  { type: binding.CKA_LABEL, value: label },
  { type: binding.CKA_TOKEN, value: true },
  { type: binding.CKA_PRIVATE, value: true },
  { type: binding.CKA_SENSITIVE, value: true },
  { type: binding.CKA_EXTRACTABLE, value: false },
]

export function makeWrappingKey(session: TokenSession, label: string): void {
  if (search(session, labelled(session.binding, 'CKO_SECRET_KEY', label)).length > 0) return
  const { binding, library, handle } = session
  library.C_GenerateKey(handle, { mechanism: binding.CKM_AES_KEY_GEN }, [
    ...kept(binding, label),
    { type: binding.CKA_CLASS, value: binding.CKO_SECRET_KEY },
    { type: binding.CKA_VALUE_LEN, value: KEY_BYTES },
    { type: binding.CKA_ENCRYPT, value: true },
    { type: binding.CKA_DECRYPT, value: true },
  ])
}

const gcm = (binding: Binding, iv: Buffer, aad: Buffer) => ({
  mechanism: binding.CKM_AES_GCM,
  parameter: { type: binding.CK_PARAMS_AES_GCM, iv, aad, ivBits: IV_BYTES * 8, tagBits: TAG_BYTES * 8 },
})

export function encrypt(session: TokenSession, label: string, aad: Buffer, plain: Buffer): Buffer {
  const { binding, library, handle } = session
  const iv = randomBytes(IV_BYTES)
  library.C_EncryptInit(handle, gcm(binding, iv, aad), object(session, 'CKO_SECRET_KEY', label))
  return Buffer.concat([iv, library.C_Encrypt(handle, plain, Buffer.alloc(plain.length + TAG_BYTES))])
}

/** What tokens say of a ciphertext that is not authentic; some have no better word than a general one. */
const REFUSED =
  /^CKR_(ENCRYPTED_DATA_INVALID|ENCRYPTED_DATA_LEN_RANGE|AEAD_DECRYPT_FAILED|GENERAL_ERROR|FUNCTION_FAILED)$/

export function decrypt(session: TokenSession, label: string, aad: Buffer, bytes: Buffer): Buffer {
  const { binding, library, handle } = session
  if (bytes.length < IV_BYTES + TAG_BYTES) throw new TokenError('sealed', 'the wrapped key is too short')
  const iv = Buffer.from(bytes.subarray(0, IV_BYTES))
  library.C_DecryptInit(handle, gcm(binding, iv, aad), object(session, 'CKO_SECRET_KEY', label))
  try {
    return library.C_Decrypt(handle, Buffer.from(bytes.subarray(IV_BYTES)), Buffer.alloc(bytes.length))
  } catch (error) {
    if (REFUSED.test(ckrOf(error))) throw new TokenError('sealed', 'the token does not unwrap this')
    throw error
  }
}

function attribute(session: TokenSession, key: Handle, type: number): Buffer {
  const [found] = session.library.C_GetAttributeValue(session.handle, key, [{ type }])
  return Buffer.from(found?.value as Buffer)
}

const url = (bytes: Buffer): string => bytes.toString('base64url')

function publicKeyPem(session: TokenSession, algorithm: TokenKeyAlgorithm, key: Handle): string {
  const { binding } = session
  const read = (type: number) => attribute(session, key, type)
  // The point is an OCTET STRING around 04, x and y.
  const point = () => read(binding.CKA_EC_POINT).subarray(-2 * P256_BYTES)
  const jwk =
    algorithm === 'rsa-3072'
      ? { kty: 'RSA', n: url(read(binding.CKA_MODULUS)), e: url(read(binding.CKA_PUBLIC_EXPONENT)) }
      : { kty: 'EC', crv: 'P-256', x: url(point().subarray(0, P256_BYTES)), y: url(point().subarray(P256_BYTES)) }
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
}

/** Makes a key pair that can sign and do nothing else; answers its public half as PEM. */
export function generate(session: TokenSession, algorithm: TokenKeyAlgorithm, label: string): string {
  const { binding, library, handle } = session
  const rsa = algorithm === 'rsa-3072'
  const shape: Template = rsa
    ? [
        { type: binding.CKA_MODULUS_BITS, value: RSA_BITS },
        { type: binding.CKA_PUBLIC_EXPONENT, value: RSA_EXPONENT },
      ]
    : [{ type: binding.CKA_EC_PARAMS, value: P256 }]
  const mechanism = rsa ? binding.CKM_RSA_PKCS_KEY_PAIR_GEN : binding.CKM_EC_KEY_PAIR_GEN
  const { publicKey } = library.C_GenerateKeyPair(
    handle,
    { mechanism },
    [
      { type: binding.CKA_LABEL, value: label },
      { type: binding.CKA_TOKEN, value: true },
      { type: binding.CKA_VERIFY, value: true },
      ...shape,
    ],
    [...kept(binding, label), { type: binding.CKA_SIGN, value: true }],
  )
  return publicKeyPem(session, algorithm, publicKey)
}

/** RSA: SHA-256 with PKCS#1 v1.5, hashed in the token; ECDSA: r and s over a hash that is made here, as all tokens can do. */
export function sign(session: TokenSession, algorithm: TokenKeyAlgorithm, label: string, data: Buffer): Buffer {
  const { binding, library, handle } = session
  const rsa = algorithm === 'rsa-3072'
  const mechanism = rsa ? binding.CKM_SHA256_RSA_PKCS : binding.CKM_ECDSA
  library.C_SignInit(handle, { mechanism }, object(session, 'CKO_PRIVATE_KEY', label))
  const input = rsa ? data : createHash('sha256').update(data).digest()
  return library.C_Sign(handle, input, Buffer.alloc(rsa ? RSA_BITS / 8 : 2 * P256_BYTES))
}

/** Removes every object of that label. */
export function destroy(session: TokenSession, label: string): void {
  const { binding, library, handle } = session
  for (const one of search(session, [{ type: binding.CKA_LABEL, value: label }])) library.C_DestroyObject(handle, one)
  session.found.clear()
}
