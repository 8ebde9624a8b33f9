import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError, type KeyConfig } from '#server/config.ts'
import { KEY_PURPOSES } from '#server/keys/ports.ts'
import { configWith, memoryStore, openWith, warnings } from './ground.ts'

const DATA = Buffer.from('a secret')
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'weft-keys-'))
})
afterEach(() => rm(folder, { recursive: true }))

const at = (name: string) => path.join(folder, name)
const fileConfig = (name: string, given = false): KeyConfig => configWith({ master: { file: at(name), given } })

async function keyFile(name: string): Promise<string> {
  await writeFile(at(name), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
  return at(name)
}

/** The problems for which the service does not open; the store must come out as it was. */
async function problemsOf(store: ReturnType<typeof memoryStore>, config: KeyConfig): Promise<string> {
  const before = [...store.rows]
  const error = await openWith({ store, config }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ConfigError)
  expect(store.rows).toEqual(before)
  return (error as ConfigError).problems.join('\n')
}

describe('without a configured key', () => {
  test('the first start makes a master key that its owner alone may read, and the next one uses it', async () => {
    const [store, config] = [memoryStore(), fileConfig('state/master-key')]
    const first = await openWith({ store, config })
    const sealed = await first.seal('a', DATA)
    await first.close()
    expect((await stat(at('state/master-key'))).mode & 0o777).toBe(0o600)
    expect(await readdir(at('state'))).toEqual(['master-key'])
    const again = await openWith({ store, config })
    expect(await again.open('a', sealed)).toEqual(DATA)
    await again.close()
  })

  test('two that start at once agree on one key', async () => {
    const config = fileConfig('master-key')
    const all = await Promise.all([0, 1, 2].map(() => openWith({ store: memoryStore(), config })))
    for (const one of all) await one.close()
    expect(await readdir(folder)).toEqual(['master-key'])
  })

  test('a master key that is gone is not made anew over keys that it wraps', async () => {
    const [store, config] = [memoryStore(), fileConfig('master-key')]
    await (await openWith({ store, config })).close()
    await rm(at('master-key'))
    expect(await problemsOf(store, config)).toMatch(/master key of this installation is missing.*put back the file/)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('a configured key', () => {
  test('that is not the one of the keys is refused by the name of its variable, and what mends it', async () => {
    const store = memoryStore()
    await (await openWith({ store })).close()
    const [wrong, file] = [randomBytes(32), await keyFile('other')]
    const byValue = await problemsOf(store, configWith({ master: { key: wrong } }))
    expect(byValue).toMatch(/^WEFT_MASTER_KEY: this is not the master key .* put that one back/)
    expect(byValue).not.toContain(wrong.toString('base64'))
    const byFile = await problemsOf(store, configWith({ master: { file, given: true } }))
    expect(byFile).toMatch(/^WEFT_MASTER_KEY_FILE: this is not the master key /)
    expect(byFile).toContain(file)
  })

  test('in a file that is not there, or holds something else, is refused', async () => {
    expect(await problemsOf(memoryStore(), fileConfig('nowhere', true))).toMatch(
      /nowhere: there is no such file.*make one/,
    )
    await writeFile(at('short'), 'c2hvcnQ=\n')
    expect(await problemsOf(memoryStore(), fileConfig('short', true))).toMatch(/short: it is not 32 bytes in base64/)
    expect(await problemsOf(memoryStore(), configWith({ previousMaster: at('nowhere') }))).toMatch(
      /^WEFT_PREVIOUS_MASTER_KEY_FILE=.*there is no such file/,
    )
  })

  test('that others may read is used, with a warning', async () => {
    const { lines, log } = warnings()
    await chmod(await keyFile('shared'), 0o644)
    await (await openWith({ store: memoryStore(), config: fileConfig('shared', true), log })).close()
    expect(lines.flat().join()).toContain(`others may read the master key in ${at('shared')}`)
  })
})

test('a row that was changed, or put in another’s place, is found at the start', async () => {
  const [store, config] = [memoryStore(), configWith()]
  await (await openWith({ store, config })).close()
  const whole = [...store.rows]
  const [one, other] = whole
  if (!one || !other) throw new Error('There are no keys.')
  store.rows = whole.map((key) => (key === one ? { ...key, wrapped: other.wrapped } : key))
  expect(await problemsOf(store, config)).toContain(`the key ${one.id} (${one.purpose}) was changed in the database`)
  const changed = Buffer.from(one.wrapped as Buffer)
  changed[20] = (changed[20] ?? 0) ^ 1
  store.rows = whole.map((key) => (key === one ? { ...key, wrapped: changed } : key))
  expect(await problemsOf(store, config)).toContain('was changed in the database')
})

test('a master key is changed while everything stays readable: the old one opens until all is wrapped anew', async () => {
  const store = memoryStore()
  const [old, fresh] = [await keyFile('old'), await keyFile('fresh')]
  const before = await openWith({ store, config: configWith({ master: { file: old, given: true } }) })
  const sealed = await before.seal('a', DATA)
  const { keyId } = await before.signer('saml-signing')
  await before.close()

  const both = configWith({ master: { file: fresh, given: true }, previousMaster: old })
  const moving = await openWith({ store, config: both })
  expect(await moving.open('a', sealed)).toEqual(DATA)
  expect(await moving.rewrap()).toBe(KEY_PURPOSES.length)
  expect(await moving.rewrap()).toBe(0)
  expect(await moving.open('a', sealed)).toEqual(DATA)
  await moving.close()

  const after = await openWith({ store, config: configWith({ master: { file: fresh, given: true } }) })
  expect(await after.open('a', sealed)).toEqual(DATA)
  expect((await after.signer('saml-signing')).keyId).toBe(keyId)
  await after.close()
  expect(await problemsOf(store, configWith({ master: { file: old, given: true } }))).toContain('not the master key')
  expect(await readFile(old, 'utf8')).not.toBe(await readFile(fresh, 'utf8'))
})

test('a token that cannot be used is named with what is wrong', async () => {
  const token = { module: '/no/such/library.so', label: 'weft', pin: { text: 'hunter2' } }
  const problems = await problemsOf(memoryStore(), configWith({ token }))
  expect(problems).toMatch(/^WEFT_PKCS11_MODULE: .*\/no\/such\/library\.so/)
  expect(problems).not.toContain('hunter2')
  const unread = await problemsOf(memoryStore(), configWith({ token: { ...token, pin: { file: at('pin') } } }))
  expect(unread).toMatch(/^WEFT_PKCS11_PIN_FILE=/)
})

test('keys in a token are not replaced when the token is not configured any more', async () => {
  const [store, config] = [memoryStore(), configWith()]
  await (await openWith({ store, config })).close()
  const moved = { wrapped: null, wrappedBy: null, tokenLabel: 'weft-saml-signing-1' }
  store.rows = store.rows.map((key) => (key.purpose === 'saml-signing' ? { ...key, ...moved } : key))
  expect(await problemsOf(store, config)).toBe(
    'WEFT_PKCS11_MODULE: the key for saml-signing is in a token, which is not configured; configure it again',
  )
  store.rows = store.rows.map((key) => (key.purpose === 'audit' ? { ...key, wrappedBy: 'token:weft-kek-1' } : key))
  expect(await problemsOf(store, config)).toContain('WEFT_PKCS11_TOKEN: keys are wrapped by token:weft-kek-1')
})
