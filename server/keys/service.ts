import type { KeyObject } from 'node:crypto'
import { keyIdOf, openWith, sealWith } from './blob.ts'
import {
  KEY_PURPOSES,
  type KeyInfo,
  type KeyPurpose,
  type KeyService,
  SealBroken,
  type Signer,
  type StoredKey,
  type Wrapper,
} from './ports.ts'
import { wrapFor } from './ring.ts'
import { type RotationParts, rotation } from './rotation.ts'
import { readPrivateKey, signWith } from './software.ts'
import type { UseCounter } from './uses.ts'

export interface ServiceParts extends RotationParts {
  readonly uses: UseCounter
  /** What is wrapped now is wrapped under this. */
  readonly wrapper: Wrapper
}

export interface KeyKeeper extends KeyService {
  /** Makes the keys that are not there yet. */
  begin(): Promise<void>
  /** Retires what is due, and writes the uses that were counted. */
  tick(): Promise<void>
}

const pem = (der: Buffer): string => readPrivateKey(der).export({ type: 'pkcs8', format: 'pem' }).toString()

export function infoOf(key: StoredKey, uses: number): KeyInfo {
  const { id, purpose, algorithm, state, certificate, publicKey, tokenLabel, createdAt, notAfter, retiredAt } = key
  const inToken = tokenLabel !== null
  return { id, purpose, algorithm, state, certificate, publicKey, inToken, createdAt, notAfter, retiredAt, uses }
}

/** Keys: signs, opens and seals with them, and brings new ones. */
export function keyService(parts: ServiceParts): KeyKeeper {
  const { store, ring, maker, uses, wrapper, token } = parts
  const objects = new Map<string, KeyObject>()
  const { rotate, retire, retireDue } = rotation(parts)

  async function activeOf(purpose: KeyPurpose): Promise<StoredKey> {
    const [first] = await ring.of(purpose)
    if (first?.state !== 'active') throw new Error(`There is no active key for ${purpose}.`)
    return first
  }

  async function signWithKey(key: StoredKey, data: Buffer): Promise<Buffer> {
    if (key.tokenLabel !== null) {
      if (!token) throw new Error(`The key ${key.id} is in a token, which is not configured.`)
      return token.sign(key.algorithm, key.tokenLabel, data)
    }
    const object = objects.get(key.id) ?? readPrivateKey(await ring.secret(key))
    objects.set(key.id, object)
    return signWith(object, data)
  }

  return {
    async signer(purpose): Promise<Signer> {
      const key = await activeOf(purpose)
      const sign = async (data: Buffer) => {
        const signature = await signWithKey(key, data)
        uses.note(key.id, 'sign')
        return signature
      }
      return { keyId: key.id, certificate: key.certificate ?? '', publicKey: key.publicKey ?? '', sign }
    },
    async verificationKeys(purpose) {
      const [keys, totals] = await Promise.all([ring.of(purpose), uses.totals()])
      const valid = keys.filter(({ state }) => purpose === 'audit' || state !== 'retired')
      return valid.map((key) => infoOf(key, totals.get(key.id) ?? 0))
    },
    async privateKeys(purpose) {
      const keys = (await ring.of(purpose)).filter(({ wrapped }) => wrapped !== null)
      for (const { id } of keys) uses.note(id, 'unwrap')
      return Promise.all(keys.map(async (key) => pem(await ring.secret(key))))
    },
    async certificates(purpose) {
      const [active, ...others] = (await ring.of(purpose)).filter(({ state }) => state !== 'retired')
      return { active: active?.certificate ?? '', others: others.flatMap(({ certificate }) => certificate ?? []) }
    },
    async seal(context, plain) {
      const key = await activeOf('envelope')
      const sealed = sealWith(key.id, await ring.secret(key), context, plain)
      uses.note(key.id, 'seal')
      return sealed
    },
    async open(context, sealed) {
      const id = keyIdOf(sealed)
      const key = (await ring.of('envelope')).find((one) => one.id === id)
      if (!key) throw new SealBroken()
      const plain = openWith(await ring.secret(key), context, sealed)
      uses.note(id, 'open')
      return plain
    },
    rotate: async (purpose, step) => infoOf(await rotate(purpose, step), 0),
    retire: async (id) => infoOf(await retire(id), (await uses.totals()).get(id) ?? 0),
    async rewrap() {
      const old = (await ring.all()).filter((key) => key.wrapped !== null && key.wrappedBy !== wrapper.name)
      const rewrapped = old.map(async (key) => {
        const wrapped = await wrapFor(wrapper, key, await ring.secret(key))
        return { id: key.id, wrapped, wrappedBy: wrapper.name }
      })
      await store.rewrap(await Promise.all(rewrapped))
      await ring.forget()
      return old.length
    },
    async list() {
      const [keys, totals] = await Promise.all([ring.all(), uses.totals()])
      return keys.map((key) => infoOf(key, totals.get(key.id) ?? 0))
    },
    async begin() {
      const keys = await ring.all()
      const isThere = (purpose: KeyPurpose) => keys.some((key) => key.purpose === purpose && key.state === 'active')
      await Promise.all(
        KEY_PURPOSES.filter((purpose) => !isThere(purpose)).map((purpose) => maker.make(purpose, 'active')),
      )
      await ring.forget()
    },
    async tick() {
      await uses.flush()
      await retireDue()
      const active = new Set((await ring.all()).flatMap(({ id, state }) => (state === 'active' ? id : [])))
      for (const id of objects.keys()) if (!active.has(id)) objects.delete(id)
    },
  }
}
