import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { buildAuthnRequest } from '#server/identity/saml/authn-request.ts'
import { newId } from '#server/identity/saml/message.ts'
import { idpMetadata, parseMetadata, spMetadata } from '#server/identity/saml/metadata.ts'
import { readPost } from '#server/identity/saml/post.ts'
import type {
  Identity,
  IdpDescription,
  OwnIdp,
  OwnSp,
  SamlDecrypter,
  SamlSigner,
} from '#server/identity/saml/provider.ts'
import { signRedirect } from '#server/identity/saml/redirect.ts'
import { checkResponse } from '#server/identity/saml/response.ts'
import type { Checked } from '#server/identity/saml/result.ts'
import { rsaCredential, signerOf } from '../../unit/identity/saml/credentials.ts'
import { type Browsing, passSimpleSamlForm, postedMessage } from './browsing.ts'
import type { IdentityProvider } from './simplesamlphp.ts'

/** What takes messages by SOAP: it is given the body and answers one. */
export type SoapTaker = (body: Buffer) => Promise<string>

/** Our side towards real peers, made of the core alone: keys, entity ids, metadata, and a port where SOAP comes in. */
export interface Ourselves {
  readonly origin: string
  readonly sp: OwnSp
  readonly idp: OwnIdp
  readonly signer: SamlSigner
  readonly decrypter: SamlDecrypter
  readonly spMetadata: string
  readonly idpMetadata: string
  /** What is done with the next messages at `PATH`. */
  takeSoap(path: string, taker: SoapTaker): void
  stop(): Promise<void>
}

export async function startOurselves(): Promise<Ourselves> {
  const credential = rsaCredential()
  const signer = signerOf(credential)
  const pem = credential.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const takers = new Map<string, SoapTaker>()
  const server = createServer(async (request, response) => {
    const taker = takers.get(request.url ?? '')
    if (taker === undefined) {
      response.writeHead(404).end()
      return
    }
    try {
      const answer = await taker(await buffer(request))
      response.writeHead(200, { 'content-type': 'text/xml' }).end(answer)
    } catch (error) {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sp: OwnSp = {
    entityId: `${origin}/saml/metadata`,
    acsUrl: `${origin}/saml/acs`,
    sloUrl: `${origin}/saml/slo`,
    sloSoapUrl: `${origin}/saml/slo/soap`,
  }
  const idp: OwnIdp = {
    entityId: `${origin}/saml/idp/metadata`,
    ssoUrl: `${origin}/saml/idp/sso`,
    sloUrl: `${origin}/saml/idp/slo`,
    sloSoapUrl: `${origin}/saml/idp/slo/soap`,
  }
  return {
    origin,
    sp,
    idp,
    signer,
    decrypter: { privateKeys: async () => [pem] },
    spMetadata: await spMetadata(sp, signer, [credential.certificate], []),
    idpMetadata: await idpMetadata(idp, signer, []),
    takeSoap: (path, taker) => void takers.set(path, taker),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The value of a check that must pass. Throws its refusal. */
export function accepted<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(`${checked.reason}: ${checked.detail}`)
  return checked.value
}

/** The identity provider that metadata describe. */
export function described(metadata: string): IdpDescription {
  const { idp } = accepted(parseMetadata(metadata, Date.now()))
  if (idp === undefined) throw new Error('no identity provider in there')
  return idp
}

export const queryOf = (url: string): string => url.slice(url.indexOf('?') + 1)

/** What the core makes of a posted response now; without `requestId` it may answer none. */
export function checkPosted(
  { sp, decrypter }: Ourselves,
  provider: IdpDescription,
  encoded: string,
  requestId?: string,
): Promise<Checked<Identity>> {
  return checkResponse(accepted(readPost({ SAMLResponse: encoded })).xml, {
    provider,
    own: sp,
    requestId,
    allowUnsolicited: requestId === undefined,
    now_ms: Date.now(),
    skew_ms: 60_000,
    decrypter,
  })
}

interface Asking {
  readonly forceAuthn?: boolean
  readonly nameIdFormat?: string
}

/** Our signed request to a provider, and the address that brings it there. */
export async function askSignIn(
  { sp, signer }: Ourselves,
  destination: string,
  { relayState, ...more }: Asking & { readonly relayState?: string } = {},
): Promise<{ requestId: string; url: string }> {
  const requestId = newId()
  const xml = buildAuthnRequest({ id: requestId, own: sp, destination, issueInstant_ms: Date.now(), ...more })
  return { requestId, url: await signRedirect(destination, { SAMLRequest: xml }, relayState, signer) }
}

/** Signs somebody in at SimpleSAMLphp by our request. Answers whom the response brings. */
export async function signInAt(
  ours: Ourselves,
  simple: IdentityProvider,
  browsing: Browsing,
  user: string,
  more: Asking = {},
): Promise<Identity> {
  const { requestId, url } = await askSignIn(ours, simple.singleSignOnUrl, { ...more, relayState: 'state-1' })
  const page = await passSimpleSamlForm(browsing, await browsing.open(url), user, `${user}pass`)
  const { encoded, action, relayState } = postedMessage(page)
  if (action !== ours.sp.acsUrl || relayState !== 'state-1') throw new Error(`posted to ${action} with ${relayState}`)
  return accepted(await checkPosted(ours, described(await simple.metadata()), encoded, requestId))
}
