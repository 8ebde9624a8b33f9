import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { childEnvironment, ROOT, readConfig } from '#server/config.ts'
import { accountStore } from '#server/inventory/accounts.ts'
import { recentAlerts } from '#server/inventory/alerts.ts'
import { auditLog } from '#server/inventory/audit.ts'
import { totpStore } from '#server/inventory/credentials.ts'
import { type Database, EVERYTHING, openDatabase } from '#server/inventory/database.ts'
import { sessionStore } from '#server/inventory/sessions.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { claimInstance } from '#server/supervisor/instance.ts'
import { startPostgres } from '#server/supervisor/postgres.ts'
import { recover } from '#server/supervisor/recover.ts'
import { openSignIn } from '#server/wiring-sign-in.ts'
import { checkPassword, openSeal } from '#test/unit/identity/credential-stores.ts'

const root = mkdtempSync(path.join(tmpdir(), 'weft-recover-'))
const environment = { WEFT_STATE: root, WEFT_INSTANCE: 'rcv', WEFT_LOCAL_SIGN_IN: 'break-glass' }
const config = readConfig({}, environment)
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Runs `work` with the installation's database, as the engine has it. */
async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const claim = await claimInstance(config)
  const postgres = await startPostgres({ data: path.join(config.state, 'database'), run: config.run })
  claim.note('PostgreSQL', postgres.pid)
  const database = openDatabase(config.database.urls)
  try {
    return await work(database)
  } finally {
    await database.close()
    await postgres.stop()
    claim.release()
  }
}

const from = { address: '127.0.0.1', agent: 'test', origin: 'http://localhost', note: {} }
async function signIn(database: Database, name: string, password: string, code?: string) {
  const warnings: string[] = []
  const audit = auditLog(database)
  const { signIn: local } = openSignIn({
    ...{ config, database, accounts: accountStore(database), audit, keys: openSeal, checkPassword },
    ...{ publish: () => undefined, warn: (words) => void warnings.push(words), endSession: async () => undefined },
    limits: { reached: async () => undefined },
  })
  const { caller } = await local.signIn({ name, password, code }, from)
  return { caller, warnings }
}

/** Both ways by which operators sign in, and neither works. */
const closedProviders = `INSERT INTO identity_provider (id, name, display_name, protocol, state, closed_reason, issuer) VALUES
  (gen_random_uuid(), 'a', 'A', 'saml', 'closed', 'metadata-expired', 'https://a'),
  (gen_random_uuid(), 'b', 'B', 'oidc', 'closed', 'operator', 'https://b')`

describe('recovery on the host', () => {
  test('is refused where there is no installation', async () => {
    await expect(recover(config, { account: 'admin', withoutFactors: false })).rejects.toThrow(
      'There is no installation',
    )
  })

  describe('with the engine down and every provider closed', () => {
    beforeAll(() => mkdirSync(config.state, { recursive: true, mode: 0o700 }))

    test('makes an operator who can sign in, loudly, and says so in the chained log', async () => {
      const { password, file, made } = await recover(config, { account: 'admin', withoutFactors: false })
      expect(made).toBe(true)
      expect(readFileSync(file, 'utf8').trim()).toBe(password)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      await withDatabase(async (database) => {
        await database.engine.query(closedProviders)
        const { caller, warnings } = await signIn(database, 'admin', password)
        expect(caller).toMatchObject({
          method: 'password',
          account: { breakGlass: true },
          access: { role: 'operator' },
          owes: ['password'],
        })
        expect(warnings).toEqual([expect.stringContaining('break-glass')])
        const { items } = await auditLog(database).list(EVERYTHING, { conditions: [], limit: 10 })
        expect(items.map(({ action }) => action)).toEqual(['session.break-glass', 'session.recover'])
        expect(items.every(({ subject }) => subject === `user/${caller.account.id}`)).toBe(true)
        expect((await recentAlerts(database, 0)).map(({ kind }) => kind)).toEqual(['break-glass', 'recovery'])
        const chained = await database.engine.query('SELECT count(*)::int AS n FROM audit WHERE hash IS NOT NULL')
        expect(chained.rows).toEqual([{ n: 2 }])
      })
    })

    test('lets a disabled one in again, without its rights, sessions and factors of before', async () => {
      const lost = await withDatabase(async (database) => {
        const account = await accountStore(database).byName('admin')
        if (!account) throw new Error('There is no operator.')
        await sessionStore(database).insert({
          ...{
            hash: 'h',
            id: account.id,
            accountId: account.id,
            method: 'password',
            providerId: null,
            endsAt_ms: null,
          },
          ...{ tenantId: null, siteId: null, address: '::1', agent: 'x', authenticatedAt_ms: 1 },
          ...{ provedNetworks: ['this host'], provedAgent: 'x' },
          ...{ createdAt_ms: Date.now(), seenAt_ms: Date.now() },
        })
        const store = totpStore(database)
        await store.propose(account.id, Buffer.alloc(20))
        await store.confirm(account.id, 1)
        await database.engine.query('DELETE FROM role_binding WHERE account_id = $1', [account.id])
        await database.engine.query(
          `UPDATE account SET break_glass = false, password_hash = NULL, state = 'disabled' WHERE id = $1`,
          [account.id],
        )
        return account.id
      })
      const kept = await recover(config, { account: 'admin', withoutFactors: false })
      expect(kept).toMatchObject({ made: false, codes: true })
      const { password, codes } = await recover(config, { account: 'admin', withoutFactors: true })
      expect(codes).toBe(false)
      await withDatabase(async (database) => {
        await expect(signIn(database, 'admin', kept.password)).rejects.toMatchObject({ code: 'unauthenticated' })
        const { caller } = await signIn(database, 'admin', password)
        expect(caller).toMatchObject({ account: { id: lost, state: 'active' }, access: { role: 'operator' } })
        expect(await sessionStore(database).find('h')).toBeUndefined()
      })
    })

    test('is a command, which leaves nothing running', () => {
      const argv = ['server/cli/main.ts', 'recover', '--account', 'second']
      const env = childEnvironment(environment)
      const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd: ROOT, env, encoding: 'utf8' })
      expect([status, stderr]).toEqual([0, ''])
      const [, password = ''] = /Sign in as second with (\S+) /.exec(stdout) ?? []
      expect(readFileSync(path.join(config.state, 'second-password'), 'utf8').trim()).toBe(password)
      expect(() => statSync(path.join(config.state, 'processes.json'))).toThrow()
      expect(() => statSync(path.join(config.state, 'database', 'postmaster.pid'))).toThrow()
    })

    test('is refused for an account of a tenant', async () => {
      await withDatabase(async (database) => {
        const quotas = { networks: 1, ports: 1 }
        const { id: tenantId } = await tenantStore(database).create(EVERYTHING, { name: 'red', quotas })
        const role = 'tenant-administrator'
        const rita = { name: 'rita', displayName: 'Rita', role, tenantId, passwordHash: '' }
        await accountStore(database).create(EVERYTHING, rita)
      })
      await expect(recover(config, { account: 'rita', withoutFactors: false })).rejects.toThrow('account of a tenant')
    })
  })

  test('works beside an engine that runs, and ends its sessions there', async () => {
    await withDatabase(async (database) => {
      const first = await recover(config, { account: 'admin', withoutFactors: true })
      const { caller } = await signIn(database, 'admin', first.password)
      const { password, sessions } = await recover(config, { account: 'admin', withoutFactors: false })
      expect(sessions).toBe(1)
      expect(await sessionStore(database).find(caller.session)).toBeUndefined()
      await signIn(database, 'admin', password)
    })
  })

  test.runIf(process.getuid?.() === 0)('is for the user who owns the installation', async () => {
    chownSync(config.state, 12_345, 12_345)
    await expect(recover(config, { account: 'admin', withoutFactors: false })).rejects.toThrow('user of number 12345')
    chownSync(config.state, 0, 0)
  })
})
