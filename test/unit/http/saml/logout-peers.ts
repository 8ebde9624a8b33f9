import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { v7 as uuidv7 } from 'uuid'
import type { Side } from '#server/identity/federation/logout-ports.ts'
import {
  buildLogoutRequest,
  buildLogoutResponse,
  checkLogoutRequest,
  checkLogoutResponse,
  type LogoutOutcome,
  type LogoutRequestParts,
} from '#server/identity/saml/logout.ts'
import { newId } from '#server/identity/saml/message.ts'
import type { NameId } from '#server/identity/saml/provider.ts'
import { readRedirect, signRedirect } from '#server/identity/saml/redirect.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { unwrapSoap, wrapSoap } from '#server/identity/saml/soap.ts'
import { rsaCredential, signerOf } from '../../identity/saml/credentials.ts'
import { taken } from '../../identity/saml/parties.ts'
import { member, type Provider, type SignInGround } from './ground.ts'

/** Providers and consoles that tests speak for, made of the core: they check what they are sent, and answer. */

type Bindings = readonly ('redirect' | 'soap')[]

const pemBody = (certificate: string) => certificate.replace(/-----[^-]+-----|\s/g, '')

function metadataOf(side: Side, entityId: string, certificate: string, soapUrl: string, bindings: Bindings): string {
  const slo = {
    redirect: `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${entityId}/slo" ResponseLocation="${entityId}/slo-done"/>`,
    soap: `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="${soapUrl}"/>`,
  }
  const [role, service] =
    side === 'provider'
      ? [
          'IDPSSODescriptor',
          `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${entityId}/sso"/>`,
        ]
      : [
          'SPSSODescriptor',
          `<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="${entityId}/acs" index="0"/>`,
        ]
  return `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${entityId}">
<md:${role} protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
<ds:X509Certificate>${pemBody(certificate)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
${bindings.map((binding) => slo[binding]).join('')}${service}</md:${role}></md:EntityDescriptor>`
}

interface SoapPeer {
  /** How it answers logout requests; `silent`: not at all. */
  outcome: LogoutOutcome | 'silent' | 'unsigned'
  /** Names in the requests that it was sent, and found good. */
  readonly told: NameId[]
}

const ownOf = ({ origin }: SignInGround, side: Side) => {
  const base = side === 'provider' ? `${origin}/saml` : `${origin}/saml/idp`
  return { entityId: `${base}/metadata`, sloUrl: `${base}/slo`, sloSoapUrl: `${base}/slo/soap` }
}

/** One who speaks logout with the console under test: its keys, its metadata, and a port where SOAP comes in. */
async function startPeer(ground: SignInGround, side: Side, bindings: Bindings) {
  const key = rsaCredential(2_048)
  const signer = signerOf(key)
  const entityId = `https://${side}-${randomBytes(4).toString('hex')}.example.org`
  const ours = ownOf(ground, side)
  const sender = { entityId: ours.entityId, signingCertificates: [ground.own.certificate] }
  const soap: SoapPeer = { outcome: 'success', told: [] }
  const server = createServer(async (request, response) => {
    const xml = taken(unwrapSoap(await buffer(request)))
    if (soap.outcome === 'silent') return
    const arrival = { binding: 'soap' } as const
    const now_ms = Date.now()
    const asked = taken(await checkLogoutRequest(xml, { sender, arrival, destination: soapUrl, now_ms }))
    soap.told.push(asked.nameId)
    const id = newId()
    const outcome = soap.outcome === 'unsigned' ? 'success' : soap.outcome
    const answer = buildLogoutResponse({
      id,
      issuer: entityId,
      issueInstant_ms: now_ms,
      inResponseTo: asked.id,
      outcome,
    })
    const body = soap.outcome === 'unsigned' ? answer : await signXml(answer, id, signer)
    response.writeHead(200, { 'content-type': 'text/xml' }).end(wrapSoap(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const soapUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slo`
  const metadata = metadataOf(side, entityId, key.certificate, soapUrl, bindings)

  const build = (nameId: NameId, destination: string, more: Partial<LogoutRequestParts> = {}) => {
    const id = newId()
    const now_ms = Date.now()
    const parts = { id, issuer: entityId, destination, issueInstant_ms: now_ms, nameId, sessionIndexes: [] }
    return { id, xml: buildLogoutRequest({ ...parts, notOnOrAfter_ms: now_ms + 60_000, ...more }) }
  }
  return {
    ...{ side, entityId, key, signer, metadata, soap, ours, sloUrl: `${entityId}/slo`, build },
    /** The path and query by which a browser brings a request. */
    async asks(nameId: NameId, more: Partial<LogoutRequestParts> = {}, relayState?: string) {
      const { id, xml } = build(nameId, ours.sloUrl, more)
      const url = await signRedirect(ours.sloUrl, { SAMLRequest: xml }, relayState, signer)
      return { id, path: url.slice(ground.origin.length) }
    },
    async asksBySoap(nameId: NameId, more: Partial<LogoutRequestParts> = {}) {
      const { id, xml } = build(nameId, ours.sloSoapUrl, more)
      return { id, body: wrapSoap(await signXml(xml, id, signer)) }
    },
    /** The request of ours that a browser was sent on with: proved, as this peer would. */
    async received(location: string) {
      const rawQuery = location.slice(location.indexOf('?') + 1)
      const { xml, relayState } = taken(readRedirect(rawQuery))
      const input = { sender, arrival: { binding: 'redirect', rawQuery } as const, now_ms: Date.now() }
      const request = taken(await checkLogoutRequest(xml, { ...input, destination: `${entityId}/slo` }))
      return { request, relayState }
    },
    /** The path and query by which a browser brings the answer. */
    async answers(inResponseTo: string, relayState: string | undefined, outcome: LogoutOutcome = 'success') {
      const envelope = { id: newId(), issuer: entityId, issueInstant_ms: Date.now(), destination: ours.sloUrl }
      const xml = buildLogoutResponse({ ...envelope, inResponseTo, outcome })
      const url = await signRedirect(ours.sloUrl, { SAMLResponse: xml }, relayState, signer)
      return url.slice(ground.origin.length)
    },
    /** What our answer says, where a browser brings it. */
    answered(location: string, requestId: string) {
      const rawQuery = location.slice(location.indexOf('?') + 1)
      const { xml, relayState } = taken(readRedirect(rawQuery))
      const arrival = { binding: 'redirect', rawQuery } as const
      const destination = `${entityId}/slo-done`
      const { outcome } = taken(
        checkLogoutResponse(xml, { requestId, sender, arrival, destination, now_ms: Date.now() }),
      )
      return { outcome, relayState, at: location.split('?')[0] }
    },
    answeredBySoap(body: string, requestId: string) {
      const xml = taken(unwrapSoap(Buffer.from(body)))
      const input = { sender, arrival: { binding: 'soap' } as const, destination: 'none', now_ms: Date.now() }
      return taken(checkLogoutResponse(xml, { ...input, requestId })).outcome
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A provider of the installation that speaks logout. */
export async function startProvider(ground: SignInGround, bindings: Bindings) {
  const peer = await startPeer(ground, 'provider', bindings)
  const { entityId: issuer, metadata, key } = peer
  const provider: Provider = { ...(await ground.provider({ issuer, metadata, rules: [member] })), key }
  return { ...peer, provider }
}

/** A console that is registered, and speaks logout. */
export async function startConsole(ground: SignInGround, bindings: Bindings, name: string) {
  const peer = await startPeer(ground, 'console', bindings)
  const id = uuidv7()
  await ground.database.engine.query(
    'INSERT INTO service_provider (id, name, display_name, entity_id, metadata) VALUES ($1, $2, $3, $4, $5)',
    [id, `${name}-${randomBytes(4).toString('hex')}`, name, peer.entityId, peer.metadata],
  )
  return {
    ...peer,
    id,
    /** What the console calls the person of a session from now on: somebody signed in there. */
    async enter(sessionCookie: string, index = newId()): Promise<NameId> {
      const hash = hashOf(sessionCookie)
      const value = newId()
      await ground.database.engine.query(
        'INSERT INTO console_session (session_hash, service_provider_id, name_id, session_index) VALUES ($1, $2, $3, $4)',
        [hash, id, value, index],
      )
      const format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
      return { value, format, nameQualifier: ownOf(ground, 'console').entityId, spNameQualifier: peer.entityId }
    },
  }
}

/** As the store knows the session of a cookie. */
export const hashOf = (sessionCookie: string): string =>
  createHash('sha256')
    .update(sessionCookie.slice(sessionCookie.indexOf('=') + 1))
    .digest('hex')
