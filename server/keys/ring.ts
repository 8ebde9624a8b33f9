import { type KeyPurpose, type KeyState, type KeyStore, SealBroken, type StoredKey, type Wrapper } from './ports.ts'

/** What wrapping binds a key to: no row's key can be put into another row. */
const contextOf = ({ id, purpose }: Pick<StoredKey, 'id' | 'purpose'>): string => `key/${id}/${purpose}`

export const wrapFor = (wrapper: Wrapper, key: Pick<StoredKey, 'id' | 'purpose'>, secret: Buffer): Promise<Buffer> =>
  wrapper.wrap(contextOf(key), secret)

const ORDER: readonly KeyState[] = ['active', 'next', 'retiring', 'retired']

/** The keys of the database, read when needed, and their secret halves, unwrapped into memory alone. */
export function keyRing(store: Pick<KeyStore, 'all'>, wrappers: readonly Wrapper[]) {
  let rows: Promise<StoredKey[]> | undefined
  const secrets = new Map<string, Promise<Buffer>>()

  const all = (): Promise<StoredKey[]> => {
    rows ??= store.all().catch((error: unknown) => {
      rows = undefined
      throw error
    })
    return rows
  }

  async function unwrap(key: StoredKey): Promise<Buffer> {
    const wrapper = wrappers.find(({ name }) => name === key.wrappedBy)
    if (!wrapper || key.wrapped === null) throw new SealBroken()
    return wrapper.unwrap(contextOf(key), key.wrapped)
  }

  return {
    all,
    /** Keys of a purpose, the active one first, then the next, then those that retire; newest first among them. */
    async of(purpose: KeyPurpose): Promise<StoredKey[]> {
      const found = (await all()).filter((key) => key.purpose === purpose)
      return found.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))
    },
    /** The secret half of a key that is wrapped. Throws `SealBroken`. */
    secret(key: StoredKey): Promise<Buffer> {
      const known = secrets.get(key.id)
      if (known) return known
      const unwrapped = unwrap(key)
      secrets.set(key.id, unwrapped)
      unwrapped.catch(() => secrets.delete(key.id))
      return unwrapped
    },
    /** Something changed: rows are read again, and the secrets of keys that were retired are let go. */
    async forget(): Promise<void> {
      rows = undefined
      const held = new Set((await all()).filter(({ wrapped }) => wrapped !== null).map(({ id }) => id))
      for (const id of secrets.keys()) if (!held.has(id)) secrets.delete(id)
    },
  }
}
export type KeyRing = ReturnType<typeof keyRing>
