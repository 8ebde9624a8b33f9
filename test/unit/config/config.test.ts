import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  ConfigError,
  childEnvironment,
  configVariables,
  portShift,
  ROOT,
  readConfig,
  secretVariables,
  toolEnvironment,
} from '#server/config.ts'

const problemsOf = (environment: Record<string, string>, overrides = {}): readonly string[] => {
  try {
    readConfig(overrides, environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('an empty environment', () => {
  const config = readConfig({}, {})

  test('listens on loopback at the well-known ports', () => {
    expect([config.http.host, config.openflow.host, config.ovsdb.host]).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1'])
    expect([config.http.port, config.openflow.port, config.ovsdb.port]).toEqual([3000, 6653, 6640])
    expect(config.http.origin).toBe('http://127.0.0.1:3000')
  })

  test('keeps its state beside the program, with an embedded database under three roles', () => {
    expect(config.state).toBe(path.join(ROOT, '.weft', 'main'))
    expect(existsSync(path.join(ROOT, 'package.json'))).toBe(true)
    expect(config.database.embedded).toBe(true)
    const users = Object.values(config.database.urls).map((url) => new URL(url).username)
    expect(users).toEqual(['weft_owner', 'weft_app', 'weft_engine'])
  })

  test('makes the operator admin, takes codes while they are shown, and knows no list of breached passwords', () => {
    expect([config.signIn.firstOperator, config.signIn.totpStepsApart]).toEqual(['admin', 0])
    expect(config.passwords.breached).toBeUndefined()
    const set = { WEFT_FIRST_OPERATOR: 'ines', WEFT_TOTP_STEPS_APART: '1', WEFT_BREACHED_PASSWORDS: 'pwned.txt' }
    const { signIn, passwords } = readConfig({}, set)
    expect([signIn.firstOperator, signIn.totpStepsApart]).toEqual(['ines', 1])
    expect(passwords.breached).toBe(path.resolve('pwned.txt'))
  })

  test('takes RSA keys of others from 3072 bits on', () => {
    expect(readConfig({}, {}).metadata.rsaBits).toBe(3072)
  })

  test('variables that are set to nothing count as not set', () => {
    expect(readConfig({}, { WEFT_PORT: '', WEFT_DATABASE_URL: '' }).http.port).toBe(3000)
  })
})

describe('wrong values', () => {
  test('are named all at once', () => {
    const problems = problemsOf({ WEFT_PORT: '70000', WEFT_LOG_LEVEL: 'loud', WEFT_INSTANCE: 'Too Long' })
    expect(problems.map((problem) => problem.split('=')[0])).toEqual(['WEFT_INSTANCE', 'WEFT_PORT', 'WEFT_LOG_LEVEL'])
  })

  test.each([
    ['WEFT_FIRST_OPERATOR', 'Ines Example', 'a to z'],
    ['WEFT_FIRST_OPERATOR', '../ines', 'a to z'],
    ['WEFT_OUTBOUND', 'idp.example.net,https://x', 'https://x is none of'],
    ['WEFT_TOTP_STEPS_APART', '2', '0 or 1'],
    ['WEFT_TOTP_STEPS_APART', 'some', '0 or 1'],
  ])('such as %s=%s are named with what is taken', (name, value, words) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name}=.*${words}`))])
  })

  test('never show a secret', () => {
    const [problem] = problemsOf({ WEFT_DATABASE_URL: 'mysql://root:hunter2@db/weft' })
    expect(problem).toMatch(/^WEFT_DATABASE_URL: /)
    expect(problem).not.toContain('hunter2')
  })

  test.each([
    [{ WEFT_HOST: '0.0.0.0' }, 'WEFT_TLS_CERTIFICATE'],
    [{ WEFT_TLS_KEY: 'key.pem' }, 'without the other'],
    [{ WEFT_TRUSTED_PROXY: '10.0.0.1' }, 'WEFT_ORIGIN'],
    [{ WEFT_HOST: '0.0.0.0', WEFT_TLS_CERTIFICATE: 'c.pem', WEFT_TLS_KEY: 'k.pem' }, 'WEFT_ORIGIN'],
    [
      { WEFT_OUTBOUND: 'idp.example.net', WEFT_AUDIT_SYSLOG: 'tcp://log.example.net:601' },
      'log.example.net:601 is none',
    ],
    [{ WEFT_OUTBOUND: '10.0.0.0/8', WEFT_AUDIT_SYSLOG: 'tcp://log.example.net:601' }, 'name it there as well'],
    [{ WEFT_SESSION_IDLE_MINUTES: '60', WEFT_SESSION_MINUTES: '30' }, 'longer than'],
    [{ WEFT_RSA_BITS: '1024' }, 'WEFT_RSA_BITS=1024'],
    [{ WEFT_SWITCH_TLS_CERTIFICATE: 'c.pem', WEFT_SWITCH_TLS_KEY: 'k.pem' }, 'needs all three'],
  ])('%j contradicts the rest', (environment, words) => {
    expect(problemsOf(environment as Record<string, string>).join()).toContain(words)
  })

  test('connections may be confined to places, of which what is configured has to be one', () => {
    expect(readConfig({}, {}).outbound).toBeUndefined()
    const places = 'idp.example.net:443, *.corp.example, 10.0.0.0/8:514'
    expect(readConfig({}, { WEFT_OUTBOUND: places }).outbound).toEqual([
      ...[{ name: 'idp.example.net', port: 443 }, { below: 'corp.example' }, { range: '10.0.0.0/8', port: 514 }],
    ])
    for (const syslog of ['unix:/dev/log', 'udp://10.1.2.3', 'tcp://log.corp.example:601'])
      expect(problemsOf({ WEFT_OUTBOUND: places, WEFT_AUDIT_SYSLOG: syslog })).toEqual([])
  })

  test('off loopback is allowed behind a named proxy', () => {
    const config = readConfig(
      {},
      { WEFT_HOST: '0.0.0.0', WEFT_TRUSTED_PROXY: '10.0.0.1, 10.1.0.0/16', WEFT_ORIGIN: 'https://weft.example.net/' },
    )
    expect(config.http.trustedProxies).toEqual(['10.0.0.1', '10.1.0.0/16'])
    expect(config.http.origin).toBe('https://weft.example.net')
  })

  test('networks for administration are prefixes, and what is none is named', () => {
    expect(readConfig({}, {}).administration).toEqual([])
    const { administration } = readConfig({}, { WEFT_ADMINISTRATION_FROM: '10.0.0.0/8, 2001:db8::/32' })
    expect(administration.map(({ version, length }) => [version, length])).toEqual([
      [4, 8],
      [6, 32],
    ])
    for (const wrong of ['10.0.0.1/8', '10.0.0.0', 'office', '10.0.0.0/8,'])
      expect(problemsOf({ WEFT_ADMINISTRATION_FROM: wrong }).join()).toContain('WEFT_ADMINISTRATION_FROM')
  })
})

describe('connections to switches', () => {
  test('are under TLS as the address has it, with Weft as the authority, unless somebody says otherwise', () => {
    expect(readConfig({}, {}).switchTls).toEqual({ setting: undefined, files: undefined })
    expect(readConfig({}, { WEFT_SWITCH_TLS: 'accepted' }).switchTls.setting).toBe('accepted')
    const files = { WEFT_SWITCH_TLS_CERTIFICATE: 'c', WEFT_SWITCH_TLS_KEY: 'k', WEFT_SWITCH_TLS_CA: 'ca' }
    expect(readConfig({}, files).switchTls.files).toEqual({ certificate: 'c', key: 'k', authorities: 'ca' })
    expect(problemsOf({ WEFT_SWITCH_TLS: 'off' })[0]).toContain('WEFT_SWITCH_TLS=off')
  })
})

describe('instances', () => {
  test('lie apart: the same name always at the same ports, two kinds of port never on one number', () => {
    const ports = new Map<number, string>()
    for (const name of ['main', 'a', 'b', 'ci', 'test', 'e2e', 'demo'])
      for (const kind of [3000, 3001, 6653, 6640].map((well) => well + portShift(name))) {
        expect(ports.get(kind)).toBeUndefined()
        ports.set(kind, name)
      }
    expect(readConfig({ instance: 'ci' }, {}).http.port).toBe(3000 + portShift('ci'))
  })

  test('a configured port wins over the shift, and a command line over the environment', () => {
    expect(readConfig({ instance: 'ci' }, { WEFT_OVSDB_PORT: '7000' }).ovsdb.port).toBe(7000)
    expect(readConfig({ port: '4001' }, { WEFT_PORT: '4000' }).http.port).toBe(4001)
  })

  test('sockets get a short folder where the state folder is deep', () => {
    const deep = readConfig({}, { WEFT_STATE: `/srv/${'deep/'.repeat(30)}` })
    expect(deep.run.length).toBeLessThan(88)
    expect(readConfig({}, { WEFT_STATE: '/srv/weft' }).run).toBe('/srv/weft/main/run')
  })
})

test('a child reads the same configuration from the variables that it is given', () => {
  const config = readConfig({ instance: 'ci', port: '4100', demo: true, inventoryFile: '/tmp/lab.yaml' }, {})
  expect(readConfig({}, configVariables(config))).toEqual(config)
})

test('an external database is reached as one login that steps down to three roles', () => {
  const url = 'postgresql://weft:secret@db.example/weft?sslmode=verify-full'
  const { database } = readConfig({}, { WEFT_DATABASE_URL: url })
  expect(database.embedded).toBe(false)
  const { searchParams } = new URL(database.urls.app)
  expect([searchParams.get('options'), searchParams.get('sslmode')]).toEqual(['-c role=weft_app', 'verify-full'])
})

describe('a database', () => {
  const login = 'postgresql://weft:hunter2'

  test.each([
    `${login}@localhost/weft`,
    `${login}@127.0.0.2:5433/weft?sslmode=disable`,
    `${login}@[::1]/weft`,
    `${login}@%2Frun%2Fpostgresql/weft`,
    `${login}@db.example/weft?host=/run/postgresql`,
    `${login}@db.example/weft?sslmode=verify-full&sslrootcert=/etc/weft/ca.pem`,
    `${login}@localhost/weft?host=db.example&sslmode=verify-full`,
  ])('may be at %s', (url) => {
    expect(readConfig({}, { WEFT_DATABASE_URL: url }).database.admin).toBe(url)
  })

  test.each([
    `${login}@db.example/weft`,
    `${login}@192.0.2.1/weft?sslmode=require`,
    `${login}@db.example/weft?sslmode=verify-ca`,
    `${login}@db.example/weft?ssl=true`,
    `${login}@localhost/weft?host=db.example`,
    `${login}@localhost/weft?host=/run/postgresql&host=db.example`,
    `${login}@db.example/weft?sslmode=verify-full&sslmode=disable`,
  ])('on another machine is spoken to by verified TLS alone: not %s', (url) => {
    const problems = problemsOf({ WEFT_DATABASE_URL: url })
    expect(problems).toEqual([expect.stringMatching(/^WEFT_DATABASE_URL: on another machine .*sslmode=verify-full/)])
    expect(problems.join()).not.toContain('hunter2')
  })

  test('is a URL', () => {
    expect(problemsOf({ WEFT_DATABASE_URL: 'db' })).toEqual(['WEFT_DATABASE_URL: a postgresql:// URL'])
  })
})

describe('keys', () => {
  const token = {
    WEFT_PKCS11_MODULE: '/usr/lib/softhsm/libsofthsm2.so',
    WEFT_PKCS11_TOKEN: 'weft',
    WEFT_PKCS11_PIN: '1234',
  }

  test('are wrapped under a master key in the state folder unless another place is configured', () => {
    const { keys, state } = readConfig({}, {})
    expect(keys.master).toEqual({ file: path.join(state, 'master-key'), given: false })
    expect(keys.token).toBeUndefined()
    const key = randomBytes(32)
    expect(readConfig({}, { WEFT_MASTER_KEY: key.toString('base64') }).keys.master).toEqual({ key })
    expect(readConfig({}, { WEFT_MASTER_KEY_FILE: '/etc/weft/key' }).keys.master).toEqual({
      ...{ file: '/etc/weft/key', given: true },
    })
    expect(readConfig({}, token).keys.token).toEqual({
      ...{ module: token.WEFT_PKCS11_MODULE, label: 'weft', pin: { text: '1234' } },
    })
  })

  test.each([
    [{ WEFT_MASTER_KEY: 'c2hvcnQ=' }, 'WEFT_MASTER_KEY: 32 bytes in base64'],
    [{ WEFT_MASTER_KEY: 'no base64 at all' }, 'WEFT_MASTER_KEY: 32 bytes in base64'],
    [{ WEFT_MASTER_KEY: randomBytes(32).toString('base64'), WEFT_MASTER_KEY_FILE: '/x' }, 'only one of them'],
    [{ ...token, WEFT_PKCS11_PIN_FILE: '/x' }, 'WEFT_PKCS11_PIN and WEFT_PKCS11_PIN_FILE: only one of them'],
    [{ WEFT_PKCS11_MODULE: '/x.so' }, 'a token needs all three'],
    [{ ...token, WEFT_PKCS11_PIN: '' }, 'a token needs all three'],
  ])('%j is refused, and no secret shown', (environment, words) => {
    const problems = problemsOf(environment).join('\n')
    expect(problems).toContain(words)
    for (const name of ['WEFT_MASTER_KEY', 'WEFT_PKCS11_PIN'])
      if (environment[name as keyof typeof environment])
        expect(problems).not.toContain(environment[name as keyof typeof environment])
  })
})

describe('secrets of the environment', () => {
  afterEach(() => vi.unstubAllEnvs())
  const secrets = {
    WEFT_MASTER_KEY: 'the master key',
    WEFT_PKCS11_PIN: 'the pin',
    WEFT_DATABASE_URL: 'postgresql://weft:the-login@localhost/weft',
    WEFT_METRICS_TOKEN: 'the metrics token',
  }

  test('are handed to no child but the engine: not to pages, tools, or the database', () => {
    for (const [name, value] of Object.entries(secrets)) vi.stubEnv(name, value)
    const config = readConfig({}, { WEFT_MASTER_KEY: randomBytes(32).toString('base64') })
    for (const environment of [childEnvironment({ ...configVariables(config) }), toolEnvironment()])
      for (const [name, value] of Object.entries(secrets)) {
        expect(environment[name]).toBeUndefined()
        expect(Object.values(environment)).not.toContain(value)
      }
    expect(secretVariables()).toEqual(secrets)
  })
})

describe('the audit log', () => {
  const audit = (environment: Record<string, string>) => readConfig({}, environment).audit

  test('is signed after 1000 lines or 5 minutes, and kept nowhere else, unless told', () => {
    expect(audit({})).toEqual({
      ...{ file: undefined, fileLines: false, syslog: undefined },
      checkpoint: { lines: 1000, interval_ms: 300_000 },
    })
    expect(audit({ WEFT_AUDIT_CHECKPOINT_LINES: '10', WEFT_AUDIT_CHECKPOINT_MINUTES: '1' }).checkpoint).toEqual({
      ...{ lines: 10, interval_ms: 60_000 },
    })
  })

  test.each([
    ['udp://192.0.2.1', { transport: 'udp', host: '192.0.2.1', port: 514 }],
    ['tcp://logs.example.net:6514', { transport: 'tcp', host: 'logs.example.net', port: 6514 }],
    ['udp://[2001:db8::1]:1514', { transport: 'udp', host: '2001:db8::1', port: 1514 }],
    ['unix:/dev/log', { transport: 'unix', path: '/dev/log' }],
    ['tls://logs.example.net', { transport: 'tls', host: 'logs.example.net', port: 6514 }],
  ])('goes to %s', (text, syslog) => {
    expect(audit({ WEFT_AUDIT_SYSLOG: text }).syslog).toEqual(syslog)
  })

  test.each(['logs', 'http://logs', 'tcp://', 'unix:dev/log', 'tcp://logs/x'])('does not go to %s', (text) => {
    expect(problemsOf({ WEFT_AUDIT_SYSLOG: text })).toEqual([
      `WEFT_AUDIT_SYSLOG=${text}: tls://HOST:6514, tcp://HOST:514, udp://HOST:514, or unix:/dev/log`,
    ])
  })

  test('shows a certificate to a syslog server, and knows its authority, by TLS alone', () => {
    const files = { WEFT_AUDIT_SYSLOG_CA: '/ca', WEFT_AUDIT_SYSLOG_CERTIFICATE: '/c', WEFT_AUDIT_SYSLOG_KEY: '/k' }
    expect(audit({ WEFT_AUDIT_SYSLOG: 'tls://logs:1', ...files }).syslog).toEqual({
      ...{ transport: 'tls', host: 'logs', port: 1, ca: '/ca', certificate: '/c', key: '/k' },
    })
    expect(problemsOf({ WEFT_AUDIT_SYSLOG: 'tcp://logs', ...files }).join()).toContain(
      'only with WEFT_AUDIT_SYSLOG=tls',
    )
    expect(problemsOf({ WEFT_AUDIT_SYSLOG: 'tls://logs', WEFT_AUDIT_SYSLOG_KEY: '/k' }).join()).toContain('without the')
  })
})

test.each([
  [{}, 'optional'],
  [{ WEFT_HOST: '::1' }, 'optional'],
  [{ WEFT_TLS_CERTIFICATE: 'c.pem', WEFT_TLS_KEY: 'k.pem' }, 'optional'],
  [{ WEFT_HOST: '192.0.2.1', WEFT_TLS_CERTIFICATE: 'c.pem', WEFT_TLS_KEY: 'k.pem' }, 'required'],
  [{ WEFT_TRUSTED_PROXY: '127.0.0.1', WEFT_ORIGIN: 'https://localhost' }, 'required'],
  [{ WEFT_ORIGIN: 'https://weft.example.net' }, 'required'],
  [{ WEFT_ORIGIN: 'https://weft.example.net', WEFT_SECOND_FACTOR: 'optional' }, 'optional'],
  [{ WEFT_SECOND_FACTOR: 'hardware' }, 'hardware'],
])('a second factor is asked for where people come from elsewhere, unless it is said otherwise: %o', (given, asked) => {
  expect(readConfig({}, given).session.secondFactor).toBe(asked)
})
