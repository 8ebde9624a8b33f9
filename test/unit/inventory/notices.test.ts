import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { noticeDesk } from '#server/identity/notices/notices.ts'
import { noticeView } from '#server/identity/notices/words.ts'
import type { AccountRecord, Moved } from '#server/identity/ports.ts'
import { sessionKeeper } from '#server/identity/sessions.ts'
import { accountStore } from '#server/inventory/accounts.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { noticeStore } from '#server/inventory/notices.ts'
import { sessionStore } from '#server/inventory/sessions.ts'
import { tokenStore } from '#server/inventory/tokens.ts'
import { systemClock } from '#server/kernel/clock.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'

vi.setConfig({ testTimeout: 20_000, hookTimeout: 30_000 })

const DAY_MS = 86_400_000
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase()
}, 30_000)
afterAll(() => database?.close())

let number = 0
async function person(): Promise<AccountRecord> {
  number += 1
  const name = `person-${number}`
  const made = { name, displayName: name, role: 'operator', tenantId: null, passwordHash: '$argon2id$' }
  return accountStore(database).create(EVERYTHING, made)
}

const store = () => noticeStore(database)
const told = async ({ id }: AccountRecord, filter?: string) =>
  (await store().list(id, { limit: 500, ...(filter && { filter }) })).items.map(noticeView)

/** People who sign in at a time that the test says. */
function desk() {
  let now_ms = Date.now()
  const clock = { ...systemClock, now_ms: () => now_ms }
  const faults: Error[] = []
  const notices = noticeDesk({ store: store(), clock, onFault: (error) => void faults.push(error) })
  const limits = { idle_ms: DAY_MS, absolute_ms: DAY_MS, fresh_ms: 600_000, secondFactor: 'optional' as const }
  const sessions = notices.watching(sessionKeeper(sessionStore(database), limits, clock))
  const signIn = (account: AccountRecord, address = '192.0.2.1', agent = FIREFOX) =>
    sessions.begin(account, { address, agent }, { method: 'password' })
  const pass = (days: number) => {
    now_ms += days * DAY_MS
  }
  return { notices, signIn, pass, faults }
}

describe('notices', () => {
  test('are seen by their person alone, and marked as read by them alone', async () => {
    const [anna, bert] = [await person(), await person()]
    await store().add(anna.id, { kind: 'password.changed', addresses: ['192.0.2.1'] })
    const [notice] = await told(anna)
    expect(notice).toMatchObject({ title: 'Your password was changed', state: 'unread', severity: 'warn', doubt: true })
    expect(await told(bert)).toEqual([])
    expect(await store().read(bert.id, notice?.id, undefined)).toBe(0)
    const everybodys = (account: string) =>
      database.inScope(EVERYTHING, async (tx) => {
        await tx.$queryRaw`SELECT set_config('weft.account', ${account}, true)`
        return tx.$queryRaw<unknown[]>`SELECT * FROM notice`
      })
    expect([await everybodys(''), await everybodys(bert.id)]).toEqual([[], []])
    expect(await store().read(anna.id, notice?.id, undefined)).toBe(1)
    expect(await told(anna)).toMatchObject([{ state: 'read' }])
    expect(await told(anna, 'state:eq:unread')).toEqual([])
  })

  test('that were not read are counted, not repeated; one that was read is followed by another', async () => {
    const anna = await person()
    const passkey = { kind: 'passkey.added', what: 'grey key', subject: 'a' } as const
    await store().add(anna.id, { ...passkey, addresses: ['192.0.2.1'] })
    await store().add(anna.id, { ...passkey, addresses: ['192.0.2.2'] })
    await store().add(anna.id, { ...passkey, subject: 'b' })
    expect((await told(anna)).map(({ times, addresses }) => [times, addresses])).toEqual([
      [1, []],
      [2, ['192.0.2.2', '192.0.2.1']],
    ])
    expect(await store().read(anna.id, undefined, undefined)).toBe(2)
    await store().add(anna.id, passkey)
    expect(await told(anna, 'state:eq:unread')).toMatchObject([{ times: 1 }])
  })

  test('what happened while somebody read stays unread', async () => {
    const anna = await person()
    await store().add(anna.id, { kind: 'codes.set-up' })
    const [seen] = await told(anna)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await store().add(anna.id, { kind: 'codes.removed' })
    expect(await store().read(anna.id, undefined, new Date(seen?.lastAt ?? ''))).toBe(1)
    expect(await told(anna, 'state:eq:unread')).toMatchObject([{ kind: 'codes.removed' }])
  })

  test('are two hundred at most, and gone ninety days after they were read', async () => {
    const [anna, bert] = [await person(), await person()]
    for (let round = 0; round < 203; round++)
      await store().add(anna.id, { kind: 'token.made', subject: `${round}`, what: `t${round}` })
    const kept = await told(anna)
    expect([kept.length, kept[0]?.title]).toEqual([200, 'The API token t202 was made'])
    const { notices, pass } = desk()
    await store().add(bert.id, { kind: 'codes.set-up' })
    await store().read(bert.id, undefined, undefined)
    pass(89)
    await notices.tidy()
    expect(await told(bert)).toHaveLength(1)
    pass(2)
    await notices.tidy()
    expect([await told(bert), (await told(anna)).length]).toEqual([[], 200])
  })

  test('leave with the account', async () => {
    const anna = await person()
    await store().add(anna.id, { kind: 'codes.set-up' })
    await accountStore(database).remove(EVERYTHING, anna.id)
    const { rows } = await database.engine.query('SELECT * FROM notice WHERE account_id = $1', [anna.id])
    expect(rows).toEqual([])
  })

  test('are heard of as they are written and read, whoever does so', async () => {
    const anna = await person()
    const heard: Moved[] = []
    const end = database.moves.subscribe((moved) => void heard.push(moved))
    const mine = () => heard.filter((one) => one.kind === 'notice' && one.keys.includes(anna.id)).length
    await vi.waitUntil(() => database.moves.attentive, { timeout: 10_000 })
    await store().add(anna.id, { kind: 'codes.set-up' })
    await vi.waitUntil(() => mine() > 0)
    heard.length = 0
    await store().read(anna.id, undefined, undefined)
    await vi.waitUntil(() => mine() > 0)
    end()
  })

  test('of somebody who is gone stop nobody', async () => {
    const { notices, faults } = desk()
    await notices.tell(randomUUID(), { kind: 'codes.set-up' })
    expect(faults).toHaveLength(1)
  })
})

describe('tries that fail', () => {
  test('are there when their person signs in, as one notice with a count, where they came from and by what', async () => {
    const { notices, signIn } = desk()
    const anna = await person()
    for (let round = 0; round < 1000; round++)
      notices.tries.failed({ name: anna.name }, round % 2 ? 'password' : 'code', `198.51.100.${round % 3}`)
    notices.tries.failed({ name: 'nobody-at-all' }, 'password', '198.51.100.7')
    await signIn(anna)
    for (const address of ['198.51.100.1', '203.0.113.5']) notices.tries.failed({ id: anna.id }, 'passkey', address)
    await signIn(anna)
    expect(await told(anna)).toMatchObject([
      {
        ...{ kind: 'sign-in.failed', title: '1002 tries to sign in as you failed', times: 1002, severity: 'warn' },
        ...{ addresses: ['198.51.100.1', '203.0.113.5', '198.51.100.0', '198.51.100.2'] },
        words: expect.stringMatching(/^By passkey, code and password\. From 198\.51\.100\.1, /),
      },
    ])
    const { rows } = await database.engine.query("SELECT * FROM notice WHERE addresses @> '{198.51.100.7}'")
    expect(rows).toEqual([])
  })

  test('with the right password are told for themselves', async () => {
    const { notices, signIn } = desk()
    const anna = await person()
    notices.tries.half(anna.id, 'password', '198.51.100.1')
    await signIn(anna)
    expect(await told(anna)).toMatchObject([
      { severity: 'bad', words: 'From 198.51.100.1. Whoever it was knows your password.', href: '/settings' },
    ])
  })
})

describe('a sign-in', () => {
  test('from somewhere new is told, the first one ever and a newer version of the same browser are not', async () => {
    const { signIn } = desk()
    const anna = await person()
    await signIn(anna)
    await signIn(anna, '192.0.2.99', FIREFOX.replaceAll('140.0', '141.0.2'))
    expect(await told(anna)).toEqual([])
    await signIn(anna, '198.51.100.4')
    await signIn(anna, '192.0.2.1', 'curl/8.5.0')
    expect((await told(anna)).map(({ title, words }) => [title, words])).toEqual([
      ['You signed in from somewhere new', 'With curl, by password. From 192.0.2.1.'],
      ['You signed in from somewhere new', 'With Firefox on Linux, by password. From 198.51.100.4.'],
    ])
    await signIn(anna, '198.51.100.9')
    await signIn(anna, '2001:db8:1:2::1')
    await signIn(anna, '2001:db8:1:ffff::2')
    expect(await told(anna)).toHaveLength(3)
  })

  test('after a long time is told', async () => {
    const { signIn, pass } = desk()
    const anna = await person()
    await signIn(anna)
    pass(59)
    await signIn(anna)
    expect(await told(anna)).toEqual([])
    pass(61)
    await signIn(anna)
    expect(await told(anna)).toMatchObject([{ kind: 'sign-in.after-long', title: 'You signed in after a long time' }])
  })

  test('goes on where its notice cannot be written', async () => {
    const { notices } = desk()
    const faults: string[] = []
    const anna = await person()
    const broken = noticeDesk({
      store: { ...store(), signedIn: () => Promise.reject(new Error('full')) },
      clock: systemClock,
      onFault: ({ message }) => void faults.push(message),
    })
    const limits = { idle_ms: DAY_MS, absolute_ms: DAY_MS, fresh_ms: 600_000, secondFactor: 'optional' as const }
    const sessions = broken.watching(sessionKeeper(sessionStore(database), limits))
    const { caller } = await sessions.begin(anna, { address: '192.0.2.1', agent: FIREFOX })
    expect([caller.account.id, faults]).toEqual([anna.id, ['full']])
    await notices.close()
  })

  test('is compared with fifty places at most', async () => {
    const { signIn } = desk()
    const anna = await person()
    for (let round = 0; round < 53; round++) await signIn(anna, `10.0.${round}.1`)
    const { rows } = await database.engine.query('SELECT * FROM known_browser WHERE account_id = $1', [anna.id])
    expect(rows).toHaveLength(50)
  })
})

describe('a token that ends', () => {
  const token = (account: AccountRecord, name: string, days: number) =>
    tokenStore(database).create({
      ...{ accountId: account.id, name, hash: randomUUID(), prefix: 'weft_x', rights: ['network.read'] },
      ...{ tenantId: null, siteId: null, expiresAt: new Date(Date.now() + days * DAY_MS) },
    })

  test('is told of seven days before, and again one day before, once each, also after that was read', async () => {
    const { notices, pass } = desk()
    const anna = await person()
    const { expiresAt } = await token(anna, 'nightly', 30)
    const ends = async () => {
      await notices.tidy()
      return (await told(anna)).map(({ title, endsAt, state, doubt }) => [title, endsAt, state, doubt])
    }
    expect(await ends()).toEqual([])
    pass(22)
    expect(await ends()).toEqual([])
    pass(1.5)
    const first = ['The API token nightly ends soon', expiresAt, 'unread', false]
    expect(await ends()).toEqual([first])
    await store().read(anna.id, undefined, undefined)
    expect(await ends()).toEqual([first.with(2, 'read')])
    pass(6)
    expect(await ends()).toEqual([first, first.with(2, 'read')])
    pass(2)
    expect(await ends()).toHaveLength(2)
  })

  test('and was made for a shorter time is not', async () => {
    const { notices, pass } = desk()
    const anna = await person()
    await token(anna, 'for an hour', 0.05)
    await token(anna, 'for three days', 3)
    await notices.tidy()
    expect(await told(anna)).toEqual([])
    pass(2.5)
    await notices.tidy()
    expect(await told(anna)).toMatchObject([{ title: 'The API token for three days ends soon' }])
  })
})
