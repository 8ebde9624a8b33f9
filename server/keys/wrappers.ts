import { readFile } from 'node:fs/promises'
import { ConfigError, type KeyConfig } from '#server/config.ts'
import { masterWrapper } from './master.ts'
import { isOpenToOthers, makeMasterKey, readMasterKey } from './master-key.ts'
import type { KeyToken, StoredKey, Wrapper } from './ports.ts'
import { TokenError } from './token/protocol.ts'
import { openKeyToken, wrappingKeyOf } from './token/token.ts'

/** What opens the keys of this installation. */
export interface Custody {
  /** The first one wraps new keys; all open old ones. */
  readonly wrappers: readonly [Wrapper, ...Wrapper[]]
  readonly token: KeyToken | undefined
}

const FILE_MEND = 'put back the file that belongs to this database, or name it in WEFT_MASTER_KEY_FILE'

/** What is wrong when a token cannot be used, and what mends it. */
const TOKEN_PROBLEMS: Readonly<Record<string, string>> = {
  binding: 'WEFT_PKCS11_MODULE: needs the optional package pkcs11js, which is built with python3, make and g++',
  module: 'WEFT_PKCS11_MODULE',
  token: 'WEFT_PKCS11_TOKEN',
  pin: 'WEFT_PKCS11_PIN or WEFT_PKCS11_PIN_FILE',
  key: 'WEFT_PKCS11_TOKEN: this is not the token that the keys of this installation are wrapped with',
}

async function openToken(config: KeyConfig['token'], wrappingKey: string | undefined): Promise<KeyToken | undefined> {
  if (!config) return undefined
  const { module, label, pin } = config
  const read = async () => {
    if ('text' in pin) return pin.text
    return (
      await readFile(pin.file, 'utf8').catch((error: Error) => {
        throw new ConfigError([`WEFT_PKCS11_PIN_FILE=${pin.file}: ${error.message}`])
      })
    ).trim()
  }
  try {
    return await openKeyToken({ module, label, pin: await read() }, wrappingKey)
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    throw new ConfigError([`${TOKEN_PROBLEMS[error.code] ?? 'WEFT_PKCS11_MODULE: no answer'}: ${error.message}`])
  }
}

/** The key of a file; undefined where there is none. */
async function fromFile(variable: string, file: string, warn: (words: string) => void): Promise<Buffer | undefined> {
  const key = await readMasterKey(file).catch((error: Error) => {
    throw new ConfigError([`${variable}=${file}: ${error.message}; ${FILE_MEND}`])
  })
  if (key && (await isOpenToOthers(file))) warn(`others may read the master key in ${file}: chmod 600 it`)
  return key
}

interface Need {
  /** Keys are there that a master key wraps. */
  readonly master: boolean
  /** No key is there at all. */
  readonly nothing: boolean
}

async function openMaster(
  { master, token }: KeyConfig,
  need: Need,
  warn: (words: string) => void,
): Promise<Wrapper | undefined> {
  if ('key' in master) return masterWrapper(master.key)
  const { file, given } = master
  const key = await fromFile('WEFT_MASTER_KEY_FILE', file, warn)
  if (key) return masterWrapper(key)
  if (given)
    throw new ConfigError([
      `WEFT_MASTER_KEY_FILE=${file}: there is no such file; ${
        need.nothing ? 'make one with `openssl rand -base64 32`, readable by you alone' : FILE_MEND
      }`,
    ])
  if (need.master)
    throw new ConfigError([
      `WEFT_MASTER_KEY_FILE: the master key of this installation is missing, ${file} is not there; ${FILE_MEND}`,
    ])
  return token ? undefined : masterWrapper(await makeMasterKey(file))
}

async function openPrevious(file: string | undefined, warn: (words: string) => void): Promise<Wrapper | undefined> {
  if (file === undefined) return undefined
  const key = await fromFile('WEFT_PREVIOUS_MASTER_KEY_FILE', file, warn)
  if (!key) throw new ConfigError([`WEFT_PREVIOUS_MASTER_KEY_FILE=${file}: there is no such file`])
  return masterWrapper(key)
}

/**
 * Opens the token and reads the master key, as far as configured. Makes a master key where there is no key yet at all.
 * Throws `ConfigError` that says what is wrong and what mends it.
 */
export async function openCustody(
  config: KeyConfig,
  keys: readonly StoredKey[],
  warn: (words: string) => void,
): Promise<Custody> {
  const wrappedBy = keys.flatMap((key) => key.wrappedBy ?? [])
  const need = { master: wrappedBy.some((name) => name.startsWith('master:')), nothing: wrappedBy.length === 0 }
  const master = await openMaster(config, need, warn)
  const previous = await openPrevious(config.previousMaster, warn)
  const token = await openToken(config.token, wrappedBy.map(wrappingKeyOf).find(Boolean))
  const [first, ...more] = [token, master, previous].filter((one) => one !== undefined)
  if (!first) throw new Error('Neither a token nor a master key is there.')
  return { wrappers: [first, ...more], token }
}
