import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'

/** A source file as the rules look at it. Paths are relative to the repository, with `/`. */
export interface Source {
  readonly file: string
  /** What it imports, as written: static, type-only, re-exported, dynamic. */
  readonly requests: readonly string[]
  /** What it imports of which module, types apart: `node:net.connect`; `node:net.*` where all of it is at hand. */
  readonly imported: readonly string[]
  readonly functions: readonly { readonly name: string; readonly line: number; readonly lines: number }[]
  /** Names that it uses without declaring or importing them, with member: `process.env`, `Date.now`, `fetch`. */
  readonly globals: readonly string[]
}

const WATCHED = new Set([
  'process',
  'fetch',
  'console',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'Date',
  'Math',
  'performance',
  'crypto',
])

const lineStarts = (text: string) => [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
function lineOf(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((starts[middle] as number) <= offset) low = middle
    else high = middle
  }
  return low + 1
}

function requestsOf(text: string, { module }: ReturnType<typeof parseSync>): string[] {
  const dynamic = module.dynamicImports.map(({ moduleRequest }) => text.slice(moduleRequest.start, moduleRequest.end))
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...dynamic.map((literal) => literal.replace(/^['"`]|['"`]$/g, '')),
  ]
}

function importedOf(text: string, { module }: ReturnType<typeof parseSync>): string[] {
  const named = module.staticImports.flatMap(({ moduleRequest, entries }) =>
    entries
      .filter(({ isType }) => !isType)
      .map(({ importName }) => `${moduleRequest.value}.${importName.kind === 'Name' ? importName.name : '*'}`),
  )
  const dynamic = module.dynamicImports.map(
    ({ moduleRequest: { start, end } }) => `${text.slice(start + 1, end - 1)}.*`,
  )
  return [...named, ...dynamic]
}

interface FunctionNode {
  readonly start: number
  readonly end: number
  readonly id?: { readonly name: string } | null
}

function namesAndFunctions(text: string, parsed: ReturnType<typeof parseSync>) {
  const starts = lineStarts(text)
  const functions: { name: string; line: number; lines: number }[] = []
  const globals = new Set<string>()
  const measure = (node: FunctionNode) => {
    const line = lineOf(starts, node.start)
    const name = node.id?.name ?? 'anonymous'
    functions.push({ name, line, lines: lineOf(starts, node.end - 1) - line + 1 })
  }
  new Visitor({
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
    MemberExpression({ object, property, computed }) {
      if (object.type !== 'Identifier' || !WATCHED.has(object.name)) return
      globals.add(computed || property.type !== 'Identifier' ? `${object.name}.*` : `${object.name}.${property.name}`)
    },
    VariableDeclarator({ id, init }) {
      if (init?.type === 'Identifier' && id.type === 'ObjectPattern' && WATCHED.has(init.name))
        globals.add(`${init.name}.*`)
    },
    CallExpression({ callee }) {
      if (callee.type === 'Identifier' && WATCHED.has(callee.name)) globals.add(callee.name)
    },
    NewExpression({ callee, arguments: given }) {
      if (callee.type === 'Identifier' && callee.name === 'Date' && given.length === 0) globals.add('new Date')
    },
  }).visit(parsed.program)
  return { functions, globals: [...globals] }
}

/** Reads a file, or takes its text: that is how a rule's own test plants a violation. Throws for what does not parse. */
export function readSource(file: string, text = readFileSync(file, 'utf8')): Source {
  const parsed = parseSync(file, text)
  const [error] = parsed.errors
  if (error) throw new Error(`${file}: ${error.message}`)
  return {
    file,
    requests: requestsOf(text, parsed),
    imported: importedOf(text, parsed),
    ...namesAndFunctions(text, parsed),
  }
}

/** All sources of the product. */
export const readSources = (): Source[] =>
  globSync('{app,components,server}/**/*.{ts,tsx}')
    .map((file) => file.replaceAll(path.sep, '/'))
    .filter((file) => !file.includes('/generated/'))
    .map((file) => readSource(file))

/** The file that a request leads to inside the repository; undefined for a package. */
export function targetOf(from: string, request: string): string | undefined {
  if (request.startsWith('#')) return request.slice(1)
  if (request.startsWith('.')) return path.posix.normalize(path.posix.join(path.posix.dirname(from), request))
  return undefined
}
