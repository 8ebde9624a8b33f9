import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { ConsoleRecord } from '#server/identity/federation/console-ports.ts'
import { newId } from '#server/identity/saml/message.ts'
import { readPost } from '#server/identity/saml/post.ts'
import type { IdpDescription } from '#server/identity/saml/provider.ts'
import { signRedirect } from '#server/identity/saml/redirect.ts'
import { checkResponse } from '#server/identity/saml/response.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { consoleAdministration } from '#server/inventory/consoles.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { fieldsOf } from '#test/peers/saml/browsing.ts'
import { bodyOf, type Credential, rsaCredential, signerOf } from '../../identity/saml/credentials.ts'
import type { SignInGround } from './ground.ts'

export interface TestConsole extends ConsoleRecord {
  readonly key: Credential
  readonly acsUrl: string
}

const SAML = 'urn:oasis:names:tc:SAML:2.0'

export const consoleMetadata = (
  entityId: string,
  { certificate }: Credential,
  acsUrl = `${entityId}/acs`,
) => `<md:EntityDescriptor xmlns:md="${SAML}:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${entityId}">
<md:SPSSODescriptor AuthnRequestsSigned="true" protocolSupportEnumeration="${SAML}:protocol">
${['signing', 'encryption']
  .map(
    (use) =>
      `<md:KeyDescriptor use="${use}"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${bodyOf(certificate)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
  )
  .join('\n')}
<md:AssertionConsumerService Binding="${SAML}:bindings:HTTP-POST" Location="${acsUrl}" index="0" isDefault="true"/>
</md:SPSSODescriptor></md:EntityDescriptor>`

export interface Wanted {
  /** More attributes of the request. */
  readonly attributes?: string
  /** What the request holds after its issuer. */
  readonly inner?: string
  readonly acsUrl?: string
  readonly id?: string
}

export const PERSISTENT = `<samlp:NameIDPolicy Format="${SAML}:nameid-format:persistent" AllowCreate="true"/>`

/** Consoles that tests speak for, in front of a server whose people sign in. */
export function consoleGround(ground: SignInGround) {
  const store = consoleAdministration(ground.database)
  const ssoUrl = `${ground.origin}/saml/idp/sso`
  const entityId = `${ground.origin}/saml/idp/metadata`

  async function register(more: Partial<ConsoleRecord> = {}): Promise<TestConsole> {
    const [name, key] = [`fw-${randomBytes(4).toString('hex')}`, rsaCredential(2_048)]
    const entity = `https://${name}.example.org/sp`
    const made = await store.create(EVERYTHING, {
      ...{ id: uuidv7(), name, displayName: `Firewall ${name}`, tenantId: null, entityId: entity, homeUrl: null },
      ...{ metadata: consoleMetadata(entity, key), release: [], encrypt: false },
      ...more,
    })
    return { ...made, key, acsUrl: `${entity}/acs` }
  }

  function requestOf(of: TestConsole, { attributes = '', inner = PERSISTENT, acsUrl, id = newId() }: Wanted = {}) {
    const address = acsUrl === undefined ? '' : ` AssertionConsumerServiceURL="${acsUrl}"`
    const xml = `<samlp:AuthnRequest xmlns:samlp="${SAML}:protocol" xmlns:saml="${SAML}:assertion" ID="${id}" Version="2.0" IssueInstant="${new Date().toISOString()}" Destination="${ssoUrl}"${address}${attributes}><saml:Issuer>${of.entityId}</saml:Issuer>${inner}</samlp:AuthnRequest>`
    return { id, xml }
  }

  /** The path with a signed request, and the request's id. */
  async function redirect(of: TestConsole, wanted: Wanted = {}, relayState = 'where it was', key = of.key) {
    const { id, xml } = requestOf(of, wanted)
    const url = await signRedirect(ssoUrl, { SAMLRequest: xml }, relayState, signerOf(key))
    return { id, path: url.slice(ground.origin.length) }
  }

  const postRequest = async (of: TestConsole, wanted: Wanted = {}, headers: Record<string, string> = {}) => {
    const { id, xml } = requestOf(of, wanted)
    const SAMLRequest = Buffer.from(await signXml(xml, id, signerOf(of.key))).toString('base64')
    const answer = await fetch(ssoUrl, {
      ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams({ SAMLRequest }) },
      headers: { origin: `https://${of.name}.example.org`, 'sec-fetch-site': 'cross-site', ...headers },
    })
    return { id, answer }
  }

  /** Somebody's browser, with the session that it has. */
  function browser(session = '') {
    const jar = new Map(session === '' ? [] : [session.split('=') as [string, string]])
    const cookie = () => [...jar].map((pair) => pair.join('=')).join('; ')
    const keep = (answer: Response) => {
      for (const line of answer.headers.getSetCookie()) {
        const [pair = ''] = line.split(';')
        jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
      }
      return answer
    }
    /** One step, not following where it leads. */
    const step = async (path: string) => keep(await ground.get(path, { cookie: cookie() }))
    return {
      ...{ step, cookie, keep },
      /** Follows the server's own addresses of consoles' sign-in until they lead elsewhere. */
      async go(path: string) {
        let answer = await step(path)
        for (let hop = 0; hop < 5; hop++) {
          const next = answer.headers.get('location') ?? ''
          if (!next.startsWith('/saml/idp/')) break
          answer = await step(next)
        }
        return answer
      },
    }
  }

  const described = (): IdpDescription => ({
    ...{ entityId, signingCertificates: [ground.own.certificate], singleSignOn: [], singleLogout: [] },
    ...{ wantAuthnRequestsSigned: true, nameIdFormats: [] },
  })

  /** What the page that the browser got posts to the console. */
  async function posted(answer: Response) {
    const html = await answer.text()
    const fields = fieldsOf(html)
    const action = /<form[^>]* action="([^"]*)"/.exec(html)?.[1] ?? ''
    const read = readPost(fields)
    if (!read.ok) throw new Error(`no response in: ${html.slice(0, 500)}`)
    const codes = [...read.value.xml.matchAll(/<samlp:StatusCode Value="[^"]*:([^":]+)"/g)].map(([, code]) => code)
    return { html, action, xml: read.value.xml, relayState: fields.RelayState, codes }
  }

  /** The response as the console reads it. */
  async function accepted(of: TestConsole, answer: Response, requestId: string | undefined) {
    const { xml } = await posted(answer)
    const checked = await checkResponse(xml, {
      ...{ provider: described(), requestId, allowUnsolicited: true, now_ms: Date.now(), skew_ms: 0 },
      own: { entityId: of.entityId, acsUrl: of.acsUrl, sloUrl: '', sloSoapUrl: '' },
      decrypter: { privateKeys: async () => [of.key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()] },
    })
    if (!checked.ok) throw new Error(`${checked.reason}: ${checked.detail} in ${xml}`)
    return checked.value
  }

  return { store, ssoUrl, entityId, register, requestOf, redirect, postRequest, browser, posted, accepted }
}
