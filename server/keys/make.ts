import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { Clock } from '#server/kernel/clock.ts'
import { type CertificateWishes, selfSigned } from './certificate.ts'
import { MASTER_KEY_BYTES } from './master.ts'
import type { KeyAlgorithm, KeyPurpose, KeyStore, KeyToken, MadeKey, StoredKey, Wrapper } from './ports.ts'
import { wrapFor } from './ring.ts'
import { generateInMemory } from './software.ts'

const YEAR_MS = 365 * 86_400_000
const CERTIFICATE_YEARS = 5
/** Others' clocks may be behind. */
const BACKDATED_MS = 3_600_000

const ALGORITHM: Readonly<Record<Exclude<KeyPurpose, 'envelope'>, Exclude<KeyAlgorithm, 'aes-256'>>> = {
  'saml-signing': 'rsa-3072',
  'saml-encryption': 'rsa-3072',
  audit: 'ecdsa-p256',
  'switch-ca': 'ecdsa-p256',
  'controller-ca': 'ecdsa-p256',
}

/** What certificates of keys say that these are for; `sign` unless said here. */
const USE: Partial<Record<KeyPurpose, CertificateWishes['use']>> = {
  'saml-encryption': 'encrypt',
  'switch-ca': 'issue',
  'controller-ca': 'issue',
}

export interface MakingParts {
  readonly store: Pick<KeyStore, 'insert'>
  /** Wraps new keys. */
  readonly wrapper: Wrapper
  /** Where signing keys are made and stay; absent: in memory, then wrapped. */
  readonly token: KeyToken | undefined
  readonly clock: Clock
  /** Of the installation, for certificates. */
  readonly name: string
}

/** Makes keys and keeps them: in the token where they can be used there, else wrapped. */
export function keyMaker({ store, wrapper, token, clock, name }: MakingParts) {
  async function secretKey(base: Pick<StoredKey, 'id' | 'purpose' | 'state' | 'createdAt'>): Promise<StoredKey> {
    const wrapped = await wrapFor(wrapper, base, randomBytes(MASTER_KEY_BYTES))
    const nothing = { certificate: null, publicKey: null, tokenLabel: null, notAfter: null, retiredAt: null }
    return { ...base, ...nothing, algorithm: 'aes-256', wrapped, wrappedBy: wrapper.name }
  }

  async function keyPair(base: Pick<StoredKey, 'id' | 'purpose' | 'state' | 'createdAt'>): Promise<StoredKey> {
    const { id, purpose, createdAt } = base
    const algorithm = ALGORITHM[purpose as keyof typeof ALGORITHM]
    // Others encrypt to it as they like, with paddings that not every token knows: it is opened in memory.
    const here = purpose === 'saml-encryption' || token === undefined
    const made: MadeKey = here
      ? await generateInMemory(algorithm)
      : await token.generate(algorithm, `weft-${purpose}-${id}`)
    const notAfter = new Date(createdAt.getTime() + CERTIFICATE_YEARS * YEAR_MS)
    const certificate = await selfSigned(made, {
      ...{ name: `${name} ${purpose}`, use: USE[purpose] ?? 'sign' },
      ...{ notBefore: new Date(createdAt.getTime() - BACKDATED_MS), notAfter },
    })
    const wrapped = made.privateKey ? await wrapFor(wrapper, base, made.privateKey) : null
    return {
      ...{ ...base, algorithm, certificate, publicKey: made.publicKey, notAfter, retiredAt: null, wrapped },
      ...{ wrappedBy: wrapped ? wrapper.name : null, tokenLabel: made.tokenLabel ?? null },
    }
  }

  return {
    /** Makes a key; undefined when another one took its place meanwhile. */
    async make(purpose: KeyPurpose, state: 'next' | 'active'): Promise<StoredKey | undefined> {
      const base = { id: uuidv7(), purpose, state, createdAt: new Date(clock.now_ms()) }
      const key = await (purpose === 'envelope' ? secretKey(base) : keyPair(base))
      if (await store.insert(key)) return key
      if (key.tokenLabel !== null) await token?.destroy(key.tokenLabel)
      return undefined
    },
  }
}
export type KeyMaker = ReturnType<typeof keyMaker>
