import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  answers,
  freePort,
  type KeyPair,
  makeKeyPair,
  makePeerFolder,
  removePeerFolder,
  startPeerProcess,
} from './process.ts'

/** Debian's package; its pages are served by PHP's own web server. */
const PAGES = '/usr/share/simplesamlphp/www'
const CONFIGURATION = path.join(import.meta.dirname, 'simplesamlphp')

const BINDING = 'urn:oasis:names:tc:SAML:2.0:bindings:'
const BINDINGS = { redirect: `${BINDING}HTTP-Redirect`, post: `${BINDING}HTTP-POST`, soap: `${BINDING}SOAP` } as const

export const NAME_ID_FORMATS = {
  persistent: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  transient: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
  emailAddress: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
} as const

export interface Person {
  readonly password: string
  readonly attributes: Readonly<Record<string, readonly string[]>>
}

/** Who may sign in unless the test says otherwise; names need more than ASCII and more than plain text in XML. */
export const PEOPLE: Readonly<Record<string, Person>> = {
  alice: {
    password: 'alicepass',
    attributes: {
      uid: ['alice'],
      mail: ['alice@tenant-a.example'],
      displayName: ['Alice Ödegård <&>'],
      groups: ['noc-admins', 'tenant-a'],
    },
  },
  bob: {
    password: 'bobpass',
    attributes: {
      uid: ['bob'],
      mail: ['bob@tenant-b.example'],
      displayName: ['Bob'],
      groups: ['noc-readonly', 'tenant-b'],
    },
  },
}

export interface SigningOptions {
  /** Default true. */
  readonly signResponse?: boolean
  /** Default true, whatever the service provider's metadata wants. */
  readonly signAssertion?: boolean
  /** Default false. SimpleSAMLphp 1.19 encrypts with AES-128-CBC and RSA-OAEP (MGF1 with SHA-1), nothing else. */
  readonly encryptAssertions?: boolean
  /** Default false: NameIDs of assertions and of logout requests are in plain. */
  readonly encryptNames?: boolean
  /** XML signature algorithm; RSA with SHA-256 by default. */
  readonly signatureAlgorithm?: string
  /** Sent unless the request asks for another; persistent by default. */
  readonly nameIdFormat?: keyof typeof NAME_ID_FORMATS
  /** What its metadata offers for logout. SimpleSAMLphp finds sessions by the browser's cookie: SOAP ends none of them. */
  readonly logoutBindings?: readonly (keyof typeof BINDINGS)[]
  /** How long assertions are valid; 300 s by default. */
  readonly assertionLifetime_s?: number
  /** Default false. */
  readonly signMetadata?: boolean
}

export interface IdentityProviderSettings {
  /** Part of cookie names and of the entity id; two that run at the same time need two names. */
  readonly name: string
  /** Metadata of service providers, XML. */
  readonly serviceProviders?: readonly string[]
  readonly users?: Readonly<Record<string, Person>>
  readonly options?: SigningOptions
  /** Default 127.0.0.1; another address of the loopback network is another site for a browser. */
  readonly address?: string
}

export interface IdentityProvider {
  readonly name: string
  readonly origin: string
  readonly entityId: string
  readonly metadataUrl: string
  readonly singleSignOnUrl: string
  readonly singleLogoutUrl: string
  /** As served now; with `validUntil` written into it when given (then without a signature, which it would break). */
  metadata(options?: { validUntil?: Date }): Promise<string>
  /** PEM of the key in use. */
  certificate(): string
  /** PEM of the key in use, so that a test can sign what only the provider could. */
  signingKey(): string
  addServiceProvider(metadata: string): void
  /** Changes how it signs and encrypts, from the next request on; what is not named goes back to its default. */
  configure(options: SigningOptions): void
  /** Where a person starts at the provider and ends at the service provider, with that deep link. */
  idpInitiatedUrl(serviceProvider: string, relayState?: string): string
  /** Where a person signs out at the provider. */
  logoutUrl(returnTo?: string): string
  /** Makes the next key and publishes it beside the one in use. */
  announceKey(): Promise<void>
  /** Signs with the announced key from now on, or with a fresh one that nobody was told of. */
  rotateKey(): Promise<void>
  /** What it wrote about its work. */
  log(): string
  pids(): number[]
  /** Is down until `resume`, on the same port with the same keys and people. */
  halt(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

const told = (options: SigningOptions, current: string, announced: string | undefined) => ({
  identityProvider: {
    privatekey: `${current}.key`,
    certificate: `${current}.crt`,
    ...(announced ? { new_privatekey: `${announced}.key`, new_certificate: `${announced}.crt` } : {}),
    'signature.algorithm': options.signatureAlgorithm ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    SingleLogoutServiceBinding: (options.logoutBindings ?? ['redirect']).map((binding) => BINDINGS[binding]),
    NameIDFormat: NAME_ID_FORMATS[options.nameIdFormat ?? 'persistent'],
    'assertion.lifetime': options.assertionLifetime_s ?? 300,
  },
  serviceProvider: {
    'saml20.sign.response': options.signResponse ?? true,
    'saml20.sign.assertion': options.signAssertion ?? true,
    'assertion.encryption': options.encryptAssertions ?? false,
    'nameid.encryption': options.encryptNames ?? false,
    ...(options.nameIdFormat ? { NameIDFormat: NAME_ID_FORMATS[options.nameIdFormat] } : {}),
    'validate.authnrequest': true,
  },
  signMetadata: options.signMetadata ?? false,
})

/** The keys that a provider has had, the one in use, and the one that is announced. */
async function keepKeys(folder: string, name: string) {
  const make = async (number: number) => ({
    name: `${name}-${number}`,
    ...(await makeKeyPair(folder, `${name}-${number}`)),
  })
  let made = 1
  let current: KeyPair & { name: string } = await make(made)
  let announced: typeof current | undefined
  return {
    current: () => current,
    announced: () => announced,
    announce: async () => {
      announced = await make(++made)
    },
    rotate: async () => {
      current = announced ?? (await make(++made))
      announced = undefined
    },
  }
}

const usersOf = (people: Readonly<Record<string, Person>>) =>
  Object.fromEntries(
    Object.entries(people).map(([name, { password, attributes }]) => [`${name}:${password}`, attributes]),
  )

function serve(folder: string, authority: string, metadataUrl: string) {
  return startPeerProcess(
    [
      ...['php', '-d', 'opcache.enable_cli=1', '-d', 'display_errors=0'],
      ...['-d', 'error_reporting=E_ALL & ~E_DEPRECATED & ~E_NOTICE', '-S', authority, '-t', PAGES],
    ],
    {
      folder,
      env: { SIMPLESAMLPHP_CONFIG_DIR: CONFIGURATION, WEFT_PEER_FOLDER: folder, PHP_CLI_SERVER_WORKERS: '4' },
      ready: () => answers(metadataUrl),
    },
  )
}

const withValidUntil = (xml: string, until: Date) =>
  xml
    .replace(/<ds:Signature[\s\S]*?<\/ds:Signature>/, '')
    .replace(/<md:EntityDescriptor /, `<md:EntityDescriptor validUntil="${until.toISOString()}" `)

/** A SimpleSAMLphp identity provider on a free port of the loopback network, with a form where people sign in. */
export async function startIdentityProvider(settings: IdentityProviderSettings): Promise<IdentityProvider> {
  const { name, address = '127.0.0.1' } = settings
  const folder = makePeerFolder(`idp-${name}`)
  for (const inside of ['data', 'tmp', 'service-providers']) mkdirSync(path.join(folder, inside))
  const authority = `${address}:${await freePort(address)}`
  const origin = `http://${authority}`
  const entityId = `${origin}/${name}`
  const salt = randomBytes(16).toString('hex')
  const keys = await keepKeys(folder, name)
  const users = usersOf(settings.users ?? PEOPLE)
  let options = settings.options ?? {}
  let providers = 0

  const tell = () => {
    const words = told(options, keys.current().name, keys.announced()?.name)
    writeFileSync(path.join(folder, 'peer.json'), JSON.stringify({ name, origin, entityId, salt, users, ...words }))
  }
  const addServiceProvider = (metadata: string) => {
    providers += 1
    writeFileSync(path.join(folder, 'service-providers', `${providers}.xml`), metadata)
  }
  const metadataUrl = `${origin}/saml2/idp/metadata.php`
  const singleSignOnUrl = `${origin}/saml2/idp/SSOService.php`
  const singleLogoutUrl = `${origin}/saml2/idp/SingleLogoutService.php`

  tell()
  for (const metadata of settings.serviceProviders ?? []) addServiceProvider(metadata)
  let process = await serve(folder, authority, metadataUrl)

  return {
    name,
    origin,
    entityId,
    metadataUrl,
    singleSignOnUrl,
    singleLogoutUrl,
    async metadata({ validUntil } = {}) {
      const xml = await (await fetch(metadataUrl)).text()
      return validUntil ? withValidUntil(xml, validUntil) : xml
    },
    certificate: () => keys.current().certificate,
    signingKey: () => keys.current().privateKey,
    addServiceProvider,
    configure(changed) {
      options = changed
      tell()
    },
    idpInitiatedUrl(serviceProvider, relayState) {
      const query = new URLSearchParams({ spentityid: serviceProvider })
      if (relayState !== undefined) query.set('RelayState', relayState)
      return `${singleSignOnUrl}?${query}`
    },
    logoutUrl: (returnTo = `${origin}/`) => `${singleLogoutUrl}?${new URLSearchParams({ ReturnTo: returnTo })}`,
    async announceKey() {
      await keys.announce()
      tell()
    },
    async rotateKey() {
      await keys.rotate()
      tell()
    },
    log() {
      const own = path.join(folder, 'simplesamlphp.log')
      return `${process.log()}${existsSync(own) ? readFileSync(own, 'utf8') : ''}`
    },
    pids: () => process.pids(),
    halt: () => process.stop(),
    async resume() {
      process = await serve(folder, authority, metadataUrl)
    },
    async stop() {
      await process.stop()
      removePeerFolder(folder)
    },
  }
}
