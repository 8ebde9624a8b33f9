import { describe, expect, test } from 'vitest'
import * as rules from './rules.ts'
import { readSource, readSources, type Source } from './sources.ts'

const sources = readSources()

/** A file that breaks a rule, and what the rule says of it. */
interface Plant {
  readonly rule: rules.Rule
  readonly words: string
  readonly planted: readonly (readonly [file: string, text: string])[]
}

const PLANTS: readonly Plant[] = [
  {
    rule: rules.pagesImportOnlyTheContract,
    words: 'app and components import only server/contract',
    planted: [
      ['app/page.tsx', "import type { X } from '#server/engine/finding.ts'"],
      ['components/ui/a.ts', "export * from '../../server/config.ts'"],
      ['components/ui/b.ts', "await import('#server/api/door.ts')"],
      ['app/test.ts', "import '#test/unit/x.ts'"],
    ],
  },
  {
    rule: rules.serverImportsNoPages,
    words: 'nothing in server imports app or components',
    planted: [['server/api/x.ts', "import { Button } from '#components/ui/button.tsx'"]],
  },
  {
    rule: rules.siblingsDoNotMeet,
    words: 'capabilities, codecs and drivers never import their siblings',
    planted: [
      ['server/engine/network/x.ts', "import type { Chain } from '../chain/model.ts'"],
      ['server/codec/ipfix/x.ts', "import { x } from '#server/codec/openflow/match.ts'"],
      ['server/datapath/linux/x.ts', "export { x } from '#server/datapath/openflow/driver.ts'"],
    ],
  },
  {
    rule: rules.sharedKnowsNoMember,
    words: 'what is shared knows none of those that share it',
    planted: [
      ['server/engine/change/x.ts', "import { network } from '#server/engine/network/index.ts'"],
      ['server/codec/wire/x.ts', "import { x } from '../openflow/header.ts'"],
    ],
  },
  {
    rule: rules.pureCodeDoesNoIo,
    words: 'engine, codec and kernel do no I/O and import nothing of Node',
    planted: [
      ['server/engine/network/x.ts', "import { readFile } from 'node:fs/promises'"],
      ['server/codec/openflow/x.ts', "import pg from 'pg'"],
      ['server/engine/change/x.ts', 'export const now = () => Date.now()'],
      ['server/engine/program/x.ts', 'export const later = () => setTimeout(() => 0, 1)'],
      ['server/kernel/x.ts', 'export const now = () => new Date()'],
      ['server/codec/wire/x.ts', 'export const chance = () => Math.random()'],
    ],
  },
  {
    rule: rules.pureCodeStaysPure,
    words: 'engine and codec import only themselves and the kernel',
    planted: [
      ['server/engine/change/x.ts', "import { database } from '#server/inventory/database.ts'"],
      ['server/codec/openflow/x.ts', "import type { Entry } from '#server/engine/program/entry.ts'"],
    ],
  },
  {
    rule: rules.kernelImportsNobody,
    words: 'kernel imports nobody',
    planted: [
      ['server/kernel/x.ts', "import type { Entry } from '#server/engine/program/entry.ts'"],
      ['server/kernel/y.ts', "import { z } from 'zod'"],
    ],
  },
  {
    rule: rules.onlyInventoryImportsPrisma,
    words: 'only inventory imports Prisma',
    planted: [
      ['server/api/x.ts', "import { PrismaPg } from '@prisma/adapter-pg'"],
      ['server/http/x.ts', "import type { Network } from '#server/inventory/generated/client.ts'"],
    ],
  },
  {
    rule: rules.onlyWiringNamesDrivers,
    words: 'only wiring.ts names concrete drivers',
    planted: [['server/api/x.ts', "import { openflowDatapath } from '#server/datapath/openflow/driver.ts'"]],
  },
  {
    rule: rules.connectionsAreGuarded,
    words: 'whatever connects to others asks one guard first',
    planted: [
      ['server/identity/x.ts', "import { connect } from 'node:net'"],
      ['server/http/x.ts', "import * as https from 'node:https'"],
      ['server/api/x.ts', "import { type Server, request as ask } from 'node:http'"],
      ['server/keys/x.ts', "export const go = async () => (await import('node:tls')).connect(1)"],
      ['server/datapath/connection/dial.ts', "import { connect } from 'node:net'"],
      ['server/inventory/x.ts', "export const go = () => fetch('http://127.0.0.1')"],
    ],
  },
  {
    rule: rules.capabilitiesAreComplete,
    words: 'every capability folder has at least the five files',
    planted: [['server/engine/session/compile.ts', 'export const compile = () => []']],
  },
  {
    rule: rules.onlyConfigReadsTheEnvironment,
    words: 'only config.ts reads the environment',
    planted: [
      ['server/http/x.ts', 'export const port = process.env.PORT'],
      ['components/ui/x.ts', "export const port = process['env']"],
      ['server/http/y.ts', 'const { env } = process; export const port = env.PORT'],
    ],
  },
  {
    rule: rules.functionsAreShort,
    words: 'functions of engine and codec have at most 50 lines',
    planted: [
      ['server/engine/change/x.ts', `export const long = () => {\n${'  void 0\n'.repeat(50)}}`],
      ['server/codec/wire/x.ts', `export function long() {\n${'  void 0\n'.repeat(50)}}`],
    ],
  },
  {
    rule: rules.noCycles,
    words: 'imports run in no circle',
    planted: [
      ['server/api/x.ts', "import type { y } from './y.ts'"],
      ['server/api/y.ts', "export { x } from './x.ts'"],
    ],
  },
]

test('the sources are found', () => {
  expect(sources.length).toBeGreaterThan(150)
  expect(sources.flatMap(({ requests }) => requests).length).toBeGreaterThan(500)
})

describe.each(PLANTS)('$words', ({ rule, planted }) => {
  test('in all sources', () => {
    expect(rule(sources)).toEqual([])
  })

  test('and the rule bites', () => {
    const bad = planted.map(([file, text]) => readSource(file, text))
    const broken = rule(bad)
    if (rule === rules.noCycles) expect(broken).toHaveLength(1)
    else if (rule === rules.capabilitiesAreComplete) expect(broken).toHaveLength(4)
    else for (const { file } of bad) expect(rule(bad.filter((one: Source) => one.file === file))).not.toEqual([])
  })
})
