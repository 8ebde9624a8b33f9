import { type Source, targetOf } from './sources.ts'

/** A rule answers a line for everything that breaks it. */
export type Rule = (sources: readonly Source[]) => string[]

interface Edge {
  readonly from: string
  readonly to: string
}

const edgesOf = ({ file, requests }: Source): Edge[] =>
  requests.flatMap((request) => {
    const to = targetOf(file, request)
    return to === undefined ? [] : [{ from: file, to }]
  })

const packagesOf = ({ requests }: Source) => requests.filter((request) => !/^[.#]/.test(request))
const say = ({ from, to }: Edge) => `${from} → ${to}`
const forbid =
  (broken: (edge: Edge) => boolean): Rule =>
  (sources) =>
    sources.flatMap(edgesOf).filter(broken).map(say)

const under = (file: string, ...folders: string[]) => folders.some((folder) => file.startsWith(`${folder}/`))

/** Pages are clients of the public API like any other. */
export const pagesImportOnlyTheContract: Rule = forbid(
  ({ from, to }) => under(from, 'app', 'components') && !under(to, 'app', 'components', 'server/contract'),
)

export const serverImportsNoPages: Rule = forbid(
  ({ from, to }) => under(from, 'server') && under(to, 'app', 'components'),
)

const SHARED: Readonly<Record<string, readonly string[]>> = {
  'server/engine': ['change', 'program'],
  'server/codec': ['wire', 'packet'],
  'server/datapath': ['connection'],
}

/** The folder of a capability, codec or driver that a file lies in: `network` for `server/engine/network/compile.ts`. */
function memberOf(file: string, parent: string): string | undefined {
  if (!under(file, parent)) return undefined
  const [member, inside] = file.slice(parent.length + 1).split('/')
  return inside === undefined ? undefined : member
}

/** Capabilities meet in facts, codecs and drivers in what is shared between them. */
export const siblingsDoNotMeet: Rule = forbid(({ from, to }) =>
  Object.entries(SHARED).some(([parent, shared]) => {
    const [one, other] = [memberOf(from, parent), memberOf(to, parent)]
    return one !== undefined && other !== undefined && one !== other && !shared.includes(one) && !shared.includes(other)
  }),
)

/** What is shared knows none of those that share it. */
export const sharedKnowsNoMember: Rule = forbid(({ from, to }) =>
  Object.entries(SHARED).some(([parent, shared]) => {
    const [one, other] = [memberOf(from, parent), memberOf(to, parent)]
    return one !== undefined && shared.includes(one) && other !== undefined && !shared.includes(other)
  }),
)

const PURE = ['server/engine', 'server/codec', 'server/kernel']
/** The edges of pure code: time comes in here. */
const CLOCKS = ['server/kernel/clock.ts', 'server/engine/change/deadline.ts']
/** Hashing does no I/O: one file may have it of Node. */
const isHashing = (file: string, name: string) => file === 'server/kernel/hash.ts' && name === 'node:crypto'
const EFFECTS =
  /^(process\.|fetch$|console\.|set(Timeout|Interval|Immediate)$|Date\.now|new Date|Math\.random|performance\.|crypto\.)/

const foreign = (source: Source) =>
  packagesOf(source)
    .filter((name) => !isHashing(source.file, name))
    .map((name) => `${source.file} → ${name}`)

/** Engine, codec and kernel do no I/O: nothing of Node, no packages, no time or chance but what they are handed. */
export const pureCodeDoesNoIo: Rule = (sources) =>
  sources
    .filter(({ file }) => under(file, ...PURE) && !CLOCKS.includes(file))
    .flatMap((source) => [
      ...foreign(source),
      ...source.globals.filter((name) => EFFECTS.test(name)).map((name) => `${source.file} uses ${name}`),
    ])

/** What pure code may import: itself, and the types of the driver that it is handed. */
export const pureCodeStaysPure: Rule = forbid(
  ({ from, to }) =>
    (under(from, 'server/engine') &&
      !under(to, 'server/engine', 'server/kernel') &&
      to !== 'server/datapath/driver.ts') ||
    (under(from, 'server/codec') && !under(to, 'server/codec', 'server/kernel')),
)

export const kernelImportsNobody: Rule = (sources) => [
  ...forbid(({ from, to }) => under(from, 'server/kernel') && !under(to, 'server/kernel'))(sources),
  ...sources.filter(({ file }) => under(file, 'server/kernel')).flatMap(foreign),
]

export const onlyInventoryImportsPrisma: Rule = (sources) =>
  sources
    .filter(({ file }) => !under(file, 'server/inventory'))
    .flatMap(({ file, requests }) =>
      requests.filter((name) => /^@?prisma\b|inventory\/generated\//.test(name)).map((name) => `${file} → ${name}`),
    )

const DRIVERS = ['server/datapath/openflow', 'server/datapath/linux', 'server/datapath/simulator']
export const onlyWiringNamesDrivers: Rule = forbid(
  ({ from, to }) => under(to, ...DRIVERS) && !under(from, ...DRIVERS) && from !== 'server/wiring.ts',
)

/** What begins a connection, or a datagram's way. */
const CONNECTING =
  /^(node:)?(net\.(connect|createConnection|Socket|Stream)|tls\.(connect|TLSSocket)|https?\.(request|get|Agent|ClientRequest)|http2\.connect|dgram\.(createSocket|Socket)|(net|tls|https?|http2|dgram)\.\*)$|^(undici|ws|axios|got)\./
/** Programs of whoever sits at the host: the engine's own connections are what an installation confines. */
const ON_THE_HOST = ['server/cli', 'server/supervisor', 'server/lab', 'server/agent']
const GUARD = 'server/outbound/guard.ts'
/** They ask the guard. */
const CONNECTS = new Set([
  'server/identity/federation/fetch-metadata.ts',
  'server/identity/federation/logout-reach.ts',
  'server/datapath/connection/dial.ts',
])
const asksGuard = (source: Source) => CONNECTS.has(source.file) && edgesOf(source).some(({ to }) => to === GUARD)
/** UNIX sockets of our own, to see whether somebody listens there. */
const PROBES = 'server/datapath/connection/listen.ts'
/** Where a setting says, which `server/variables.ts` compares with the places. */
const CONFIGURED = ['server/identity/audit/shipping']

/** One guard is asked before the engine connects to anybody. */
export const connectionsAreGuarded: Rule = (sources) =>
  sources
    .filter(({ file }) => under(file, 'server') && !under(file, ...ON_THE_HOST, ...CONFIGURED) && file !== PROBES)
    .filter((source) => !asksGuard(source))
    .flatMap(({ file, imported, globals }) => [
      ...imported.filter((name) => CONNECTING.test(name)).map((name) => `${file} → ${name}`),
      ...globals.filter((name) => name === 'fetch').map((name) => `${file} uses ${name}`),
    ])

export const FILES_OF_A_CAPABILITY = ['model', 'compile', 'validate', 'status', 'index'] as const

/** A capability is read by opening the same five files, of which any may have grown into a folder. */
export const capabilitiesAreComplete: Rule = (sources) => {
  const folders = new Map<string, Set<string>>()
  for (const { file } of sources) {
    const member = memberOf(file, 'server/engine')
    if (member === undefined || SHARED['server/engine']?.includes(member)) continue
    const files = folders.get(member) ?? new Set<string>()
    files.add((file.split('/')[3] ?? '').replace(/\.ts$/, ''))
    folders.set(member, files)
  }
  return [...folders].flatMap(([member, files]) =>
    FILES_OF_A_CAPABILITY.filter((name) => !files.has(name)).map((name) => `server/engine/${member} has no ${name}`),
  )
}

/** Where a Next server reads the address of the API, which it cannot be handed. */
const READS_ENVIRONMENT = ['server/config.ts', 'components/queries/server.ts']
const READING = ['process.env', 'process.*', 'node:process', 'process']
export const onlyConfigReadsTheEnvironment: Rule = (sources) =>
  sources
    .filter(({ file }) => !READS_ENVIRONMENT.includes(file))
    .filter(({ globals, requests }) => READING.some((name) => globals.includes(name) || requests.includes(name)))
    .map(({ file }) => file)

const LINES_MAX = 50
export const functionsAreShort: Rule = (sources) =>
  sources
    .filter(({ file }) => under(file, 'server/engine', 'server/codec'))
    .flatMap(({ file, functions }) =>
      functions
        .filter(({ lines }) => lines > LINES_MAX)
        .map(({ name, line, lines }) => `${file}:${line} ${name}: ${lines} lines`),
    )

/** Circles of imports, each once. */
export const noCycles: Rule = (sources) => {
  const files = new Set(sources.map(({ file }) => file))
  const graph = new Map(sources.map((source) => [source.file, edgesOf(source).map(({ to }) => to)]))
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (file: string, way: readonly string[]) => {
    if (state.get(file) === 'open') cycles.push([...way.slice(way.indexOf(file)), file].join(' → '))
    if (state.has(file)) return
    state.set(file, 'open')
    for (const next of graph.get(file) ?? []) if (files.has(next)) visit(next, [...way, file])
    state.set(file, 'done')
  }
  for (const file of files) visit(file, [])
  return cycles
}
