import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { noticeHandlers } from '#server/api/notices.ts'
import type { StoredNotice } from '#server/identity/notices/ports.ts'
import { ground } from './ground.ts'

describe('login', () => {
  test('keeps the session in a file of one’s own, and logout ends it', async () => {
    const { weft, login, state } = await ground()
    expect((await weft('session', 'show')).code).toBe(4)
    expect(await login()).toMatchObject({ code: 0 })
    const kept = path.join(state, 'main', 'session')
    expect(statSync(kept).mode & 0o777).toBe(0o600)
    expect(readFileSync(kept, 'utf8')).not.toContain('$argon2')
    const { out } = await weft('session', 'show', '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({ account: { name: 'admin' } })
    expect((await weft('logout')).code).toBe(0)
    expect((await weft('session', 'show')).code).toBe(4)
  })

  test('says how many notices are unread, and the list says of what', async () => {
    const at = new Date('2026-11-28T22:04:00Z')
    const notice: StoredNotice = {
      ...{ id: '0190a0a0-0000-7000-8000-0000000000aa', kind: 'sign-in.failed', what: '', by: null, endsAt: null },
      ...{ addresses: ['198.51.100.7'], methods: ['password'], times: 3, firstAt: at, lastAt: at, state: 'unread' },
    }
    const asked: unknown[] = []
    const list = async (_account: string, query: unknown) => {
      asked.push(query)
      return { items: [notice], next: null }
    }
    const { weft, login } = await ground({ notices: noticeHandlers({ list, read: async () => 0 }) })
    expect((await login()).out).toContain('1 unread notice of your account: ./weft notice list\n')
    expect(asked).toMatchObject([{ filter: 'state:eq:unread' }])
    expect((await weft('notice', 'list')).out).toMatch(/3 tries to sign in as you failed .*By password\. From 198/)
  })

  test('with a wrong password ends with 4', async () => {
    const { weft, file } = await ground()
    const { code, err } = await weft('login', 'admin', '--password-file', file('wrong', 'x'))
    expect([code, err]).toMatchObject([4, expect.stringContaining('Name or password is wrong.')])
  })
})

describe('nouns and verbs', () => {
  test('create, list, and delete by name', async () => {
    const { weft, login } = await ground()
    await login()
    expect((await weft('user', 'create', 'bob', '--role', 'auditor')).code).toBe(0)
    expect((await weft('user', 'list')).out).toMatch(/^NAME .*\n(.*\n)?bob .*auditor/m)
    expect((await weft('user', 'delete', 'bob')).code).toBe(0)
    const gone = await weft('user', 'delete', 'bob')
    expect([gone.code, gone.err.trim()]).toEqual([5, 'There is no user bob.'])
  })

  test('send the revision that is there now, or the one that is given', async () => {
    const { weft, login, TENANT } = await ground()
    await login()
    const done = await weft('tenant', 'update', TENANT, '--display-name', 'R', '-o', 'json')
    expect([done.code, JSON.parse(done.out)]).toMatchObject([0, { displayName: 'R', revision: 4 }])
    const old = await weft('tenant', 'update', TENANT, '--display-name', 'R', '--revision', '2')
    expect([old.code, old.err]).toMatchObject([6, expect.stringContaining('Read it again')])
  })

  test('say what is wrong with which field', async () => {
    const { weft, login } = await ground()
    await login()
    const { code, err } = await weft('tenant', 'create', 'Not A Name')
    expect(code).toBe(3)
    expect(err).toContain('/name: ')
  })
})

describe('usage', () => {
  test.each([
    [['nonsense']],
    [['network', 'create', 'web']],
    [['network', 'list', '--limit', 'many']],
    [['user', 'create', 'x', '--role', 'king']],
    [['session', 'show', '-o', 'xml']],
  ])('%j ends with 2', async (args) => {
    const { weft, login } = await ground()
    await login()
    const { code, out } = await weft(...args)
    expect([code, out]).toEqual([2, ''])
  })

  test('wrong configuration is named at once and ends with 2', async () => {
    const { weft } = await ground()
    expect(await weft('--instance', 'far too long', 'session', 'show')).toMatchObject({
      code: 2,
      err: expect.stringContaining('WEFT_INSTANCE=far too long'),
    })
  })

  test('a console that is not there ends with 1 and says what to do', async () => {
    const { run } = await ground()
    const { code, err } = await run({ WEFT_URL: 'http://127.0.0.1:1' }, 'session', 'show')
    expect([code, err]).toEqual([1, expect.stringContaining('`./weft up` starts it.')])
  })

  test('help is everywhere', async () => {
    const { weft } = await ground()
    for (const args of [
      ['--help'],
      ['network', '--help'],
      ['network', 'create', '--help'],
      ['openflow', 'decode', '--help'],
    ]) {
      const { code, out } = await weft(...args)
      expect([code, out]).toMatchObject([0, expect.stringContaining('Usage: weft')])
    }
  })
})
