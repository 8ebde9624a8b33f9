import { isIP } from 'node:net'
import path from 'node:path'
import { z } from 'zod'
import { Name } from './contract/base.ts'

import { type Prefix, parsePrefix } from './kernel/prefix.ts'
import { isNamed, type Place, parsePlace } from './outbound/places.ts'

/** The folder that holds the program: `weft`, `server/`, `app/`. */
export const ROOT = path.resolve(import.meta.dirname, '..')

/** The name that an installation has when it is given none. */
export const DEFAULT_INSTANCE = 'main'

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

const port = z.coerce.number('a port from 1 to 65535').int().min(1).max(65_535)
const minutes = z.coerce.number('a number of minutes').min(1).max(525_600)
const hours = z.coerce.number('a number of hours').min(1).max(8760)
const count = z.coerce.number('a number').int().min(1).max(100_000)
const host = z.string().refine((text) => text === 'localhost' || isIP(text) !== 0, 'an IP address, or localhost')
const file = z.string().min(1)
const MASTER_KEY_BYTES = 32
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

const SYSLOG = 'tls://HOST:6514, tcp://HOST:514, udp://HOST:514, or unix:/dev/log'
const SYSLOG_PORTS = { udp: 514, tcp: 514, tls: 6514 } as const
/** Where a syslog server listens. */
const syslog = z.string().transform((text, { issues }) => {
  const unix = /^unix:(\/.+)$/.exec(text)?.[1]
  if (unix !== undefined) return { transport: 'unix' as const, path: unix }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const transport = url?.protocol.slice(0, -1) as keyof typeof SYSLOG_PORTS | undefined
  const known = transport && SYSLOG_PORTS[transport]
  if (url?.hostname && known && /^\/?$/.test(url.pathname))
    return { transport, host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || known) } as const
  issues.push({ code: 'custom', message: SYSLOG, input: text })
  return z.NEVER
})

/** Parameters of which the last one counts: all of them must be so. */
const every = (given: readonly string[], holds: (one: string) => boolean) => given.length > 0 && given.every(holds)

/** A database on another machine is spoken to by TLS alone, after its certificate and name were verified. */
function isGuarded(text: string): boolean {
  const { hostname, searchParams } = new URL(text)
  const here = (name: string) => /^(\/|%2f)/i.test(name) || isLoopback(name.replace(/^\[|\]$/g, ''))
  const hosts = searchParams.getAll('host')
  return (
    every(hosts.length > 0 ? hosts : [hostname], here) ||
    every(searchParams.getAll('sslmode'), (mode) => mode === 'verify-full')
  )
}
const GUARD =
  'on another machine it needs sslmode=verify-full, and sslrootcert=FILE where its authority is not a public one'

/** Where connections may go, with commas between. */
const places = z.string().transform((text, { issues }) =>
  text.split(',').map((one): Place => {
    const place = parsePlace(one.trim())
    if (place) return place
    const message = `${one.trim() || 'nothing'} is none of idp.example.net, *.example.net, 192.0.2.0/24 or [2001:db8::1], with :PORT or without`
    issues.push({ code: 'custom', message, input: text })
    return z.NEVER
  }),
)

/** Networks, with commas. */
const prefixes = z.string().transform((text, { issues }) =>
  text.split(',').flatMap((one): Prefix[] => {
    const read = parsePrefix(one.trim())
    if (read.ok) return [read.value]
    issues.push({ code: 'custom', message: read.error, input: text })
    return []
  }),
)

/** Every variable that Weft reads, and what it may be. */
const Environment = z.object({
  WEFT_INSTANCE: z
    .string()
    .regex(/^[a-z0-9]{1,5}$/, 'one to five of a to z and 0 to 9')
    .default(DEFAULT_INSTANCE),
  WEFT_STATE: file.default(path.join(ROOT, '.weft')),
  WEFT_HOST: host.default('127.0.0.1'),
  WEFT_PORT: port.optional(),
  WEFT_OPENFLOW_HOST: host.default('127.0.0.1'),
  WEFT_OPENFLOW_PORT: port.optional(),
  WEFT_OVSDB_HOST: host.default('127.0.0.1'),
  WEFT_OVSDB_PORT: port.optional(),
  WEFT_SWITCH_TLS: z.enum(['required', 'accepted']).optional(),
  WEFT_SWITCH_TLS_CERTIFICATE: file.optional(),
  WEFT_SWITCH_TLS_KEY: file.optional(),
  WEFT_SWITCH_TLS_CA: file.optional(),
  WEFT_DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'a postgresql:// URL', abort: true })
    .refine(isGuarded, GUARD)
    .optional(),
  WEFT_SESSION_IDLE_MINUTES: minutes.default(480),
  WEFT_SESSION_MINUTES: minutes.default(1440),
  WEFT_FRESH_MINUTES: minutes.default(10),
  WEFT_FIRST_OPERATOR: Name.default('admin'),
  WEFT_ADMINISTRATION_FROM: prefixes.optional(),
  WEFT_LOCAL_SIGN_IN: z.enum(['always', 'break-glass']).default('always'),
  WEFT_SECOND_FACTOR: z.enum(['optional', 'required', 'passkey', 'hardware']).optional(),
  WEFT_FIRST_PASSWORD_HOURS: hours.default(72),
  WEFT_SIGN_IN_TRIES: count.default(10),
  WEFT_SIGN_IN_TRIES_PER_ADDRESS: count.default(50),
  WEFT_FEDERATED_TRIES_PER_ADDRESS: count.default(1000),
  WEFT_SIGN_IN_WINDOW_MINUTES: minutes.default(15),
  WEFT_BREACHED_PASSWORDS: file.optional(),
  WEFT_TOTP_STEPS_APART: z.coerce
    .number('0 or 1')
    .pipe(z.literal([0, 1], '0 or 1'))
    .default(0),
  WEFT_RATE_PER_ACCOUNT: count.default(6000),
  WEFT_RATE_PER_TOKEN: count.default(6000),
  WEFT_RATE_PER_ADDRESS: count.default(12_000),
  WEFT_RATE_PER_TENANT: count.default(30_000),
  WEFT_TOKEN: z.string().min(16).optional(),
  WEFT_AUDIT_FILE: file.optional(),
  WEFT_AUDIT_FILE_LINES: z.stringbool('true or false').default(false),
  WEFT_AUDIT_SYSLOG: syslog.optional(),
  WEFT_AUDIT_SYSLOG_CA: file.optional(),
  WEFT_AUDIT_SYSLOG_CERTIFICATE: file.optional(),
  WEFT_AUDIT_SYSLOG_KEY: file.optional(),
  WEFT_AUDIT_CHECKPOINT_LINES: count.default(1000),
  WEFT_AUDIT_CHECKPOINT_MINUTES: minutes.default(5),
  WEFT_METADATA_PRIVATE: z.stringbool('true or false').default(false),
  WEFT_METADATA_MINUTES: minutes.default(360),
  WEFT_RSA_BITS: z.coerce.number('a number of bits').int().min(2048).max(16_384).default(3072),
  WEFT_OUTBOUND: places.optional(),
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
export type Values = z.infer<typeof Environment>

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
  const towardsSwitches = [
    ...[values.WEFT_SWITCH_TLS_CERTIFICATE, values.WEFT_SWITCH_TLS_KEY, values.WEFT_SWITCH_TLS_CA],
  ]
  if (towardsSwitches.some((one) => one !== undefined) && towardsSwitches.includes(undefined))
    problems.push(
      'WEFT_SWITCH_TLS_CERTIFICATE, WEFT_SWITCH_TLS_KEY and WEFT_SWITCH_TLS_CA: an authority of yours needs all three',
    )
  return [...problems, ...outboundContradictions(values), ...keyContradictions(values), ...syslogContradictions(values)]
}

/** What is configured to be connected to has to be among the places; a name by its name, so that no look-up has to be believed. */
function outboundContradictions({ WEFT_OUTBOUND, WEFT_AUDIT_SYSLOG }: Values): string[] {
  if (!WEFT_OUTBOUND || !WEFT_AUDIT_SYSLOG || WEFT_AUDIT_SYSLOG.transport === 'unix') return []
  const { host, port } = WEFT_AUDIT_SYSLOG
  if (isNamed(WEFT_OUTBOUND, WEFT_AUDIT_SYSLOG)) return []
  return [`WEFT_AUDIT_SYSLOG: ${host}:${port} is none of the places that WEFT_OUTBOUND names; name it there as well`]
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

function syslogContradictions(values: Values): string[] {
  const { WEFT_AUDIT_SYSLOG, WEFT_AUDIT_SYSLOG_CA, WEFT_AUDIT_SYSLOG_CERTIFICATE, WEFT_AUDIT_SYSLOG_KEY } = values
  const problems: string[] = []
  if ((WEFT_AUDIT_SYSLOG_CERTIFICATE === undefined) !== (WEFT_AUDIT_SYSLOG_KEY === undefined))
    problems.push('WEFT_AUDIT_SYSLOG_CERTIFICATE and WEFT_AUDIT_SYSLOG_KEY: one is given without the other')
  if ((WEFT_AUDIT_SYSLOG_CA ?? WEFT_AUDIT_SYSLOG_CERTIFICATE) !== undefined && WEFT_AUDIT_SYSLOG?.transport !== 'tls')
    problems.push('WEFT_AUDIT_SYSLOG_CA, WEFT_AUDIT_SYSLOG_CERTIFICATE: only with WEFT_AUDIT_SYSLOG=tls://HOST:6514')
  return problems
}

/** Never shown, and handed to nobody but the engine. */
export const SECRETS: readonly string[] = [
  'WEFT_DATABASE_URL',
  'WEFT_METRICS_TOKEN',
  'WEFT_MASTER_KEY',
  'WEFT_PKCS11_PIN',
  'WEFT_TOKEN',
]

/** Checks every variable. Throws `ConfigError` that names all that are wrong at once, and shows no secret. */
export function validate(environment: Readonly<Record<string, string | undefined>>): Values {
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
