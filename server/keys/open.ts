import type { Logger } from 'pino'
import { ConfigError, type KeyConfig } from '#server/config.ts'
import type { Clock } from '#server/kernel/clock.ts'
import { keyMaker } from './make.ts'
import { type KeyService, type KeyStore, SealBroken, type StoredKey } from './ports.ts'
import { type KeyRing, keyRing } from './ring.ts'
import { keyService } from './service.ts'
import { countUses } from './uses.ts'
import { type Custody, openCustody } from './wrappers.ts'

const TICK_MS = 30_000
const EXPIRY_WARNED_MS = 60 * 86_400_000

export interface KeyParts {
  readonly config: KeyConfig
  readonly store: KeyStore
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn' | 'info'>
  /** Of the installation, for certificates. */
  readonly name: string
}

export interface OpenKeys extends KeyService {
  /** Retires what is due and writes the use log; done by itself from time to time. */
  tick(): Promise<void>
  close(): Promise<void>
}

/** Where a key is wrapped with, in words. */
function missing({ master }: KeyConfig, { wrappedBy }: StoredKey): string {
  if (wrappedBy?.startsWith('token:'))
    return `WEFT_PKCS11_TOKEN: keys are wrapped by ${wrappedBy}, and no such token is configured; configure it again`
  const [variable, holder] = 'key' in master ? ['WEFT_MASTER_KEY', 'it'] : ['WEFT_MASTER_KEY_FILE', master.file]
  const wanted = wrappedBy?.replace('master:', '')
  return `${variable}: this is not the master key that the keys of the database are wrapped with (${holder} should have the check value ${wanted}); put that one back, or name it in WEFT_PREVIOUS_MASTER_KEY_FILE and then wrap anew with \`./weft key rewrap\``
}

/** Throws `ConfigError` unless every key that is in use can be used: new ones are never made in the place of keys that are there. */
async function check(config: KeyConfig, keys: readonly StoredKey[], ring: KeyRing, custody: Custody): Promise<void> {
  const problems = new Set<string>()
  for (const key of keys) {
    const { id, state, wrapped, wrappedBy, tokenLabel, purpose } = key
    if (tokenLabel !== null && (state === 'active' || state === 'next') && !custody.token)
      problems.add(
        `WEFT_PKCS11_MODULE: the key for ${purpose} is in a token, which is not configured; configure it again`,
      )
    if (wrapped === null) continue
    if (!custody.wrappers.some(({ name }) => name === wrappedBy)) problems.add(missing(config, key))
    else
      await ring.secret(key).catch((error: unknown) => {
        if (!(error instanceof SealBroken)) throw error
        problems.add(`the key ${id} (${purpose}) was changed in the database: restore the table \`key\` from a backup`)
      })
  }
  if (problems.size > 0) throw new ConfigError([...problems])
}

/** Opens the keys of an installation, and makes those that it has none of yet. Throws `ConfigError`. */
export async function openKeys({ config, store, clock, log, name }: KeyParts): Promise<OpenKeys> {
  const keys = await store.all()
  const custody = await openCustody(config, keys, (words) => log.warn(words))
  const { token, wrappers } = custody
  const [wrapper] = wrappers
  const ring = keyRing(store, wrappers)
  const uses = countUses(store, clock)
  const maker = keyMaker({ store, wrapper, token, clock, name })
  const { begin, tick, ...service } = keyService({
    ...{ store, ring, maker, uses, wrapper, token, clock, overlap_ms: config.overlap_ms },
  })
  try {
    await check(config, keys, ring, custody)
    await begin()
  } catch (error) {
    await token?.close()
    throw error
  }
  const expiring = (await service.list()).filter(
    ({ state, notAfter }) =>
      state === 'active' && notAfter !== null && notAfter.getTime() < clock.now_ms() + EXPIRY_WARNED_MS,
  )
  for (const { purpose, notAfter } of expiring)
    log.warn({ purpose, notAfter }, 'a certificate ends soon: rotate its key')
  const timer = setInterval(() => tick().catch((error: Error) => log.warn({ err: error }, 'keys')), TICK_MS)
  return {
    ...service,
    tick,
    async close() {
      clearInterval(timer)
      await tick().catch((error: Error) => log.warn({ err: error }, 'keys'))
      await token?.close()
    },
  }
}
