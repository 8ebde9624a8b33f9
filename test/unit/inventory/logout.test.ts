import { randomBytes, randomUUID } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LogoutRun } from '#server/identity/federation/logout-ports.ts'
import { logoutRunStore, logoutSessions } from '#server/inventory/logout.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import './fixture.ts'

const IDP = 'https://weft.example.org/saml/idp/metadata'
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'

let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase()
}, 30_000)
afterAll(() => database?.close())

const put = (text: string, ...values: unknown[]) => database.engine.query(text, values)
const unique = (word: string) => `${word}-${randomBytes(4).toString('hex')}`

async function provider(): Promise<string> {
  const [id, name] = [uuidv7(), unique('idp')]
  await put(
    `INSERT INTO identity_provider (id, name, display_name, protocol, issuer) VALUES ($1, $2, 'Provider', 'saml', $3)`,
    ...[id, name, `https://${name}.example`],
  )
  return id
}

async function console(entityId = `https://${unique('sp')}.example`): Promise<{ id: string; entityId: string }> {
  const id = uuidv7()
  await put(
    `INSERT INTO service_provider (id, name, display_name, entity_id, metadata) VALUES ($1, $2, 'Firewall', $3, '<x/>')`,
    ...[id, unique('console'), entityId],
  )
  return { id, entityId }
}

async function account(): Promise<{ id: string; name: string }> {
  const [id, name] = [uuidv7(), unique('alice')]
  await put(`INSERT INTO account (id, name, display_name) VALUES ($1, $2, $2)`, id, name)
  return { id, name }
}

/** A session; with `name`, one that the provider knows by it. */
async function session(
  accountId: string,
  known?: { provider: string; name: string; index?: string; format?: string; qualifier?: string },
): Promise<string> {
  const hash = randomBytes(32).toString('hex')
  await put(
    `INSERT INTO session (hash, account_id, address, agent, created_at, seen_at) VALUES ($1, $2, '', '', clock_timestamp(), now())`,
    hash,
    accountId,
  )
  if (known)
    await put(
      `INSERT INTO saml_session (session_hash, provider_id, name_id, name_id_format, name_qualifier, session_index, authn_instant)
       VALUES ($1, $2, $3, $4, $5, $6, now())`,
      ...[hash, known.provider, known.name, known.format ?? PERSISTENT, known.qualifier ?? '', known.index ?? ''],
    )
  return hash
}

const enter = (hash: string, consoleId: string, name: string, index: string) =>
  put(
    'INSERT INTO console_session (session_hash, service_provider_id, name_id, session_index) VALUES ($1, $2, $3, $4)',
    ...[hash, consoleId, name, index],
  )

describe('sessions', () => {
  const found = () => logoutSessions(database, IDP)

  test('come with their account, their provider and their consoles', async () => {
    const [idp, firewall, alice] = [await provider(), await console(), await account()]
    const hash = await session(alice.id, { provider: idp, name: 'alice', index: '_1', qualifier: 'https://q.example' })
    await enter(hash, firewall.id, '_pairwise', '_2')
    expect(await found().byHash(hash)).toEqual({
      ...{ hash, account: { ...alice, tenantId: null } },
      provider: {
        ...{ id: idp, displayName: 'Provider', sessionIndex: '_1' },
        nameId: { value: 'alice', format: PERSISTENT, nameQualifier: 'https://q.example', spNameQualifier: '' },
      },
      consoles: [
        {
          ...{ id: firewall.id, displayName: 'Firewall', sessionIndex: '_2' },
          nameId: {
            ...{ value: '_pairwise', format: PERSISTENT },
            ...{ nameQualifier: IDP, spNameQualifier: firewall.entityId },
          },
        },
      ],
    })
    expect(await found().byHash('0'.repeat(64))).toBeUndefined()
  })

  test('of people who signed in here have no provider', async () => {
    const hash = await session((await account()).id)
    expect(await found().byHash(hash)).toMatchObject({ provider: undefined, consoles: [] })
  })

  test('are found by the name that their own provider gave', async () => {
    const [one, other, alice] = [await provider(), await provider(), await account()]
    const first = await session(alice.id, { provider: one, name: 'alice', index: '_1' })
    const second = await session(alice.id, { provider: one, name: 'alice', index: '_2', format: 'urn:x' })
    await session(alice.id, { provider: other, name: 'alice' })
    await session(alice.id, { provider: one, name: 'Alice' })
    expect((await found().ofProvider(one, 'alice')).map(({ hash }) => hash)).toEqual([first, second])
    expect(await found().ofProvider(one, 'nobody')).toEqual([])
  })

  test('are found by the name that a console has, with the other consoles in them', async () => {
    const [firewall, balancer, alice] = [await console(), await console(), await account()]
    const [first, second] = [await session(alice.id), await session(alice.id)]
    await enter(first, firewall.id, '_alice', '_1')
    await enter(first, balancer.id, '_other', '_2')
    await enter(second, firewall.id, '_alice', '_3')
    const sessions = await found().ofConsole(firewall.id, '_alice')
    expect(sessions.map(({ hash, consoles }) => [hash, consoles.map(({ sessionIndex }) => sessionIndex)])).toEqual([
      [first, ['_1', '_2']],
      [second, ['_3']],
    ])
    expect(await found().ofConsole(balancer.id, '_alice')).toEqual([])
  })
})

describe('a logout on its way', () => {
  const runs = () => logoutRunStore(database)
  let run: LogoutRun
  beforeEach(async () => {
    run = {
      ...{ id: `_${randomUUID()}`, browserHash: null, beganBy: { kind: 'here' }, account: null, asked: null },
      participants: [
        {
          ...{ side: 'console', id: uuidv7(), displayName: 'Firewall', sessionIndexes: ['_1'], outcome: 'waiting' },
          nameId: { value: 'ö <&>', format: PERSISTENT, nameQualifier: '', spNameQualifier: '' },
          reason: null,
        },
      ],
      expiresAt_ms: Date.now() + 60_000,
    }
    await runs().insert(run)
  })

  test('is kept as it is, until it is over', async () => {
    expect(await runs().find(run.id, Date.now())).toEqual(run)
    expect(await runs().find(run.id, run.expiresAt_ms)).toBeUndefined()
    expect((await runs().takeExpired(run.expiresAt_ms)).map(({ id }) => id)).toContain(run.id)
    expect(await runs().find(run.id, Date.now())).toBeUndefined()
  })

  test('belongs to the first browser that comes', async () => {
    const bound = await Promise.all(['a', 'b', 'c'].map((browser) => runs().bind(run.id, browser)))
    expect(bound.filter(Boolean)).toHaveLength(1)
    const { browserHash } = (await runs().find(run.id, Date.now())) ?? {}
    expect(browserHash).toBe(['a', 'b', 'c'][bound.indexOf(true)])
  })

  test('goes on by one of several answers to the same request', async () => {
    const asked = { requestId: `_${randomUUID()}`, participant: 0 }
    await runs().save({ ...run, asked })
    expect(await runs().findAsked(asked.requestId, Date.now())).toEqual({ ...run, asked })
    expect(await runs().claim(run.id, '_another')).toBe(false)
    const claimed = await Promise.all(Array.from({ length: 8 }, () => runs().claim(run.id, asked.requestId)))
    expect(claimed.filter(Boolean)).toHaveLength(1)
    expect(await runs().findAsked(asked.requestId, Date.now())).toBeUndefined()
    expect(await runs().find(run.id, Date.now())).toEqual(run)
  })
})
