import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** What may be built into a product under Apache-2.0 without asking more of those who run it. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'MPL-2.0',
  'OFL-1.1',
  'PostgreSQL',
  'Python-2.0',
  'Unlicense',
  'WTFPL',
])

/** Looked at one by one: none of these is part of what Weft's own code is built into. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  // Pages of a tool of the database client's command line, which only developers run.
  elkjs: 'EPL-2.0',
  // A shared library that Next may load to resize images; Weft has that switched off.
  '@img/sharp-libvips-linux-x64': 'LGPL-3.0-or-later',
  '@img/sharp-libvips-linuxmusl-x64': 'LGPL-3.0-or-later',
}

interface Package {
  readonly name?: string
  readonly version?: string
  readonly license?: string | { readonly type?: string }
  readonly licenses?: readonly { readonly type?: string }[]
}

/** Of `A OR B` one may be chosen; of `A AND B` both hold. */
function isAllowed(expression: string): boolean {
  const bare = expression.replace(/^\((.*)\)$/, '$1')
  if (bare.includes(' OR ')) return bare.split(' OR ').some(isAllowed)
  if (/ AND /i.test(bare)) return bare.split(/ AND /i).every(isAllowed)
  return ALLOWED.has(bare.trim())
}

function licenceOf({ license, licenses }: Package): string {
  if (typeof license === 'string') return license
  return license?.type ?? licenses?.map(({ type }) => type).join(' OR ') ?? 'none'
}

const refused = (packages: readonly Package[]) =>
  packages
    .filter((one) => !isAllowed(licenceOf(one)) && EXCEPTIONS[one.name ?? ''] !== licenceOf(one))
    .map((one) => `${one.name}@${one.version}: ${licenceOf(one)}`)

const installed = (): Package[] =>
  globSync([
    'node_modules/*/package.json',
    'node_modules/@*/*/package.json',
    'node_modules/**/node_modules/*/package.json',
  ])
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Package)
    .filter(({ name, version }) => name !== undefined && version !== undefined)

describe('licences', () => {
  test('of all packages are on the list', () => {
    const packages = installed()
    expect(packages.length).toBeGreaterThan(200)
    expect([...new Set(refused(packages))]).toEqual([])
  })

  test('and the rule bites', () => {
    expect(refused([{ name: 'a', version: '1.0.0', license: 'GPL-3.0-only' }])).toEqual(['a@1.0.0: GPL-3.0-only'])
    expect(refused([{ name: 'b', version: '1.0.0' }])).toHaveLength(1)
    expect(refused([{ name: 'c', version: '1.0.0', license: '(MIT AND EPL-2.0)' }])).toHaveLength(1)
    expect(refused([{ name: 'd', version: '1.0.0', license: '(GPL-2.0 OR MIT)' }])).toEqual([])
  })
})
