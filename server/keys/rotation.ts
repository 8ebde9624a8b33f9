import type { Clock } from '#server/kernel/clock.ts'
import { notFound, Refusal, type RefusalDetail } from '#server/kernel/refusal.ts'
import type { KeyMaker } from './make.ts'
import type { KeyPurpose, KeyStore, KeyToken, StoredKey } from './ports.ts'
import type { KeyRing } from './ring.ts'

/** Others must learn of the next key before it counts. */
const IN_TWO_STEPS: readonly KeyPurpose[] = ['saml-signing', 'saml-encryption', 'switch-ca', 'controller-ca']

export interface RotationParts {
  readonly store: KeyStore
  readonly ring: KeyRing
  readonly maker: KeyMaker
  readonly token: KeyToken | undefined
  readonly clock: Clock
  /** How long a key that was replaced is still accepted. */
  readonly overlap_ms: number
}

const refuse = (pointer: string, rule: string, message: string, mend: string): Refusal => {
  const detail: RefusalDetail = { pointer, rule, message, mend }
  return new Refusal('conflict', message, [detail])
}

/** How keys follow each other. */
export function rotation({ store, ring, maker, token, clock, overlap_ms }: RotationParts) {
  const find = async (id: string): Promise<StoredKey | undefined> => (await ring.all()).find((key) => key.id === id)
  const nextOf = async (purpose: KeyPurpose) => (await ring.of(purpose)).find(({ state }) => state === 'next')

  async function prepare(purpose: KeyPurpose): Promise<StoredKey> {
    const made = (await nextOf(purpose)) ? undefined : await maker.make(purpose, 'next')
    await ring.forget()
    if (made) return made
    throw refuse(
      ...(['/step', 'key.next-is-there', `The next key for ${purpose} is there already.`] as const),
      'Put it in use with the step `promote`, or retire it first.',
    )
  }

  async function promote(purpose: KeyPurpose): Promise<StoredKey> {
    const next = await nextOf(purpose)
    const retiresAt = purpose === 'envelope' ? null : new Date(clock.now_ms() + overlap_ms)
    const promoted = next && (await store.promote(next.id, retiresAt))
    await ring.forget()
    const key = promoted ? await find(next.id) : undefined
    if (key) return key
    throw refuse(
      ...(['/step', 'key.no-next', `There is no next key for ${purpose}.`] as const),
      'Make one with the step `prepare`, and let others learn of it first.',
    )
  }

  /** The row goes first: what cannot be removed from the token is of no use to anybody any more. */
  async function end(key: StoredKey): Promise<void> {
    const ended = await store.retire(key.id, new Date(clock.now_ms()))
    await ring.forget()
    if (ended && key.tokenLabel !== null) await token?.destroy(key.tokenLabel)
  }

  return {
    async rotate(purpose: KeyPurpose, step: 'prepare' | 'promote' = 'prepare'): Promise<StoredKey> {
      if (step === 'promote') return promote(purpose)
      if (IN_TWO_STEPS.includes(purpose)) return prepare(purpose)
      if (!(await nextOf(purpose))) await prepare(purpose)
      return promote(purpose)
    },
    async retire(id: string): Promise<StoredKey> {
      const key = await find(id)
      if (!key) throw notFound('key')
      if (key.state === 'active')
        throw refuse('/id', 'key.active', 'The key is in use.', 'Put another one in use first: prepare, then promote.')
      if (key.state === 'retired')
        throw refuse('/id', 'key.retired', 'The key is retired already.', 'Nothing is left to do.')
      if (key.purpose === 'envelope' && key.state === 'retiring')
        throw refuse('/id', 'key.envelope', 'Secrets are sealed with the key.', 'Keep it: without it they are lost.')
      await end(key)
      return (await find(id)) ?? key
    },
    /** Retires what is past its date. Keys that seal secrets stay, since they open what was sealed before. */
    async retireDue(): Promise<void> {
      await ring.forget()
      const now_ms = clock.now_ms()
      const due = (await ring.all()).filter(
        ({ state, retiredAt }) => state === 'retiring' && retiredAt !== null && retiredAt.getTime() <= now_ms,
      )
      for (const key of due) await end(key)
    },
  }
}
