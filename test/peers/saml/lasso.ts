import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { answers, freePort, makeKeyPair, makePeerFolder, removePeerFolder, startPeerProcess } from './process.ts'
import { PEOPLE, type Person } from './simplesamlphp.ts'

export interface LassoSettings {
  readonly name: string
  /** Metadata of service providers, XML. */
  readonly serviceProviders?: readonly string[]
  readonly users?: Readonly<Record<string, Person>>
  /** What its metadata offers for logout; SOAP alone by default. */
  readonly logoutBindings?: readonly ('redirect' | 'soap')[]
  readonly address?: string
}

/** A response as a browser would post it. */
export interface PostedResponse {
  readonly action: string
  /** base64 of the XML. */
  readonly encoded: string
  readonly xml: string
  readonly relayState: string | undefined
}

export interface SoapLogout {
  /** The SOAP envelope that was sent. */
  readonly sent: string
  readonly status: number
  readonly answer: string
  /** What lasso has against the answer, its signature included; absent when it verified and says success. */
  readonly error?: string
}

/** A LogoutRequest that came in. */
export interface ReceivedLogout {
  readonly from?: string
  readonly nameId?: string
  /** Whose session it ended. */
  readonly user?: string
  /** Why lasso refused it; absent when it was signed by who it says and named a session. */
  readonly error?: string
}

export interface LassoIdentityProvider {
  readonly origin: string
  readonly entityId: string
  readonly singleSignOnUrl: string
  readonly soapLogoutUrl: string
  readonly certificate: string
  readonly signingKey: string
  metadata(): Promise<string>
  addServiceProvider(metadata: string): Promise<void>
  /** Where a person starts here, with a form (`username`, `password`), and ends at the service provider. */
  idpInitiatedUrl(serviceProvider: string, relayState?: string): string
  /**
   * Signs a person in without form and browser: to a service provider unasked, or answering the AuthnRequest in the raw
   * query of a redirect, whose signature lasso verifies. Rejects with lasso's words.
   */
  respond(
    user: string,
    to:
      | { readonly serviceProvider: string; readonly relayState?: string; readonly encrypt?: boolean }
      | { readonly query: string; readonly encrypt?: boolean },
  ): Promise<PostedResponse>
  /** Sends a signed LogoutRequest by SOAP for somebody who is signed in there, and verifies the answer. */
  logOut(user: string, serviceProvider: string): Promise<SoapLogout>
  /** The LogoutRequests that came in so far, by SOAP and by redirect, and how lasso judged them. */
  received(): Promise<ReceivedLogout[]>
  log(): string
  pids(): number[]
  stop(): Promise<void>
}

const metadataOf = (origin: string, entityId: string, certificate: string, bindings: readonly string[]) => {
  const key = certificate.replace(/-----[A-Z ]+-----|\s/g, '')
  const logout = {
    soap: `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="${origin}/slo/soap"/>`,
    redirect: `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${origin}/slo"/>`,
  }
  return `<?xml version="1.0"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${entityId}">
 <md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
  <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${key}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
  ${bindings.map((binding) => logout[binding as keyof typeof logout]).join('\n  ')}
  <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
  <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${origin}/sso"/>
 </md:IDPSSODescriptor>
</md:EntityDescriptor>
`
}

async function ask<T>(url: string, body?: string): Promise<T> {
  const answer = await fetch(url, body === undefined ? {} : { method: 'POST', body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`)
  return JSON.parse(text) as T
}

/** An identity provider on lasso, a SAML library in C: SOAP logout both ways, and a second opinion on our messages. */
export async function startLasso(settings: LassoSettings): Promise<LassoIdentityProvider> {
  const { name, address = '127.0.0.1' } = settings
  const folder = makePeerFolder(`lasso-${name}`)
  const port = await freePort(address)
  const origin = `http://${address}:${port}`
  const entityId = `${origin}/metadata`
  const keys = await makeKeyPair(folder, name)
  writeFileSync(
    path.join(folder, 'metadata.xml'),
    metadataOf(origin, entityId, keys.certificate, settings.logoutBindings ?? ['soap']),
  )
  const told = path.join(folder, 'settings.json')
  writeFileSync(told, JSON.stringify({ name, folder, address, port, people: settings.users ?? PEOPLE }))
  const process = await startPeerProcess(['/usr/bin/python3', path.join(import.meta.dirname, 'lasso_idp.py'), told], {
    folder,
    ready: () => answers(entityId),
  })
  const addServiceProvider = async (metadata: string) => {
    await ask(`${origin}/control/service-provider`, metadata)
  }
  for (const metadata of settings.serviceProviders ?? []) await addServiceProvider(metadata)

  return {
    origin,
    entityId,
    singleSignOnUrl: `${origin}/sso`,
    soapLogoutUrl: `${origin}/slo/soap`,
    certificate: keys.certificate,
    signingKey: keys.privateKey,
    metadata: async () => (await fetch(entityId)).text(),
    addServiceProvider,
    idpInitiatedUrl(serviceProvider, relayState) {
      const query = new URLSearchParams({ sp: serviceProvider })
      if (relayState !== undefined) query.set('RelayState', relayState)
      return `${origin}/sso?${query}`
    },
    async respond(user, to) {
      const wish = 'query' in to ? to : { sp: to.serviceProvider, relayState: to.relayState, encrypt: to.encrypt }
      const said = await ask<{ action: string; encoded: string; relayState: string | null }>(
        `${origin}/control/respond`,
        JSON.stringify({ user, ...wish }),
      )
      const xml = Buffer.from(said.encoded, 'base64').toString()
      return { action: said.action, encoded: said.encoded, xml, relayState: said.relayState ?? undefined }
    },
    logOut: (user, sp) => ask(`${origin}/control/logout`, JSON.stringify({ user, sp })),
    received: () => ask(`${origin}/control/received`),
    log: () => process.log(),
    pids: () => process.pids(),
    async stop() {
      await process.stop()
      removePeerFolder(folder)
    },
  }
}
