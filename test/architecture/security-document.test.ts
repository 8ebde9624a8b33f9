import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { cliProcedures } from '#server/cli/nouns.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')

const DOCUMENTS = ['docs/security.md', 'docs/sign-in.md', 'docs/keys.md', 'docs/audit.md']

/** A file of ours, or one of those at the root. */
const FILE =
  /^(?:(?:app|components|server|test|prisma|docs)(?:\/[\w.()[\]-]+)+|package-lock\.json|biome\.json|tsconfig\.json)$/
/** A file in a code span, with the tests that are named after it. */
const CITED = /`([^`\n]+)`((?:\s*«[^»\n]+»)*)/g

/** What a document names that is not there. `files`: the text of a file, undefined where there is none. */
function missing(text: string, files: (file: string) => string | undefined): string[] {
  return [...text.matchAll(CITED)].flatMap(([, file = '', names = '']) => {
    if (!FILE.test(file)) return names === '' ? [] : [`${names.trim()} after ${file}, which is no file`]
    const content = files(file)
    if (content === undefined) return [file]
    const tests = [...names.matchAll(/«([^»]+)»/g)].map(([, name = '']) => name)
    return tests.filter((name) => !content.includes(`'${name}'`)).map((name) => `${file}: «${name}»`)
  })
}

const inRepository = (file: string): string | undefined => {
  const full = path.join(ROOT, file)
  if (!existsSync(full)) return undefined
  return /\.\w+$/.test(file) ? readFileSync(full, 'utf8') : ''
}

const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-')
const headingsOf = (text: string) => [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slug(heading))

/** Links to other documents, and to headings in them, that lead nowhere. */
function brokenLinks(file: string): string[] {
  return [...read(file).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(([, to = '', anchor]) => {
    const target = to === '' ? file : path.posix.join(path.posix.dirname(file), to)
    if (!existsSync(path.join(ROOT, target))) return [target]
    return anchor === undefined || headingsOf(read(target)).includes(anchor) ? [] : [`${target}#${anchor}`]
  })
}

/** How many requirements each section of ASVS 5.0.0 has up to the level that the document goes to, from 1 on. */
const SECTIONS: Readonly<Record<string, number>> = {
  ...{ '1.1': 2, '1.2': 9, '1.3': 11, '1.4': 3, '1.5': 2, '2.1': 3, '2.2': 3, '2.3': 4, '2.4': 1 },
  ...{ '3.2': 2, '3.3': 4, '3.4': 6, '3.5': 5, '3.7': 2, '4.1': 3, '4.2': 1, '4.3': 2, '4.4': 4 },
  ...{ '5.1': 1, '5.2': 3, '5.3': 2, '5.4': 3 },
  ...{ '6.1': 3, '6.2': 12, '6.3': 8, '6.4': 6, '6.5': 8, '6.6': 4, '6.7': 2, '6.8': 4 },
  ...{ '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 3, '7.6': 2, '8.1': 4, '8.2': 4, '8.3': 3, '8.4': 2 },
  ...{ '9.1': 3, '9.2': 4, '10.1': 2, '10.2': 3, '10.3': 5, '10.4': 16, '10.5': 5, '10.6': 2, '10.7': 3 },
  ...{ '11.1': 2, '11.2': 3, '11.3': 3, '11.4': 4, '11.5': 1, '11.6': 1, '12.1': 3, '12.2': 2, '12.3': 4 },
  ...{ '13.1': 1, '13.2': 5, '13.3': 2, '13.4': 5, '14.1': 2, '14.2': 4, '14.3': 3 },
  ...{ '15.1': 3, '15.2': 3, '15.3': 7, '16.1': 1, '16.2': 5, '16.3': 4, '16.4': 3, '16.5': 4 },
}
const WANTED = Object.entries(SECTIONS).flatMap(([section, count]) =>
  Array.from({ length: count }, (_, at) => `${section}.${at + 1}`),
)

interface Row {
  readonly numbers: readonly string[]
  readonly state: string
  readonly where: string
}

/** `v5.0.0-1.2.3`, or `v5.0.0-1.2.3 – 1.2.5`. */
function numbersOf(cell: string): string[] {
  const [, section = '', first = '', last = first] = /^v5\.0\.0-(\d+\.\d+)\.(\d+)(?: – \1\.(\d+))?$/.exec(cell) ?? []
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => `${section}.${Number(first) + at}`)
}

function rowsOf(text: string): Row[] {
  return [...text.matchAll(/^\| (v5\.0\.0-[^|]+)\|[^|]+\|([^|]+)\|(.+)\|$/gm)].flatMap((row) => {
    // The formatter pads cells with spaces.
    const [, cell = '', state = '', where = ''] = row.map((one) => one.trim())
    // The last chapter is about something that there is none of: one line says so.
    return cell.startsWith('v5.0.0-17.') ? [] : [{ numbers: numbersOf(cell), state, where }]
  })
}

describe.each(DOCUMENTS)('%s', (document) => {
  test('names files and tests that are there', () => expect(missing(read(document), inRepository)).toEqual([]))

  test('links to what is there', () => expect(brokenLinks(document)).toEqual([]))

  test('names settings that are read', () => {
    const known = new Set(read('server/variables.ts').match(/WEFT_[A-Z_0-9]+/g))
    const named = new Set(read(document).match(/WEFT_[A-Z_0-9]+/g) ?? [])
    expect([...named].filter((name) => !known.has(name))).toEqual([])
  })

  test('names commands that there are', () => {
    const nouns = cliProcedures()
    const own = ['main', 'audit', 'openflow'].map((name) => read(`server/cli/${name}.ts`)).join()
    const commands = [...read(document).matchAll(/\.\/weft ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?/g)]
    const known = ([, noun = '', verb = '']: RegExpMatchArray) =>
      nouns.get(noun)?.has(verb) ||
      own.includes(`.command('${noun}')`) ||
      (nouns.has(noun) && own.includes(`new Command('${verb}')`))
    expect(commands.filter((one) => !known(one)).map(([text]) => text)).toEqual([])
  })
})

describe('the list of requirements', () => {
  const rows = rowsOf(read('docs/security.md'))

  test('has each of them once', () => {
    expect(rows.flatMap(({ numbers }) => numbers).sort()).toEqual([...WANTED].sort())
  })

  test('says of each whether it is met, and what is missing where it is not', () => {
    const odd = rows.filter(
      ({ state, where }) =>
        !['✓', 'n.a.', '✗'].includes(state) || where === '' || (state === '✗' && !where.includes('Needed: ')),
    )
    expect(odd).toEqual([])
  })
})

test('a file, a test and a number that are not there are found', () => {
  const files = (file: string) => (file === 'test/unit/a.test.ts' ? `test('is there', () => {})` : undefined)
  const text = '`test/unit/a.test.ts` «is there» «is not», `server/gone.ts`, `npm audit`'
  expect(missing(text, files)).toEqual(['test/unit/a.test.ts: «is not»', 'server/gone.ts'])
  expect(numbersOf('v5.0.0-1.3.7 – 1.3.9')).toEqual(['1.3.7', '1.3.8', '1.3.9'])
})
