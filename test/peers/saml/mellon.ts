import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { run } from '#server/lab/command.ts'
import { textOf } from './browsing.ts'
import { answers, freePort, makeKeyPair, makePeerFolder, removePeerFolder, startPeerProcess } from './process.ts'

const MODULES = '/usr/lib/apache2/modules'
const LOADED = [
  ...['mpm_prefork', 'authn_core', 'authz_core', 'authz_user', 'dir', 'mime', 'env', 'alias', 'include', 'headers'],
  'auth_mellon',
]

export interface MellonSettings {
  /** Part of the cookie's name; two that run at the same time need two names. */
  readonly name: string
  /** XML; without it nobody can sign in until `trust` is called. */
  readonly identityProvider?: string
  /** Default 127.0.0.1; another address of the loopback network is another site for a browser. */
  readonly address?: string
  /** URI of the format that it asks for; transient, as it generates its metadata, by default. */
  readonly nameIdFormat?: string
}

export interface Mellon {
  readonly origin: string
  readonly entityId: string
  /** A page for people who are signed in; it shows who they are. */
  readonly secretUrl: string
  /** Where a person signs out here, and with the identity provider. */
  logoutUrl(returnTo?: string): string
  /** Where logout messages go, by SOAP and by redirect. */
  readonly singleLogoutUrl: string
  /** PEM. */
  readonly certificate: string
  /** Its metadata as it generates them: redirect and SOAP logout, responses by POST. */
  metadata(): Promise<string>
  /** Takes this metadata for its identity provider, and starts again: sessions are forgotten. */
  trust(identityProvider: string): Promise<void>
  log(): string
  pids(): number[]
  /** Is down until `resume`, on the same port. */
  halt(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

/**
 * What the page at `secretUrl` shows: `NAME_ID`, `IDP` and attributes by their names, several values joined with `;`.
 * mod_auth_mellon leaves `<`, `>` and `&` of attributes as the references that they are in XML.
 */
export function identityShown(html: string): Record<string, string> {
  const shown = /<pre id="identity">([\s\S]*?)<\/pre>/.exec(html)?.[1] ?? ''
  return Object.fromEntries(
    shown.split('\n').flatMap((line) => {
      const [, name, value] = /^MELLON_([^=]+)=(.*)$/.exec(line) ?? []
      return name === undefined ? [] : [[name, textOf(value ?? '')]]
    }),
  )
}

const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Firewall console</title></head>
<body><h1>Firewall console</h1><p>Signed in as <strong id="user"><!--#echo encoding="entity" var="REMOTE_USER" --></strong></p>
<pre id="identity"><!--#printenv --></pre></body></html>
`

const configurationOf = (folder: string, authority: string, entityId: string, name: string, metadataFile?: string) => `
ServerRoot ${folder}
ServerName ${authority}
Listen ${authority}
PidFile ${folder}/run/httpd.pid
DefaultRuntimeDir ${folder}/run
Mutex file:${folder}/run
User www-data
Group www-data
StartServers 2
ErrorLog ${folder}/error.log
LogLevel info auth_mellon:debug
${LOADED.map((module) => `LoadModule ${module}_module ${MODULES}/mod_${module}.so`).join('\n')}
TypesConfig /etc/mime.types
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
DocumentRoot ${folder}/pages
DirectoryIndex index.shtml index.html
MellonLockFile ${folder}/run/mellon.lock
<Directory ${folder}/pages>
 Options +Includes
 Require all granted
</Directory>
<Location />
 MellonEnable "info"
 MellonEndpointPath "/mellon"
 MellonSPentityId "${entityId}"
 MellonSPPrivateKeyFile ${folder}/${name}.key
 MellonSPCertFile ${folder}/${name}.crt
 MellonSignatureMethod rsa-sha256
 MellonVariable "${name}"
 MellonSecureCookie On
 MellonCookieSameSite none
 MellonSubjectConfirmationDataAddressCheck Off
 MellonMergeEnvVars On ";"
 MellonIdP "IDP"
 MellonIdPMetadataGlob ${folder}/trusted/*.xml
 ${metadataFile === undefined ? '' : `MellonSPMetadataFile ${metadataFile}`}
 Header always set Cache-Control no-store
</Location>
<Location /secret>
 MellonEnable "auth"
 Require valid-user
</Location>
`

async function writeFiles(folder: string, name: string): Promise<string> {
  for (const inside of ['run', 'trusted', 'pages', 'pages/secret']) mkdirSync(path.join(folder, inside))
  writeFileSync(path.join(folder, 'pages/index.html'), '<!doctype html><title>Signed out</title><h1>Signed out</h1>')
  writeFileSync(path.join(folder, 'pages/secret/index.shtml'), PAGE)
  const { certificate, keyFile } = await makeKeyPair(folder, name)
  // Apache's children read the key as www-data.
  const [user, group] = (await run(['getent', 'passwd', 'www-data'])).split(':').slice(2, 4).map(Number)
  chownSync(keyFile, user as number, group as number)
  chownSync(path.join(folder, 'run'), user as number, group as number)
  chmodSync(folder, 0o755)
  return certificate
}

/** Apache with mod_auth_mellon, a service provider, on a free port of the loopback network. */
export async function startMellon(settings: MellonSettings): Promise<Mellon> {
  const { name, address = '127.0.0.1' } = settings
  const folder = makePeerFolder(`sp-${name}`)
  const authority = `${address}:${await freePort(address)}`
  const origin = `http://${authority}`
  const entityId = `${origin}/mellon/metadata`
  const certificate = await writeFiles(folder, name)
  const configuration = path.join(folder, 'httpd.conf')
  writeFileSync(configuration, configurationOf(folder, authority, entityId, name))
  const trusted = path.join(folder, 'trusted', 'identity-provider.xml')
  if (settings.identityProvider !== undefined) writeFileSync(trusted, settings.identityProvider)
  const serve = () =>
    startPeerProcess(['apache2', '-f', configuration, '-D', 'FOREGROUND'], {
      folder,
      ready: () => answers(`${origin}/`),
    })
  let process = await serve()
  const metadata = async () => (await fetch(entityId)).text()
  if (settings.nameIdFormat !== undefined) {
    const own = path.join(folder, 'metadata.xml')
    const format = `<NameIDFormat>${settings.nameIdFormat}</NameIDFormat>`
    writeFileSync(own, (await metadata()).replace(/<NameIDFormat>.*<\/NameIDFormat>/, format))
    await process.stop()
    writeFileSync(configuration, configurationOf(folder, authority, entityId, name, own))
    process = await serve()
  }

  return {
    origin,
    entityId,
    secretUrl: `${origin}/secret/`,
    singleLogoutUrl: `${origin}/mellon/logout`,
    certificate,
    logoutUrl: (returnTo = `${origin}/`) => `${origin}/mellon/logout?${new URLSearchParams({ ReturnTo: returnTo })}`,
    metadata,
    async trust(identityProvider) {
      await process.stop()
      writeFileSync(trusted, identityProvider)
      process = await serve()
    },
    log: () => `${process.log()}${readFileSync(path.join(folder, 'error.log'), 'utf8')}`,
    pids: () => process.pids(),
    halt: () => process.stop(),
    async resume() {
      process = await serve()
    },
    async stop() {
      await process.stop()
      removePeerFolder(folder)
    },
  }
}
