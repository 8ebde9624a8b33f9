import { execFileSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, privateDecrypt, publicEncrypt, verify, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { Refusal } from '#server/kernel/refusal.ts'
import type { OpenKeys } from '#server/keys/open.ts'
import { KEY_PURPOSES, type KeyPurpose, SealBroken } from '#server/keys/ports.ts'
import { verifySignature } from '#server/keys/software.ts'
import { configWith, DAY_MS, handClock, memoryStore, openWith } from './ground.ts'

const DATA = Buffer.from('SignedInfo')
const USAGE: Readonly<Record<Exclude<KeyPurpose, 'envelope'>, string>> = {
  'saml-signing': 'Digital Signature',
  'saml-encryption': 'Key Encipherment',
  audit: 'Digital Signature',
  'switch-ca': 'Certificate Sign, CRL Sign',
  'controller-ca': 'Certificate Sign, CRL Sign',
}
const refusal = (work: Promise<unknown>): Promise<Refusal> =>
  work.then(
    () => Promise.reject(new Error('It was not refused.')),
    (error: unknown) => (error instanceof Refusal ? error : Promise.reject(error as Error)),
  )

describe('a new installation', () => {
  const store = memoryStore()
  let keys: OpenKeys
  beforeAll(async () => {
    keys = await openWith({ store })
    return () => keys.close()
  })

  test('gets one active key for each purpose, all of them wrapped', async () => {
    const list = await keys.list()
    expect(list.map(({ purpose }) => purpose).toSorted()).toEqual(KEY_PURPOSES.toSorted())
    expect(list.every(({ state, inToken }) => state === 'active' && !inToken)).toBe(true)
    for (const { wrapped, wrappedBy } of store.rows) {
      expect(wrappedBy).toMatch(/^master:/)
      expect(() => createPrivateKey({ key: wrapped as Buffer, format: 'der', type: 'pkcs8' })).toThrow()
    }
  })

  test('signs SAML messages by RSA with SHA-256, under a certificate that signs itself', async () => {
    const signer = await keys.signer('saml-signing')
    const certificate = new X509Certificate(signer.certificate)
    expect(certificate.verify(createPublicKey(signer.publicKey))).toBe(true)
    expect(certificate.subject).toBe('CN=Weft test saml-signing')
    expect(certificate.ca).toBe(false)
    expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(3072)
    expect(verify('sha256', DATA, certificate.publicKey, await signer.sign(DATA))).toBe(true)
  })

  test('signs checkpoints of the audit log so that the public key verifies them', async () => {
    const signer = await keys.signer('audit')
    const signature = await signer.sign(DATA)
    expect(signature).toHaveLength(64)
    expect(verifySignature(signer, DATA, signature)).toBe(true)
    expect(verifySignature(signer, Buffer.from('signedInfo'), signature)).toBe(false)
    expect(verifySignature(await keys.signer('saml-signing'), DATA, signature)).toBe(false)
    expect(new X509Certificate(signer.certificate).verify(createPublicKey(signer.publicKey))).toBe(true)
  })

  test('opens what was encrypted to its certificate', async () => {
    const { active, others } = await keys.certificates('saml-encryption')
    expect(others).toEqual([])
    const sent = publicEncrypt(new X509Certificate(active).publicKey, DATA)
    const [key] = await keys.privateKeys('saml-encryption')
    expect(privateDecrypt(key as string, sent)).toEqual(DATA)
  })

  test('seals anything for any place', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.uint8Array({ maxLength: 2000 }), async (context, plain) => {
        const sealed = await keys.seal(context, Buffer.from(plain))
        expect(await keys.open(context, sealed)).toEqual(Buffer.from(plain))
        await expect(keys.open(`${context}x`, sealed)).rejects.toThrow(SealBroken)
      }),
      { numRuns: 40 },
    )
    await expect(keys.open('', Buffer.from('not sealed by anybody'))).rejects.toThrow(SealBroken)
    await expect(keys.open('', Buffer.alloc(0))).rejects.toThrow(SealBroken)
    await expect(keys.open('', Buffer.concat([Buffer.of(1), Buffer.alloc(60)]))).rejects.toThrow(SealBroken)
  })

  test('has certificates that OpenSSL takes in its strict mode', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'weft-keys-'))
    const now = String(handClock().now / 1000)
    for (const purpose of KEY_PURPOSES.filter((one) => one !== 'envelope')) {
      const file = path.join(folder, `${purpose}.pem`)
      await writeFile(file, (await keys.certificates(purpose)).active)
      const check = [
        'verify',
        '-x509_strict',
        '-check_ss_sig',
        '-partial_chain',
        '-attime',
        now,
        '-trusted',
        file,
        file,
      ]
      expect(execFileSync('openssl', check).toString()).toBe(`${file}: OK\n`)
      const usage = execFileSync('openssl', ['x509', '-noout', '-ext', 'keyUsage', '-in', file]).toString()
      expect(usage).toContain(USAGE[purpose])
    }
    await rm(folder, { recursive: true })
  })
})

describe('rotation', () => {
  test('publishes the next key first, then uses it, and goes on accepting the one before for its days', async () => {
    const [store, clock] = [memoryStore(), handClock()]
    const keys = await openWith({ store, clock })
    const before = await keys.signer('saml-signing')
    const signature = await before.sign(DATA)

    const next = await keys.rotate('saml-signing')
    expect(next.state).toBe('next')
    expect((await keys.signer('saml-signing')).keyId).toBe(before.keyId)
    expect(await keys.certificates('saml-signing')).toEqual({ active: before.certificate, others: [next.certificate] })

    expect(await keys.rotate('saml-signing', 'promote')).toMatchObject({ id: next.id, state: 'active' })
    expect((await keys.signer('saml-signing')).keyId).toBe(next.id)
    const [active, retiring] = await keys.verificationKeys('saml-signing')
    expect(active?.id).toBe(next.id)
    expect(retiring).toMatchObject({
      id: before.keyId,
      state: 'retiring',
      retiredAt: new Date(clock.now + 30 * DAY_MS),
    })
    expect(verify('sha256', DATA, retiring?.publicKey as string, signature)).toBe(true)

    clock.now += 30 * DAY_MS - 1
    await keys.tick()
    expect(await keys.verificationKeys('saml-signing')).toHaveLength(2)
    clock.now += 1
    await keys.tick()
    expect((await keys.verificationKeys('saml-signing')).map(({ id }) => id)).toEqual([next.id])
    expect(store.rows.find(({ id }) => id === before.keyId)).toMatchObject({ state: 'retired', wrapped: null })
    await keys.close()
  })

  test('keeps opening what was encrypted to the key before, and what is encrypted to the one that comes', async () => {
    const keys = await openWith({ store: memoryStore() })
    const old = await keys.certificates('saml-encryption')
    const sent = publicEncrypt(new X509Certificate(old.active).publicKey, DATA)
    const next = await keys.rotate('saml-encryption')
    const early = publicEncrypt(new X509Certificate(next.certificate as string).publicKey, DATA)
    expect(privateDecrypt((await keys.privateKeys('saml-encryption'))[1] as string, early)).toEqual(DATA)
    await keys.rotate('saml-encryption', 'promote')
    const [newest, older, ...more] = await keys.privateKeys('saml-encryption')
    expect(more).toEqual([])
    expect(privateDecrypt(newest as string, early)).toEqual(DATA)
    expect(privateDecrypt(older as string, sent)).toEqual(DATA)
    await keys.close()
  })

  test('goes step by step: no second next key, nothing to promote before there is one', async () => {
    const keys = await openWith({ store: memoryStore() })
    expect(await refusal(keys.rotate('saml-signing', 'promote'))).toMatchObject({
      ...{ code: 'conflict', errors: [{ rule: 'key.no-next' }] },
    })
    const made = await Promise.allSettled([keys.rotate('saml-signing'), keys.rotate('saml-signing')])
    expect(made.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(await refusal(keys.rotate('saml-signing'))).toMatchObject({ errors: [{ rule: 'key.next-is-there' }] })
    await keys.close()
  })

  test('of sealing keys is done at once, and what was sealed before opens for ever', async () => {
    const [store, clock] = [memoryStore(), handClock()]
    const keys = await openWith({ store, clock })
    const sealed = await keys.seal('totp/1', DATA)
    const fresh = await keys.rotate('envelope')
    expect(fresh.state).toBe('active')
    expect((await keys.seal('totp/1', DATA)).subarray(0, 17)).not.toEqual(sealed.subarray(0, 17))
    clock.now += 1000 * DAY_MS
    await keys.tick()
    expect(await keys.open('totp/1', sealed)).toEqual(DATA)
    const old = (await keys.list()).find(({ purpose, state }) => purpose === 'envelope' && state === 'retiring')
    expect(old?.retiredAt).toBeNull()
    expect(await refusal(keys.retire(old?.id as string))).toMatchObject({ errors: [{ rule: 'key.envelope' }] })
    await keys.close()
  })

  test('of audit keys is done at once; the public half of one that is gone verifies what it signed', async () => {
    const [store, clock] = [memoryStore(), handClock()]
    const keys = await openWith({ store, clock })
    const before = await keys.signer('audit')
    const signature = await before.sign(DATA)
    await keys.rotate('audit')
    clock.now += 31 * DAY_MS
    await keys.tick()
    const retired = (await keys.verificationKeys('audit')).find(({ id }) => id === before.keyId)
    expect(retired?.state).toBe('retired')
    expect(verifySignature({ publicKey: retired?.publicKey ?? null }, DATA, signature)).toBe(true)
    await keys.close()
  })

  test('a key that must not be trusted any more is ended before its date, but never the one in use', async () => {
    const keys = await openWith({ store: memoryStore() })
    const { keyId } = await keys.signer('saml-signing')
    expect(await refusal(keys.retire(keyId))).toMatchObject({ errors: [{ rule: 'key.active' }] })
    expect(await refusal(keys.retire('019ab000-0000-7000-8000-000000000000'))).toMatchObject({ code: 'not-found' })
    await keys.rotate('saml-signing')
    await keys.rotate('saml-signing', 'promote')
    expect(await keys.retire(keyId)).toMatchObject({ state: 'retired' })
    expect(await keys.verificationKeys('saml-signing')).toHaveLength(1)
    expect(await refusal(keys.retire(keyId))).toMatchObject({ errors: [{ rule: 'key.retired' }] })
    await keys.close()
  })
})

describe('the use log', () => {
  test('counts uses by key, day and operation, and writes them together', async () => {
    const [store, clock] = [memoryStore(), handClock()]
    const keys = await openWith({ store, clock })
    const signer = await keys.signer('audit')
    await signer.sign(DATA)
    await signer.sign(DATA)
    clock.now += DAY_MS
    await signer.sign(DATA)
    expect(store.written).toEqual([])
    const usesOf = async () => (await keys.list()).find(({ id }) => id === signer.keyId)?.uses
    expect(await usesOf()).toBe(3)
    await keys.tick()
    const mine = store.written.filter(({ keyId }) => keyId === signer.keyId)
    expect(mine.map(({ day, operation, count }) => [day, operation, count])).toEqual([
      ['2026-11-23', 'sign', 2],
      ['2026-11-24', 'sign', 1],
    ])
    expect(await usesOf()).toBe(3)
    await keys.close()
  })

  test('loses nothing while the database is away', async () => {
    const store = memoryStore()
    const keys = await openWith({ store })
    const { addUses } = store
    await (await keys.signer('audit')).sign(DATA)
    store.addUses = () => Promise.reject(new Error('away'))
    await expect(keys.tick()).rejects.toThrow('away')
    store.addUses = addUses
    await keys.tick()
    expect(store.written.reduce((sum, { count }) => sum + count, 0)).toBe(1)
    await keys.close()
  })
})

test('a service is opened again with the keys that are there', async () => {
  const [store, config] = [memoryStore(), configWith()]
  const first = await openWith({ store, config })
  const sealed = await first.seal('a', DATA)
  await first.close()
  const again = await openWith({ store, config })
  expect(await again.open('a', sealed)).toEqual(DATA)
  expect(store.rows).toHaveLength(KEY_PURPOSES.length)
  await again.close()
})
