import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto'

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest()
const base64url = (data: Buffer | string) => Buffer.from(data).toString('base64url')

/** A CBOR byte string (RFC 8949) of 24 to 65,535 bytes. */
function bytes(data: Buffer): Buffer {
  const head = data.length < 256 ? [0x58, data.length] : [0x59, data.length >> 8, data.length & 0xff]
  return Buffer.concat([Buffer.from(head), data])
}
const text = (word: string) => Buffer.concat([Buffer.from([0x60 + word.length]), Buffer.from(word)])

const FLAGS = { present: 0x01, verified: 0x04, eligible: 0x08, attested: 0x40 }

/** What may go wrong, or be forged, in a proof. */
export interface Oddities {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly type?: string
  readonly userHandle?: Buffer
  readonly counter?: number
  readonly verified?: boolean
  readonly framed?: boolean
  readonly spoil?: boolean
}

interface CreationOptions {
  readonly challenge: string
  readonly rp: { readonly id: string }
  readonly user: { readonly id: string }
}
interface RequestOptions {
  readonly challenge: string
  readonly rpId: string
}

/** An authenticator with one passkey, of ES256 and without attestation, and the browser that speaks for it. `synced`: it may be copied. */
export function authenticator(origin: string, { synced = false } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const id = randomBytes(32)
  let counter = 0
  let userHandle = Buffer.alloc(0)
  const coseKey = Buffer.concat([
    Buffer.from('a5010203262001', 'hex'),
    ...[Buffer.from([0x21]), bytes(Buffer.from(x, 'base64url'))],
    ...[Buffer.from([0x22]), bytes(Buffer.from(y, 'base64url'))],
  ])
  const clientData = (type: string, challenge: string, odd: Oddities) =>
    Buffer.from(
      JSON.stringify({
        ...{ type: odd.type ?? type, challenge: odd.challenge ?? challenge, origin: odd.origin ?? origin },
        crossOrigin: odd.framed ?? false,
      }),
    )
  const authData = (rpId: string, flags: number, odd: Oddities, attested = Buffer.alloc(0)) => {
    const rest = Buffer.alloc(5)
    rest[0] = FLAGS.present | (odd.verified === false ? 0 : FLAGS.verified) | (synced ? FLAGS.eligible : 0) | flags
    rest.writeUInt32BE(odd.counter ?? counter, 1)
    return Buffer.concat([sha256(odd.rpId ?? rpId), rest, attested])
  }
  const named = { id: base64url(id), rawId: base64url(id), type: 'public-key', clientExtensionResults: {} }
  return {
    id: named.id,
    /** `navigator.credentials.create()` */
    create(options: unknown, odd: Oddities = {}) {
      const { challenge, rp, user } = options as CreationOptions
      userHandle = Buffer.from(user.id, 'base64url')
      const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, coseKey])
      const data = authData(rp.id, FLAGS.attested, odd, attested)
      const attestation = [
        text('fmt'),
        text('none'),
        text('attStmt'),
        Buffer.from([0xa0]),
        text('authData'),
        bytes(data),
      ]
      return {
        ...named,
        response: {
          clientDataJSON: base64url(clientData('webauthn.create', challenge, odd)),
          attestationObject: base64url(Buffer.concat([Buffer.from([0xa3]), ...attestation])),
          transports: ['internal'],
        },
      }
    },
    /** `navigator.credentials.get()` */
    get(options: unknown, odd: Oddities = {}) {
      const { challenge, rpId } = options as RequestOptions
      counter += 1
      const client = clientData('webauthn.get', challenge, odd)
      const data = authData(rpId, 0, odd)
      const signature = createSign('sha256').update(data).update(sha256(client)).sign(privateKey)
      if (odd.spoil) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1
      return {
        ...named,
        response: {
          ...{ clientDataJSON: base64url(client), authenticatorData: base64url(data), signature: base64url(signature) },
          userHandle: base64url(odd.userHandle ?? userHandle),
        },
      }
    },
  }
}
