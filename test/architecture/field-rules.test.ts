import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { FIELD_RULES, fieldRulesDocument } from '#server/contract/field-rules.ts'
import { contract } from '#server/contract/index.ts'
import { openapiDocument } from '#server/http/openapi.ts'
import { proceduresOf } from '#server/http/procedures.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const rules = Object.values(FIELD_RULES).flat()
const filesOf = (pattern: string) =>
  globSync(pattern, { cwd: ROOT }).filter((file) => !/field-rules(\.test)?\.ts$/.test(file))
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')

/** Where codes are written without their beginning, and what that is. */
const BEGINNINGS: Readonly<Record<string, string>> = {
  'server/engine/network/check-port.ts': 'port',
  'server/engine/network/check-network.ts': 'network',
}

/** Codes by which a text refuses: as `rule`, or behind a pointer. */
function codesIn(text: string, beginning?: string): string[] {
  const before = String.raw`(?<=rule: |(?:refuse|conflict)\(|'(?:/[A-Za-z/]*)?',\s+|'[a-z.-]+' : |\? )`
  const whole = [...text.matchAll(new RegExp(`${before}'([a-z]+\\.[a-z-]+)'`, 'g'))].map(([, code = '']) => code)
  if (beginning === undefined) return whole
  const ends = text.matchAll(/(?:wrong\(|return \[|wrongPlace\(port,|cut\(\s*network,)\s*'([a-z]+(?:-[a-z]+)*)'/g)
  return [...whole, ...[...ends].map(([, end]) => `${beginning}.${end}`)]
}

const REFUSED = new Set(
  filesOf('server/{api,engine,identity,inventory}/**/*.ts').flatMap((file) => codesIn(read(file), BEGINNINGS[file])),
)
const TESTS = filesOf('test/**/*.test.ts').map(read).join('\n')

/** Of what those rules speak that are about a field alone, or about what something is at that time. */
const ALONE = new Set([
  ...['network.vni-range', 'network.vni-pool', 'subnet.network', 'subnet.prefix', 'subnet.host-bits'],
  ...['port.network', 'port.vlan-range', 'account.tenant', 'account.name-taken', 'console.name-taken'],
  ...[
    'console.entity-taken',
    'console.tenant',
    'group.name-taken',
    'group.source',
    'metadata.fetch',
    'metadata.no-key',
  ],
  ...['metadata.nothing-pending', 'metadata.role', 'password.breached', 'password.common', 'password.repeated'],
  ...[
    'password.unchecked',
    'password.ended',
    'provider.in-use',
    'provider.issuer-taken',
    'provider.name-taken',
    'provider.tenant',
  ],
  ...['role.in-use', 'role.name-taken', 'role.unknown', 'tenant.in-use', 'tenant.name-taken', 'token.count'],
  ...[
    'token.name-taken',
    'user.self',
    'port.mac',
    'port.mac-group',
    'port.address',
    'port.attachment',
    'port.attachment-unknown',
  ],
])
/** Rules about what one writes; those left look at switches, changes, lists and keys. */
const AREAS = new Set([
  ...['network', 'subnet', 'port', 'nic', 'tenant', 'account', 'user', 'group', 'role', 'grant', 'token', 'session'],
  ...['password', 'provider', 'metadata', 'console'],
])

describe('rules about several fields', () => {
  test('are the document that readers have', async () => {
    await expect(fieldRulesDocument()).toMatchFileSnapshot(path.join(ROOT, 'docs/rules.md'))
  })

  test('have a name of their own, and procedures that there are', () => {
    const names = new Set(proceduresOf(contract).map(({ name }) => name))
    expect(new Set(rules.map(({ rule }) => rule)).size).toBe(rules.length)
    expect(
      rules.flatMap(({ rule, of }) => of.filter((one) => !names.has(one)).map((one) => `${rule}: ${one}`)),
    ).toEqual([])
    expect(rules.filter(({ of }) => of.length === 0)).toEqual([])
  })

  test('look at fields that there are', async () => {
    const document = JSON.stringify(await openapiDocument({ name: 'x', version: '1' }))
    const names = new Set([...document.matchAll(/"(\w+)":\{/g)].map(([, name]) => name))
    const fields = rules.flatMap((one) => one.fields)
    expect(fields.filter((field) => !/^[a-z]+\.\w+$/.test(field) || !names.has(field.split('.')[1]))).toEqual([])
  })

  test('are each refused by somewhere, and tried by a test', () => {
    // The quota's rule ends with what there is too much of.
    const isRefused = (rule: string) => REFUSED.has(rule) || rule.startsWith('tenant.quota-')
    expect(rules.filter(({ rule }) => !isRefused(rule)).map(({ rule }) => rule)).toEqual([])
    expect(rules.filter(({ rule }) => !TESTS.includes(`'${rule}'`)).map(({ rule }) => rule)).toEqual([])
  })

  test('are all by which it is refused what is written, but for those about a field alone', () => {
    const known = new Set([...rules.map(({ rule }) => rule), ...ALONE])
    const isWritten = (code: string) => AREAS.has(code.split('.')[0] ?? '')
    expect([...REFUSED].filter((code) => isWritten(code) && !known.has(code))).toEqual([])
    expect([...ALONE].filter((code) => !REFUSED.has(code))).toEqual([])
  })

  test('and a code that nobody has told of is found', () => {
    const text = `refuse('/a', 'user.new', x) rule: 'role.new' wrong('mac-new', y) is ? 'token.new' : 'token.newer'`
    expect(codesIn(text, 'port')).toEqual(['user.new', 'role.new', 'token.new', 'token.newer', 'port.mac-new'])
  })
})
