import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import type { Prefix } from './kernel/prefix.ts'
import type { Place } from './outbound/places.ts'
import { DEFAULT_INSTANCE, isLoopback, ROOT, SECRETS, type Values, validate } from './variables.ts'

export { ConfigError, DEFAULT_INSTANCE, isLoopback, ROOT } from './variables.ts'

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
    /** The UNIX socket on which it answers the web server. */
    readonly socket: string
    /** Scheme, host and port that browsers see. */
    readonly origin: string
    readonly tls: { readonly certificate: string; readonly key: string } | undefined
    readonly trustedProxies: readonly string[]
    readonly metricsToken: string | undefined
  }
  /** The UNIX socket of the Next server. */
  readonly web: { readonly socket: string }
  readonly openflow: { readonly host: string; readonly port: number }
  readonly ovsdb: { readonly host: string; readonly port: number }
  /** Connections to switches. */
  readonly switchTls: {
    /** Whether TCP must be under TLS, or may; undefined: it must off loopback. */
    readonly setting: 'required' | 'accepted' | undefined
    /** Of an authority of the operator's; undefined: Weft is the authority. */
    readonly files: { readonly certificate: string; readonly key: string; readonly authorities: string } | undefined
  }
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
    /** What sign-in has to prove at least: anything, several factors, a passkey, or one that no device copies. */
    readonly secondFactor: NonNullable<Values['WEFT_SECOND_FACTOR']>
  }
  /** Dangerous acts are done from these networks alone; none: from anywhere. */
  readonly administration: readonly Prefix[]
  readonly signIn: {
    /** The name of the account that is made where there is none yet. */
    readonly firstOperator: string
    /** Which accounts that are kept here sign in: all, or those alone that are for when every provider is down. */
    readonly local: 'always' | 'break-glass'
    readonly perAccount: number
    readonly perAddress: number
    /** Through identity providers: many may be behind one address, and each failure is cheap. */
    readonly perAddressFederated: number
    readonly window_ms: number
    /** Codes of how many steps before and after the present one count. */
    readonly totpStepsApart: number
    /** How long a password counts that was made for somebody. */
    readonly firstPassword_ms: number
  }
  readonly passwords: {
    /** A file of those that became known in breaches: no new one is among them. */
    readonly breached: string | undefined
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
    /** Of how many bits RSA keys of providers and consoles must be. */
    readonly rsaBits: number
  }
  /** The places that connections go to; absent where an installation does not confine itself. */
  readonly outbound: readonly Place[] | undefined
  readonly keys: KeyConfig
  readonly audit: {
    /** Checkpoints are added to it, and every line where `fileLines` says so. */
    readonly file: string | undefined
    readonly fileLines: boolean
    readonly syslog:
      | { readonly transport: 'udp' | 'tcp'; readonly host: string; readonly port: number }
      | {
          readonly transport: 'tls'
          readonly host: string
          readonly port: number
          /** Files: the server's authority, our certificate, its key. */
          readonly ca: string | undefined
          readonly certificate: string | undefined
          readonly key: string | undefined
        }
      | { readonly transport: 'unix'; readonly path: string }
      | undefined
    /** A checkpoint is signed after so many lines, and after this time. */
    readonly checkpoint: { readonly lines: number; readonly interval_ms: number }
  }
  readonly log: { readonly level: Values['WEFT_LOG_LEVEL'] }
  readonly product: { readonly name: string; readonly version: string }
  /** Hardware to declare at start. */
  readonly inventoryFile: string | undefined
  /** Where the command line finds the API. */
  readonly url: string
  /** The API token with which it acts, instead of a session. */
  readonly token: string | undefined
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

function httpOf(values: Values, shift: number, run: string): Config['http'] {
  const { WEFT_HOST: listen, WEFT_TLS_CERTIFICATE: certificate, WEFT_TLS_KEY: key } = values
  const at = values.WEFT_PORT ?? 3000 + shift
  const tls = certificate !== undefined && key !== undefined ? { certificate, key } : undefined
  const name = listen.includes(':') ? `[${listen}]` : listen
  const origin = new URL(values.WEFT_ORIGIN ?? `${tls ? 'https' : 'http'}://${name}:${at}`).origin
  return {
    ...{ host: listen, port: at, origin, tls },
    socket: path.join(run, 'engine.sock'),
    trustedProxies: values.WEFT_TRUSTED_PROXY ?? [],
    metricsToken: values.WEFT_METRICS_TOKEN,
  }
}

/** Whether people on other machines come to the console: by the address that it listens at, a proxy, or another name. */
function isReachable({ host, trustedProxies, origin }: Config['http']): boolean {
  const name = new URL(origin).hostname.replace(/^\[|\]$/g, '')
  return !isLoopback(host) || trustedProxies.length > 0 || !isLoopback(name)
}

function switchTlsOf(values: Values): Config['switchTls'] {
  const { WEFT_SWITCH_TLS: setting, WEFT_SWITCH_TLS_CERTIFICATE: certificate, WEFT_SWITCH_TLS_KEY: key } = values
  const { WEFT_SWITCH_TLS_CA: authorities } = values
  const whole = certificate !== undefined && key !== undefined && authorities !== undefined
  return { setting, files: whole ? { certificate, key, authorities } : undefined }
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

function syslogOf(values: Values): Config['audit']['syslog'] {
  const at = values.WEFT_AUDIT_SYSLOG
  if (at === undefined || at.transport === 'unix') return at
  const { transport, host, port } = at
  if (transport !== 'tls') return { transport, host, port }
  const whole = (file: string | undefined) => file && path.resolve(file)
  const { WEFT_AUDIT_SYSLOG_CA: ca, WEFT_AUDIT_SYSLOG_CERTIFICATE: certificate, WEFT_AUDIT_SYSLOG_KEY: key } = values
  return { transport, host, port, ca: whole(ca), certificate: whole(certificate), key: whole(key) }
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
  const http = httpOf(values, shift, run)
  const minute_ms = 60_000
  return {
    ...{ instance, state, run, http, demo: values.WEFT_DEMO, bare: values.WEFT_BARE },
    web: { socket: path.join(run, 'web.sock') },
    openflow: { host: values.WEFT_OPENFLOW_HOST, port: values.WEFT_OPENFLOW_PORT ?? 6653 + shift },
    ovsdb: { host: values.WEFT_OVSDB_HOST, port: values.WEFT_OVSDB_PORT ?? 6640 + shift },
    switchTls: switchTlsOf(values),
    database: databaseUrls(values.WEFT_DATABASE_URL, run),
    session: {
      idle_ms: values.WEFT_SESSION_IDLE_MINUTES * minute_ms,
      absolute_ms: values.WEFT_SESSION_MINUTES * minute_ms,
      fresh_ms: values.WEFT_FRESH_MINUTES * minute_ms,
      secondFactor: values.WEFT_SECOND_FACTOR ?? (isReachable(http) ? 'required' : 'optional'),
    },
    administration: values.WEFT_ADMINISTRATION_FROM ?? [],
    signIn: {
      firstOperator: values.WEFT_FIRST_OPERATOR,
      local: values.WEFT_LOCAL_SIGN_IN,
      perAccount: values.WEFT_SIGN_IN_TRIES,
      perAddress: values.WEFT_SIGN_IN_TRIES_PER_ADDRESS,
      perAddressFederated: values.WEFT_FEDERATED_TRIES_PER_ADDRESS,
      window_ms: values.WEFT_SIGN_IN_WINDOW_MINUTES * minute_ms,
      totpStepsApart: values.WEFT_TOTP_STEPS_APART,
      firstPassword_ms: values.WEFT_FIRST_PASSWORD_HOURS * 60 * minute_ms,
    },
    passwords: { breached: values.WEFT_BREACHED_PASSWORDS && path.resolve(values.WEFT_BREACHED_PASSWORDS) },
    rates: {
      perAccount: values.WEFT_RATE_PER_ACCOUNT,
      perToken: values.WEFT_RATE_PER_TOKEN,
      perAddress: values.WEFT_RATE_PER_ADDRESS,
      perTenant: values.WEFT_RATE_PER_TENANT,
    },
    metadata: {
      allowPrivate: values.WEFT_METADATA_PRIVATE,
      refresh_ms: values.WEFT_METADATA_MINUTES * minute_ms,
      rsaBits: values.WEFT_RSA_BITS,
    },
    outbound: values.WEFT_OUTBOUND,
    keys: keysOf(values, state),
    audit: {
      file: values.WEFT_AUDIT_FILE,
      fileLines: values.WEFT_AUDIT_FILE_LINES,
      syslog: syslogOf(values),
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
    WEFT_DEMO: String(config.demo),
    WEFT_BARE: String(config.bare),
    ...(config.inventoryFile !== undefined && { WEFT_INVENTORY_FILE: config.inventoryFile }),
  }
}
