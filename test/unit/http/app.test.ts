import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { FIELD_RIGHTS } from '#server/contract/base.ts'
import { contract } from '#server/contract/index.ts'
import { proceduresOf } from '#server/http/procedures.ts'
import { startConsole } from './ground.ts'

type Body = Record<string, unknown>
const json = async (answer: Response): Promise<Body> => (await answer.json()) as Body

/** Sends bytes as they are: `fetch` sets Host and Origin by itself. */
const sendRaw = (port: number, lines: readonly string[]) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`))
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })

describe('sign-in', () => {
  test('gives a __Host- cookie that scripts cannot read, and says who is signed in', async () => {
    const { enter, send } = await startConsole()
    expect((await send('GET', '/api/v1/session')).status).toBe(401)
    const { answer, headers } = await enter()
    expect(answer.status).toBe(201)
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Host-weft=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; Secure; SameSite=Lax$/,
    )
    const session = await json(await send('GET', '/api/v1/session', undefined, headers))
    expect(session).toMatchObject({ account: { name: 'admin', role: 'operator' }, product: { name: 'Weft' } })
    expect(JSON.stringify(session)).not.toContain('argon2')
  })

  test('tells the command line the id in a header, which is then a bearer', async () => {
    const { send, password } = await startConsole()
    const asked = { 'x-weft-session': 'header' }
    const answer = await send('POST', '/api/v1/session', { name: 'admin', password }, asked)
    const id = answer.headers.get('x-weft-session')
    const there = await send('GET', '/api/v1/session', undefined, { authorization: `Bearer ${id}` })
    expect(there.status).toBe(200)
  })

  test('never tells a page the id, whatever header a script in it sends', async () => {
    const { send, password } = await startConsole()
    const asked = { 'x-weft-session': 'header', 'sec-fetch-site': 'same-origin' }
    const answer = await send('POST', '/api/v1/session', { name: 'admin', password }, asked)
    expect([answer.status, answer.headers.get('x-weft-session')]).toEqual([201, null])
    expect(answer.headers.get('set-cookie')).toContain('HttpOnly')
  })

  test('sign-out ends the session at the server', async () => {
    const { enter, send } = await startConsole()
    const { headers } = await enter()
    const out = await send('DELETE', '/api/v1/session', undefined, headers)
    expect([out.status, await out.text()]).toEqual([204, ''])
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0')
    expect((await send('GET', '/api/v1/session', undefined, headers)).status).toBe(401)
  })

  test('a wrong name and a wrong password get the same answer; the sixth try has to wait', async () => {
    const { send } = await startConsole()
    const wrong = await json(await send('POST', '/api/v1/session', { name: 'admin', password: 'x' }))
    expect(await json(await send('POST', '/api/v1/session', { name: 'nobody', password: 'x' }))).toEqual(wrong)
    for (let round = 0; round < 4; round++) await send('POST', '/api/v1/session', { name: 'admin', password: 'x' })
    const limited = await send('POST', '/api/v1/session', { name: 'admin', password: 'x' })
    expect(limited.status).toBe(429)
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('the explorer of the API', () => {
  test('is served with a policy of its own, which lets nothing in from elsewhere', async () => {
    const { send } = await startConsole()
    const page = await send('GET', '/docs')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /)
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    const files = [...(await page.text()).matchAll(/(?:href|src)="(\/docs\/[^"]+)"/g)].map(([, file = '']) => file)
    expect(files).toHaveLength(4)
    for (const file of files) {
      const { status, headers } = await send('GET', file)
      expect([status, headers.get('content-type')]).toEqual([
        200,
        file.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8',
      ])
    }
    expect((await send('GET', '/docs/')).headers.get('location')).toBe('/docs')
    // Everything else below is a page like any other, which Next does not have.
    expect((await send('GET', '/docs/package.json')).headers.get('content-security-policy')).toContain('nonce-')
  })
})

describe('rights', () => {
  test('what one has no right to is refused and written down', async () => {
    const { person, send, audit, TENANT } = await startConsole()
    const { headers } = await person('auditor')
    const answer = await send('POST', '/api/v1/users', { name: 'x', role: 'auditor' }, headers)
    expect([answer.status, await json(answer)]).toMatchObject([403, { code: 'forbidden' }])
    expect((await send('GET', `/api/v1/tenants/${TENANT}`, undefined, headers)).status).toBe(200)
    expect(audit.lines.at(-1)).toMatchObject({ actor: 'auditor', action: 'users.create', outcome: 'refused' })
  })

  test('every write leaves a line, a read none, a stranger none but for sign-in', async () => {
    const { enter, send, audit, TENANT } = await startConsole()
    await send('POST', '/api/v1/users', {})
    await send('POST', '/api/v1/session', { name: 'mallory', password: 'x' })
    const { headers } = await enter()
    await send('GET', `/api/v1/tenants/${TENANT}`, undefined, headers)
    await send('POST', '/api/v1/tenants', { name: 'green' }, headers)
    await send('POST', '/api/v1/tenants', { name: 'Not A Name' }, headers)
    expect(audit.lines.map(({ actor, action, outcome }) => [actor, action, outcome])).toEqual([
      ['mallory', 'session.create', 'refused'],
      ['admin', 'session.create', 'done'],
      ['admin', 'tenants.create', 'done'],
      ['admin', 'tenants.create', 'refused'],
    ])
    expect(audit.lines[2]).toMatchObject({ subject: `tenant/${TENANT}`, address: '127.0.0.1' })
  })

  test('every decision is written down, about reads too, but those about strangers', async () => {
    const { enter, person, send, decisions, origin, TENANT } = await startConsole()
    await send('GET', '/api/v1/tenants')
    const { headers } = await enter()
    await send('GET', `/api/v1/tenants/${TENANT}`, undefined, headers)
    await send('POST', '/api/v1/tenants', { name: 'green' }, headers)
    const member = await person('tenant-member')
    await send('GET', '/api/v1/users', undefined, member.headers)
    const stream = await fetch(`${origin}/events`, { headers: member.headers })
    await stream.body?.cancel()
    const said = decisions.map(({ account, procedure, right, kind, allowed }) => [
      ...[account, procedure, right, kind, allowed],
    ])
    expect(said).toEqual([
      ['admin', 'tenants.get', 'tenant.read', 'read', true],
      ['admin', 'tenants.create', 'tenant.write', 'write', true],
      ['tenant-member', 'users.list', 'user.read', 'read', false],
      ['tenant-member', 'events', 'self', 'read', true],
    ])
    expect(decisions[0]?.because).toMatch(/^the role operator everywhere \(binding /)
    expect(decisions[2]?.because).toContain('tenant-member has no role with user.read')
  })

  test('a tenant role needs a tenant, another role none', async () => {
    const { enter, send } = await startConsole()
    const { headers } = await enter()
    const user = { name: 'x', role: 'tenant-member' }
    const answer = await json(await send('POST', '/api/v1/users', user, headers))
    expect(answer).toMatchObject({ status: 422, errors: [{ pointer: '/tenantId', rule: 'user.tenant' }] })
  })
})

describe('an account', () => {
  test('of a tenant, or of a provider, is not for when every provider is down; and a provider names its people', async () => {
    const { enter, person, send, stores } = await startConsole()
    const { headers } = await enter()
    await person('tenant-member')
    const member = await stores.accounts.byName('tenant-member')
    const change = async (patch: object) =>
      json(await send('PATCH', `/api/v1/users/${member?.id}`, patch, { ...headers, 'if-match': '"1"' }))
    const refused = (pointer: string, rule: string) => ({ status: 422, errors: [{ pointer, rule }] })
    expect(await change({ breakGlass: true })).toMatchObject(refused('/breakGlass', 'user.break-glass'))
    Object.assign(member ?? {}, { tenantId: null, providerName: 'norrdata' })
    expect(await change({ breakGlass: true })).toMatchObject(refused('/breakGlass', 'user.break-glass'))
    expect(await change({ displayName: 'Somebody' })).toMatchObject(refused('', 'user.provider'))
  })
})

describe('problems', () => {
  test.each([
    ['malformed JSON', 'POST', '/api/v1/tenants', '{"name":', 400, 'malformed'],
    ['a prototype in JSON', 'POST', '/api/v1/tenants', '{"__proto__":{}}', 400, 'malformed'],
    ['a body over its limit', 'POST', '/api/v1/users', { name: 'x'.repeat(5000) }, 413, 'too-large'],
    ['an unknown path', 'GET', '/api/v1/nothing', undefined, 404, 'not-found'],
    ['an id that is none', 'GET', '/api/v1/tenants/7', undefined, 404, 'not-found'],
    ['an unknown id', 'GET', '/api/v1/tenants/0190a0a0-0000-7000-8000-00000000ffff', undefined, 404, 'not-found'],
    ['another method', 'PUT', '/api/v1/tenants', {}, 405, 'method-not-allowed'],
    ['an out-of-range limit', 'GET', '/api/v1/tenants?limit=9999', undefined, 422, 'rule'],
  ])('%s', async (_name, method, path, body, status, code) => {
    const { enter, send } = await startConsole()
    const { headers } = await enter()
    const answer = await send(method, path, body, headers)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect([answer.status, await json(answer)]).toMatchObject([
      status,
      { status, code, type: `urn:weft:problem:${code}` },
    ])
  })

  test('every wrong field is named with pointer, rule and mend', async () => {
    const { enter, send } = await startConsole()
    const { headers } = await enter()
    const body = { name: 'Not A Name', quotas: { networks: -1, ports: 'many' }, colour: 'red' }
    const { errors } = await json(await send('POST', '/api/v1/tenants', body, headers))
    const found = (errors as { pointer: string; rule: string; mend: string }[]).map(({ pointer, rule }) => [
      pointer,
      rule,
    ])
    expect(found.sort()).toEqual([
      ['/colour', 'unknown-key'],
      ['/name', 'format'],
      ['/quotas/networks', 'minimum'],
      ['/quotas/ports', 'type'],
    ])
    for (const { mend } of errors as { mend: string }[]) expect(mend).not.toBe('')
  })

  test('another media type is 415', async () => {
    const { enter, send } = await startConsole()
    const { headers } = await enter()
    const answer = await send('POST', '/api/v1/tenants', 'name=x', { ...headers, 'content-type': 'text/plain' })
    expect(answer.status).toBe(415)
  })

  test('a fault of ours says nothing of its cause', async () => {
    const { enter, send } = await startConsole()
    const { headers } = await enter()
    const answer = await send('GET', '/api/v1/tenants?filter=fault', undefined, headers)
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('secret')
  })
})

describe('queries', () => {
  test('a field that is given twice is a list', async () => {
    const { enter, send } = await startConsole()
    const { headers } = await enter()
    const { next } = await json(
      await send('GET', '/api/v1/tenants?filter=a:eq:1&filter=b:eq:2&limit=5', undefined, headers),
    )
    expect(JSON.parse(String(next))).toMatchObject({ filter: ['a:eq:1', 'b:eq:2'], limit: 5 })
  })
})

describe('revisions', () => {
  test('absent 428, old 409, nonsense 400, right 200 with the new one as ETag', async () => {
    const { enter, send, TENANT } = await startConsole()
    const { headers } = await enter()
    const patch = (ifMatch?: string) =>
      send(
        'PATCH',
        `/api/v1/tenants/${TENANT}`,
        { displayName: 'R' },
        { ...headers, ...(ifMatch && { 'if-match': ifMatch }) },
      )
    expect((await patch()).status).toBe(428)
    expect((await patch('"2"')).status).toBe(409)
    expect((await patch('soon')).status).toBe(400)
    const done = await patch('"3"')
    expect([done.status, done.headers.get('etag')]).toEqual([200, '"4"'])
    expect((await patch('3')).status).toBe(200)
  })
})

describe('idempotency keys', () => {
  test('give the first answer again; for another request they are refused; another account has its own', async () => {
    const { enter, send } = await startConsole()
    const { headers } = await enter()
    const post = (name: string, key: string) =>
      send('POST', '/api/v1/tenants', { name }, { ...headers, 'idempotency-key': key })
    const first = await post('green', 'k1')
    const again = await post('green', 'k1')
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect(await json(again)).toEqual(await json(first))
    expect((await post('blue', 'k1')).status).toBe(422)
    expect((await json(await post('green', 'k2'))).displayName).toBe('number 2')
    expect((await post('green', 'not one key')).status).toBe(400)
  })
})

describe('who may not call', () => {
  test('a page of another origin cannot write with the cookie', async () => {
    const { enter, send, origin } = await startConsole()
    const { headers } = await enter()
    const strangers: Record<string, string>[] = [
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
    ]
    for (const foreign of strangers) {
      const answer = await send('POST', '/api/v1/tenants', { name: 'green' }, { ...headers, ...foreign })
      expect(answer.status).toBe(403)
    }
    const own = await send('POST', '/api/v1/tenants', { name: 'green' }, { ...headers, origin })
    expect(own.status).toBe(201)
  })

  test('a name that is not ours is refused, so that a rebound one reaches nothing', async () => {
    const { port } = await startConsole()
    expect(await sendRaw(port, ['GET /api/v1/session HTTP/1.1', 'Host: evil.example'])).toMatch(/^HTTP\/1\.1 400 /)
    expect(await sendRaw(port, ['GET /health HTTP/1.1', 'Host: evil.example'])).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('whoever asks from elsewhere', () => {
  test('other origins are given no leave to read', async () => {
    const { enter, send } = await startConsole()
    const { headers } = await enter()
    const from = { ...headers, origin: 'https://evil.example' }
    const read = await send('GET', '/api/v1/session', undefined, from)
    const asked = { ...from, 'access-control-request-method': 'POST' }
    const preflight = await send('OPTIONS', '/api/v1/session', undefined, asked)
    expect(preflight.status).toBeGreaterThanOrEqual(400)
    for (const answer of [read, preflight])
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
  })

  test('methods that nobody needs are not there', async () => {
    const { config } = await startConsole()
    const { port } = config.http
    for (const method of ['TRACE', 'CONNECT', 'PROPFIND']) {
      const answer = await sendRaw(port, [`${method} /sign-in HTTP/1.1`, `Host: 127.0.0.1:${port}`])
      expect(answer).not.toMatch(/^HTTP\/1.1 [23]/)
    }
  })
})

describe('pages', () => {
  test('come from the web server with a nonce of their own that it was told', async () => {
    const { send } = await startConsole()
    const [one, two] = [
      await send('GET', '/networks?x=1'),
      await send('GET', '/networks', undefined, { 'x-nonce': 'mine' }),
    ]
    const policy = one.headers.get('content-security-policy') ?? ''
    const { url, headers } = (await json(one)) as { url: string; headers: Record<string, string> }
    expect(url).toBe('/networks?x=1')
    expect(policy).toContain(`'nonce-${headers['x-nonce']}'`)
    expect(headers['content-security-policy']).toBe(policy)
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/script-src[^;]*unsafe/)
    const other = (await json(two)) as { headers: Record<string, string> }
    expect(other.headers['x-nonce']).not.toBe(headers['x-nonce'])
    expect(other.headers['x-nonce']).not.toBe('mine')
  })

  test('are not found by paths that lead elsewhere, and nobody fills the log with these', async () => {
    const { config } = await startConsole()
    const { port } = config.http
    for (const path of ['/../x', '/%2e%2e/x', '/a%2f..%2fb', '//evil.example/x', '/%zz']) {
      const answer = await sendRaw(port, [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`])
      expect(answer).toMatch(/^HTTP\/1.1 400 /)
      expect(answer).toMatch(/^x-content-type-options: nosniff/m)
      expect(answer).toContain('"code":"malformed"')
    }
  })

  test('and all else carry the security headers', async () => {
    const { send } = await startConsole()
    for (const path of ['/', '/api/v1/session', '/api/v1/nothing', '/health', '/metrics', '/events']) {
      const { headers } = await send('GET', path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
  })

  test('while the web server is away a page says so and tries again', async () => {
    const { send, web } = await startConsole()
    web.close()
    const answer = await send('GET', '/')
    expect(answer.status).toBe(503)
    expect(await answer.text()).toContain('http-equiv="refresh"')
  })
})

describe('events', () => {
  test('are for people who are signed in', async () => {
    const { send } = await startConsole()
    const answer = await send('GET', '/events')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([401, 'application/problem+json'])
  })

  test('arrive as they happen, and from the last id on', async () => {
    const { enter, send, events } = await startConsole()
    const { headers } = await enter()
    const read = async (lastId?: string) => {
      const answer = await send('GET', '/events', undefined, { ...headers, ...(lastId && { 'last-event-id': lastId }) })
      const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
      const decoder = new TextDecoder()
      let text = ''
      return {
        until: async (word: string) => {
          while (!text.includes(word)) text += decoder.decode((await reader.read()).value, { stream: true })
          return text
        },
        close: () => reader.cancel(),
      }
    }
    const first = await read()
    await first.until('retry')
    events.publish({ topic: 'network', kind: 'created', ref: 'a', tenantId: null })
    const text = await first.until('"ref":"a"')
    expect(text).toMatch(/^id: e1-1$/m)
    await first.close()
    events.publish({ topic: 'network', kind: 'created', ref: 'b', tenantId: null })
    const second = await read('e1-1')
    expect(await second.until('"ref":"b"')).not.toContain('"ref":"a"')
    await second.close()
  })
})

describe('machines', () => {
  test('read health and metrics', async () => {
    const { send } = await startConsole()
    expect(await json(await send('GET', '/health'))).toMatchObject({ status: 'ok', parts: { database: true } })
    expect(await (await send('GET', '/metrics')).text()).toContain('weft_process_resident_memory_bytes')
    for (const name of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via'])
      expect((await send('GET', '/metrics', undefined, { [name]: '203.0.113.9' })).status).toBe(403)
  })

  test('with a token configured need it even on loopback', async () => {
    const token = 'sixteen letters or more'.replaceAll(' ', '-')
    const { send } = await startConsole({ WEFT_METRICS_TOKEN: token })
    expect((await send('GET', '/metrics')).status).toBe(403)
    expect((await send('GET', '/metrics', undefined, { authorization: `Bearer ${token}` })).status).toBe(200)
  })

  test('read the whole API as OpenAPI, with right and revision of every procedure', async () => {
    const { send } = await startConsole()
    const document = (await json(await send('GET', '/api/v1/openapi.json'))) as {
      openapi: string
      paths: Record<string, Record<string, { 'x-weft-right': string; parameters?: { name: string }[] }>>
    }
    expect(document.openapi).toMatch(/^3\.1/)
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
    expect(operations.length).toBeGreaterThan(40)
    for (const operation of operations) expect(operation['x-weft-right']).toBeTypeOf('string')
    const names = document.paths['/networks/{id}']?.patch?.parameters?.map(({ name }) => name)
    expect(names).toContain('If-Match')
  })

  test('read which rules look at several fields', async () => {
    const { send } = await startConsole()
    const document = (await json(await send('GET', '/api/v1/openapi.json'))) as {
      paths: Record<string, Record<string, { 'x-weft-rules'?: { rule: string; fields: string[]; words: string }[] }>>
    }
    const rules = document.paths['/subnets']?.post?.['x-weft-rules'] ?? []
    expect(rules.map(({ rule }) => rule)).toContain('subnet.gateway')
    expect(rules.find(({ rule }) => rule === 'subnet.gateway')?.fields).toEqual(['subnet.gateway', 'subnet.prefix'])
  })

  test('read of each field what it asks for beyond the right', async () => {
    const { send } = await startConsole()
    interface Described {
      readonly 'x-weft-right'?: string
      readonly description?: string
    }
    interface Body {
      readonly content: Record<string, { readonly schema: { readonly properties: Record<string, Described> } }>
    }
    const document = (await json(await send('GET', '/api/v1/openapi.json'))) as {
      paths: Record<string, Record<string, { requestBody?: Body; responses: Record<string, Body> }>>
    }
    const fieldsOf = (body: Body | undefined) => body?.content['application/json']?.schema.properties ?? {}
    const marks = proceduresOf(contract).flatMap(({ path, method, meta }) => {
      const operation = document.paths[path]?.[method.toLowerCase()]
      const given = fieldsOf(operation?.requestBody)
      const shown = fieldsOf(operation?.responses['200'])
      const pairs = (rights: typeof meta.fields, fields: Record<string, Described>) =>
        Object.entries(rights ?? {}).map(([name, right]) => ({ name, right, field: fields[name] }))
      return [...pairs(meta.fields, given), ...pairs(meta.shown, shown)]
    })
    expect(marks.length).toBeGreaterThan(20)
    for (const { name, right, field } of marks) {
      expect(field?.['x-weft-right'], name).toBe(right)
      expect(field?.description?.split(FIELD_RIGHTS[right]), name).toHaveLength(2)
    }
    const shipping = fieldsOf(document.paths['/audit/shipping']?.get?.responses['200']).destinations
    expect(shipping).toMatchObject({ 'x-weft-right': 'everywhere' })
  })
})
