import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { z } from 'zod'

/** The folder that holds the program: `weft`, `server/`, `app/`. */
export const ROOT = path.resolve(import.meta.dirname, '..')

/** The name that an installation has when it is given none. */
export const DEFAULT_INSTANCE = 'main'

const SHIFT = 50
const SHIFTS = 400
/** Bytes of a UNIX socket path, and of the longest file name that goes into the run folder. */
const SOCKET_PATH_MAX = 107
const SOCKET_NAME_MAX = 20

/**
 * How far an instance's ports lie from the well-known ones: 0 for the default one, else a multiple of 50 up to 20,000 that
 * follows from the name. The well-known ports differ modulo 50, so two instances never mix up two kinds of port.
 */
export function portShift(instance: string): number {
  if (instance === DEFAULT_INSTANCE) return 0
  const digest = createHash('sha256').update(instance).digest()
  return SHIFT * (1 + (digest.readUInt16BE(0) % SHIFTS))
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

const port = z.coerce.number('a port from 1 to 65535').int().min(1).max(65_535)
const minutes = z.coerce.number('a number of minutes').min(1).max(525_600)
const count = z.coerce.number('a number').int().min(1).max(100_000)
const host = z.string().refine((text) => text === 'localhost' || isIP(text) !== 0, 'an IP address, or localhost')
const file = z.string().min(1)
const MASTER_KEY_BYTES = 32
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

const SYSLOG = 'udp://HOST:514, tcp://HOST:514, or unix:/dev/log'
/** Where a syslog server listens. */
const syslog = z.string().transform((text, { issues }) => {
  const unix = /^unix:(\/.+)$/.exec(text)?.[1]
  if (unix !== undefined) return { transport: 'unix' as const, path: unix }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const transport = url?.protocol.slice(0, -1)
  if (url?.hostname && (transport === 'udp' || transport === 'tcp') && /^\/?$/.test(url.pathname))
    return { transport, host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 514) } as const
  issues.push({ code: 'custom', message: SYSLOG, input: text })
  return z.NEVER
})

/** Every variable that Weft reads, and what it may be. */
const Environment = z.object({
  WEFT_INSTANCE: z
    .string()
    .regex(/^[a-z0-9]{1,5}$/, 'one to five of a to z and 0 to 9')
    .default(DEFAULT_INSTANCE),
  WEFT_STATE: file.default(path.join(ROOT, '.weft')),
  WEFT_HOST: host.default('127.0.0.1'),
  WEFT_PORT: port.optional(),
  WEFT_WEB_PORT: port.optional(),
  WEFT_INNER_PORT: port.optional(),
  WEFT_OPENFLOW_HOST: host.default('127.0.0.1'),
  WEFT_OPENFLOW_PORT: port.optional(),
  WEFT_OVSDB_HOST: host.default('127.0.0.1'),
  WEFT_OVSDB_PORT: port.optional(),
  WEFT_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'a postgresql:// URL' }).optional(),
  WEFT_SESSION_IDLE_MINUTES: minutes.default(480),
  WEFT_SESSION_MINUTES: minutes.default(1440),
  WEFT_FRESH_MINUTES: minutes.default(10),
  WEFT_LOCAL_SIGN_IN: z.enum(['always', 'break-glass']).default('always'),
  WEFT_SIGN_IN_TRIES: count.default(10),
  WEFT_SIGN_IN_TRIES_PER_ADDRESS: count.default(50),
  WEFT_FEDERATED_TRIES_PER_ADDRESS: count.default(1000),
  WEFT_SIGN_IN_WINDOW_MINUTES: minutes.default(15),
  WEFT_RATE_PER_ACCOUNT: count.default(6000),
  WEFT_RATE_PER_TOKEN: count.default(6000),
  WEFT_RATE_PER_ADDRESS: count.default(12_000),
  WEFT_RATE_PER_TENANT: count.default(30_000),
  WEFT_TOKEN: z.string().min(16).optional(),
  WEFT_AUDIT_FILE: file.optional(),
  WEFT_AUDIT_FILE_LINES: z.stringbool('true or false').default(false),
  WEFT_AUDIT_SYSLOG: syslog.optional(),
  WEFT_AUDIT_CHECKPOINT_LINES: count.default(1000),
  WEFT_AUDIT_CHECKPOINT_MINUTES: minutes.default(5),
  WEFT_METADATA_PRIVATE: z.stringbool('true or false').default(false),
  WEFT_METADATA_MINUTES: minutes.default(360),
  WEFT_LOG_LEVEL: z.enum(LEVELS).default('info'),
  WEFT_PRODUCT_NAME: z.string().min(1).max(40).default('Weft'),
  WEFT_TLS_CERTIFICATE: file.optional(),
  WEFT_TLS_KEY: file.optional(),
  WEFT_TRUSTED_PROXY: z
    .string()
    .transform((text) => text.split(',').map((one) => one.trim()))
    .pipe(
      z.array(z.string().refine((one) => isIP(one.replace(/\/\d+$/, '')) !== 0, 'addresses or prefixes, with commas')),
    )
    .optional(),
  WEFT_ORIGIN: z.url({ protocol: /^https?$/, error: 'such as https://weft.example.net' }).optional(),
  WEFT_METRICS_TOKEN: z.string().min(16).optional(),
  WEFT_URL: z.url({ protocol: /^https?$/, error: 'such as https://weft.example.net' }).optional(),
  WEFT_DEMO: z.stringbool('true or false').default(false),
  WEFT_BARE: z.stringbool('true or false').default(false),
  WEFT_INVENTORY_FILE: file.optional(),
  WEFT_MASTER_KEY: z
    .base64('32 bytes in base64')
    .transform((text) => Buffer.from(text, 'base64'))
    .refine((key) => key.length === MASTER_KEY_BYTES, '32 bytes in base64')
    .optional(),
  WEFT_MASTER_KEY_FILE: file.optional(),
  WEFT_PREVIOUS_MASTER_KEY_FILE: file.optional(),
  WEFT_PKCS11_MODULE: file.optional(),
  WEFT_PKCS11_TOKEN: z.string().min(1).max(32).optional(),
  WEFT_PKCS11_PIN: z.string().min(1).optional(),
  WEFT_PKCS11_PIN_FILE: file.optional(),
  WEFT_KEY_OVERLAP_DAYS: z.coerce.number('a number of days').min(0).max(3650).default(30),
})
type Values = z.infer<typeof Environment>

/** Where keys are kept, or what they are wrapped with. */
export interface KeyConfig {
  readonly token:
    | {
        /** Path of the PKCS#11 library. */
        readonly module: string
        readonly label: string
        readonly pin: { readonly text: string } | { readonly file: string }
      }
    | undefined
  /** `given`: somebody chose the file, so it is not made when it is missing. */
  readonly master: { readonly key: Buffer } | { readonly file: string; readonly given: boolean }
  /** A file with the master key before this one, with which keys are still opened until they are wrapped anew. */
  readonly previousMaster: string | undefined
  /** How long a key that was replaced is still accepted. */
  readonly overlap_ms: number
}

export interface Config {
  readonly instance: string
  readonly demo: boolean
  /** The lab alone: without a first network, and with hosts that nobody lives in. */
  readonly bare: boolean
  /** The folder with everything that this instance keeps. */
  readonly state: string
  /** A folder for UNIX sockets: the state folder's `run`, or one under the temporary folder where that path is too long. */
  readonly run: string
  readonly http: {
    readonly host: string
    readonly port: number
    /** Where it answers the web server, by plain http on loopback: the same port, or one of its own where that needs TLS or is elsewhere. */
    readonly innerPort: number
    /** Scheme, host and port that browsers see. */
    readonly origin: string
    readonly tls: { readonly certificate: string; readonly key: string } | undefined
    readonly trustedProxies: readonly string[]
    readonly metricsToken: string | undefined
  }
  /** The loopback port of the Next server. */
  readonly web: { readonly port: number }
  readonly openflow: { readonly host: string; readonly port: number }
  readonly ovsdb: { readonly host: string; readonly port: number }
  readonly database: {
    readonly embedded: boolean
    /** Makes the database and the roles. */
    readonly admin: string
    /** Owner: migrations; app: people's requests, under row-level security; engine: the change engine and its jobs. */
    readonly urls: { readonly owner: string; readonly app: string; readonly engine: string }
  }
  readonly session: {
    readonly idle_ms: number
    readonly absolute_ms: number
    /** How long a proof of who somebody is counts for dangerous acts. */
    readonly fresh_ms: number
  }
  readonly signIn: {
    /** Which accounts that are kept here sign in: all, or those alone that are for when every provider is down. */
    readonly local: 'always' | 'break-glass'
    readonly perAccount: number
    readonly perAddress: number
    /** Through identity providers: many may be behind one address, and each failure is cheap. */
    readonly perAddressFederated: number
    readonly window_ms: number
  }
  /** Requests a minute that the API serves. */
  readonly rates: {
    readonly perAccount: number
    readonly perToken: number
    readonly perAddress: number
    readonly perTenant: number
  }
  /** Metadata of identity providers. */
  readonly metadata: {
    /** May be fetched from addresses that are not on the public internet, and by plain http. */
    readonly allowPrivate: boolean
    /** Fetched again after so long. */
    readonly refresh_ms: number
  }
  readonly keys: KeyConfig
  readonly audit: {
    /** Checkpoints are added to it, and every line where `fileLines` says so. */
    readonly file: string | undefined
    readonly fileLines: boolean
    readonly syslog:
      | { readonly transport: 'udp' | 'tcp'; readonly host: string; readonly port: number }
      | { readonly transport: 'unix'; readonly path: string }
      | undefined
    /** A checkpoint is signed after so many lines, and after this time. */
    readonly checkpoint: { readonly lines: number; readonly interval_ms: number }
  }
  readonly log: { readonly level: (typeof LEVELS)[number] }
  readonly product: { readonly name: string; readonly version: string }
  /** Hardware to declare at start. */
  readonly inventoryFile: string | undefined
  /** Where the command line finds the API. */
  readonly url: string
  /** The API token with which it acts, instead of a session. */
  readonly token: string | undefined
}

/** Configuration with wrong values: `problems` names each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`Wrong configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

function contradictions(values: Values): string[] {
  const problems: string[] = []
  if ((values.WEFT_TLS_CERTIFICATE === undefined) !== (values.WEFT_TLS_KEY === undefined))
    problems.push('WEFT_TLS_CERTIFICATE and WEFT_TLS_KEY: one is given without the other')
  const secured = values.WEFT_TLS_CERTIFICATE !== undefined || values.WEFT_TRUSTED_PROXY !== undefined
  if (!isLoopback(values.WEFT_HOST) && !secured)
    problems.push(
      `WEFT_HOST: ${values.WEFT_HOST} is not loopback, which needs WEFT_TLS_CERTIFICATE and WEFT_TLS_KEY, or WEFT_TRUSTED_PROXY`,
    )
  const wildcard = values.WEFT_HOST === '0.0.0.0' || values.WEFT_HOST === '::'
  if (wildcard && values.WEFT_ORIGIN === undefined && values.WEFT_TRUSTED_PROXY === undefined)
    problems.push(`WEFT_ORIGIN: needed with WEFT_HOST=${values.WEFT_HOST}, since browsers call it by another name`)
  if (values.WEFT_TRUSTED_PROXY !== undefined && values.WEFT_ORIGIN === undefined)
    problems.push('WEFT_ORIGIN: needed with WEFT_TRUSTED_PROXY, since only the proxy knows what browsers see')
  if (values.WEFT_SESSION_IDLE_MINUTES > values.WEFT_SESSION_MINUTES)
    problems.push('WEFT_SESSION_IDLE_MINUTES: longer than WEFT_SESSION_MINUTES')
  return [...problems, ...keyContradictions(values)]
}

function keyContradictions(values: Values): string[] {
  const problems: string[] = []
  const { WEFT_PKCS11_MODULE, WEFT_PKCS11_TOKEN, WEFT_PKCS11_PIN, WEFT_PKCS11_PIN_FILE } = values
  const both = (one: keyof Values, other: keyof Values) => {
    if (values[one] !== undefined && values[other] !== undefined) problems.push(`${one} and ${other}: only one of them`)
  }
  both('WEFT_MASTER_KEY', 'WEFT_MASTER_KEY_FILE')
  both('WEFT_PKCS11_PIN', 'WEFT_PKCS11_PIN_FILE')
  const pin = WEFT_PKCS11_PIN ?? WEFT_PKCS11_PIN_FILE
  const token = [WEFT_PKCS11_MODULE, WEFT_PKCS11_TOKEN, pin]
  if (token.some((one) => one !== undefined) && token.includes(undefined))
    problems.push(
      'WEFT_PKCS11_MODULE, WEFT_PKCS11_TOKEN, and WEFT_PKCS11_PIN or WEFT_PKCS11_PIN_FILE: a token needs all three',
    )
  return problems
}

/** Never shown, and handed to nobody but the engine. */
const SECRETS: readonly string[] = [
  'WEFT_DATABASE_URL',
  'WEFT_METRICS_TOKEN',
  'WEFT_MASTER_KEY',
  'WEFT_PKCS11_PIN',
  'WEFT_TOKEN',
]

function validate(environment: Readonly<Record<string, string | undefined>>): Values {
  // An empty variable is one that is not set, as compose files and shells have it.
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  )
  const { success, data, error } = Environment.safeParse(given)
  if (!success)
    throw new ConfigError(
      error.issues.map(({ path: [name], message }) => {
        const shown = SECRETS.includes(String(name)) ? '' : `=${given[String(name)]}`
        return `${String(name)}${shown}: ${message}`
      }),
    )
  const problems = contradictions(data)
  if (problems.length > 0) throw new ConfigError(problems)
  return data
}

function runFolder(state: string, instance: string): string {
  const run = path.join(state, 'run')
  if (Buffer.byteLength(run) + 1 + SOCKET_NAME_MAX <= SOCKET_PATH_MAX) return run
  const digest = createHash('sha256').update(state).digest('hex').slice(0, 8)
  return path.join(tmpdir(), `weft-${instance}-run-${digest}`)
}

function databaseUrls(url: string | undefined, run: string): Config['database'] {
  if (url === undefined) {
    const as = (role: string, database = 'weft') =>
      `postgresql://${role}@localhost/${database}?host=${encodeURIComponent(run)}`
    const urls = { owner: as('weft_owner'), app: as('weft_app'), engine: as('weft_engine') }
    return { embedded: true, admin: as('postgres', 'postgres'), urls }
  }
  // One login is configured; it steps down to the role that a connection is for.
  const as = (role: string) => {
    const stepped = new URL(url)
    stepped.searchParams.set('options', `-c role=${role}`)
    return stepped.href
  }
  const urls = { owner: as('weft_owner'), app: as('weft_app'), engine: as('weft_engine') }
  return { embedded: false, admin: url, urls }
}

function httpOf(values: Values, shift: number): Config['http'] {
  const { WEFT_HOST: listen, WEFT_TLS_CERTIFICATE: certificate, WEFT_TLS_KEY: key } = values
  const at = values.WEFT_PORT ?? 3000 + shift
  const tls = certificate !== undefined && key !== undefined ? { certificate, key } : undefined
  const name = listen.includes(':') ? `[${listen}]` : listen
  const origin = new URL(values.WEFT_ORIGIN ?? `${tls ? 'https' : 'http'}://${name}:${at}`).origin
  return {
    ...{ host: listen, port: at, origin, tls },
    innerPort: isLoopback(listen) && !tls ? at : (values.WEFT_INNER_PORT ?? 3002 + shift),
    trustedProxies: values.WEFT_TRUSTED_PROXY ?? [],
    metricsToken: values.WEFT_METRICS_TOKEN,
  }
}

function keysOf(values: Values, state: string): KeyConfig {
  const { WEFT_PKCS11_MODULE: module, WEFT_PKCS11_TOKEN: label } = values
  const { WEFT_PKCS11_PIN: text, WEFT_PKCS11_PIN_FILE: pinFile } = values
  const pin = text !== undefined ? { text } : pinFile !== undefined && { file: path.resolve(pinFile) }
  const { WEFT_MASTER_KEY: key, WEFT_MASTER_KEY_FILE: given, WEFT_PREVIOUS_MASTER_KEY_FILE: previous } = values
  const master = path.resolve(given ?? path.join(state, 'master-key'))
  return {
    token: module !== undefined && label !== undefined && pin ? { module, label, pin } : undefined,
    master: key ? { key } : { file: master, given: given !== undefined },
    previousMaster: previous && path.resolve(previous),
    overlap_ms: values.WEFT_KEY_OVERLAP_DAYS * 86_400_000,
  }
}

const version = (): string => {
  const { version: text } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string }
  return text
}

/** What the command line overrides. */
export interface Overrides {
  readonly instance?: string | undefined
  readonly port?: string | undefined
  readonly demo?: boolean | undefined
  readonly bare?: boolean | undefined
  readonly inventoryFile?: string | undefined
  readonly token?: string | undefined
}

/**
 * Reads and checks the configuration: `overrides` before the environment before what follows from the instance's name.
 * Throws `ConfigError` that names every wrong value at once.
 */
export function readConfig(
  overrides: Overrides = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const values = validate({
    ...environment,
    ...(overrides.instance !== undefined && { WEFT_INSTANCE: overrides.instance }),
    ...(overrides.port !== undefined && { WEFT_PORT: overrides.port }),
    ...(overrides.demo !== undefined && { WEFT_DEMO: String(overrides.demo) }),
    ...(overrides.bare !== undefined && { WEFT_BARE: String(overrides.bare) }),
    ...(overrides.inventoryFile !== undefined && { WEFT_INVENTORY_FILE: overrides.inventoryFile }),
  })
  const instance = values.WEFT_INSTANCE
  const shift = portShift(instance)
  const state = path.resolve(values.WEFT_STATE, instance)
  const run = runFolder(state, instance)
  const http = httpOf(values, shift)
  const minute_ms = 60_000
  return {
    ...{ instance, state, run, http, demo: values.WEFT_DEMO, bare: values.WEFT_BARE },
    web: { port: values.WEFT_WEB_PORT ?? 3001 + shift },
    openflow: { host: values.WEFT_OPENFLOW_HOST, port: values.WEFT_OPENFLOW_PORT ?? 6653 + shift },
    ovsdb: { host: values.WEFT_OVSDB_HOST, port: values.WEFT_OVSDB_PORT ?? 6640 + shift },
    database: databaseUrls(values.WEFT_DATABASE_URL, run),
    session: {
      idle_ms: values.WEFT_SESSION_IDLE_MINUTES * minute_ms,
      absolute_ms: values.WEFT_SESSION_MINUTES * minute_ms,
      fresh_ms: values.WEFT_FRESH_MINUTES * minute_ms,
    },
    signIn: {
      local: values.WEFT_LOCAL_SIGN_IN,
      perAccount: values.WEFT_SIGN_IN_TRIES,
      perAddress: values.WEFT_SIGN_IN_TRIES_PER_ADDRESS,
      perAddressFederated: values.WEFT_FEDERATED_TRIES_PER_ADDRESS,
      window_ms: values.WEFT_SIGN_IN_WINDOW_MINUTES * minute_ms,
    },
    rates: {
      perAccount: values.WEFT_RATE_PER_ACCOUNT,
      perToken: values.WEFT_RATE_PER_TOKEN,
      perAddress: values.WEFT_RATE_PER_ADDRESS,
      perTenant: values.WEFT_RATE_PER_TENANT,
    },
    metadata: { allowPrivate: values.WEFT_METADATA_PRIVATE, refresh_ms: values.WEFT_METADATA_MINUTES * minute_ms },
    keys: keysOf(values, state),
    audit: {
      file: values.WEFT_AUDIT_FILE,
      fileLines: values.WEFT_AUDIT_FILE_LINES,
      syslog: values.WEFT_AUDIT_SYSLOG,
      checkpoint: {
        lines: values.WEFT_AUDIT_CHECKPOINT_LINES,
        interval_ms: values.WEFT_AUDIT_CHECKPOINT_MINUTES * minute_ms,
      },
    },
    log: { level: values.WEFT_LOG_LEVEL },
    product: { name: values.WEFT_PRODUCT_NAME, version: version() },
    inventoryFile: values.WEFT_INVENTORY_FILE,
    url: new URL(values.WEFT_URL ?? http.origin).origin,
    token: overrides.token ?? values.WEFT_TOKEN,
  }
}

/** The environment for a child process: ours, without secrets and what would change how it runs, and with `more`. */
export function childEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !/^(NODE_OPTIONS|PORT|PG[A-Z]+)$/.test(name) && !SECRETS.includes(name),
  )
  return { ...Object.fromEntries(own), ...more } as NodeJS.ProcessEnv
}

/** The secrets of our environment, for the engine alone: it is what opens keys and speaks to the database. */
export const secretVariables = (): Record<string, string> =>
  Object.fromEntries(SECRETS.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))

/** The environment for a tool that the packages bring, found before one of the system. */
export const toolEnvironment = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv =>
  childEnvironment({ PATH: `${path.join(ROOT, 'node_modules/.bin')}:${process.env.PATH ?? ''}`, ...more })

/** The variables by which a child process reads the same configuration. */
export function configVariables(config: Config): Record<string, string> {
  return {
    WEFT_INSTANCE: config.instance,
    WEFT_STATE: path.dirname(config.state),
    WEFT_PORT: String(config.http.port),
    WEFT_WEB_PORT: String(config.web.port),
    WEFT_DEMO: String(config.demo),
    WEFT_BARE: String(config.bare),
    ...(config.inventoryFile !== undefined && { WEFT_INVENTORY_FILE: config.inventoryFile }),
  }
}
