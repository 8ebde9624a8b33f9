import {
  buildLogoutRequest,
  buildLogoutResponse,
  checkLogoutResponse,
  type LogoutOutcome,
  type LogoutResponse,
} from '../saml/logout.ts'
import { type Arrival, newId } from '../saml/message.ts'
import { BINDING } from '../saml/names.ts'
import { readPost } from '../saml/post.ts'
import type { Endpoint, OwnIdp, OwnSp, SamlSigner } from '../saml/provider.ts'
import { readRedirect, signRedirect } from '../saml/redirect.ts'
import { type Checked, checking } from '../saml/result.ts'
import { signXml } from '../saml/sign.ts'
import { unwrapSoap, wrapSoap } from '../saml/soap.ts'
import type { Participant, Peer, Side } from './logout-ports.ts'

/** A message as the door hands it over. */
export type Arriving =
  | { readonly binding: 'redirect'; readonly rawQuery: string }
  | { readonly binding: 'post'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly binding: 'soap'; readonly body: Uint8Array }

/** A message that was read; nothing is proved. */
export interface Arrived {
  readonly kind: 'request' | 'response'
  readonly xml: string
  readonly relayState?: string
  readonly arrival: Arrival
}

/** Takes a message out of what carries it. */
export function readArriving(arriving: Arriving): Checked<Arrived> {
  return checking((trail) => {
    switch (arriving.binding) {
      case 'redirect':
        return { ...trail.take(readRedirect(arriving.rawQuery)), arrival: arriving }
      case 'post':
        return { ...trail.take(readPost(arriving.fields)), arrival: { binding: 'post' } }
      case 'soap':
        return { kind: 'request', xml: trail.take(unwrapSoap(arriving.body)), arrival: { binding: 'soap' } }
    }
  })
}

/** Where an outgoing message goes: an address for a browser, or an envelope for a machine. */
export interface RedirectRequest {
  readonly requestId: string
  readonly url: string
}
export interface SoapRequest extends RedirectRequest {
  readonly body: string
}

export interface LogoutMessageParts {
  readonly own: { readonly sp: OwnSp; readonly idp: OwnIdp }
  readonly signer: () => Promise<SamlSigner>
}

const REQUEST_LIFE_MS = 300_000

export const endpointOf = ({ singleLogout }: Peer, binding: 'redirect' | 'soap'): Endpoint | undefined =>
  singleLogout.find((endpoint) => endpoint.binding === BINDING[binding])

type Told = Pick<Participant, 'nameId' | 'sessionIndexes'>

/** Logout messages of ours, signed; and what comes back by SOAP. */
export function logoutMessages({ own, signer }: LogoutMessageParts) {
  const us = (side: Side) => (side === 'provider' ? own.sp : own.idp)

  function request({ side }: Peer, { nameId, sessionIndexes }: Told, destination: string, now_ms: number) {
    const requestId = newId()
    const xml = buildLogoutRequest({
      ...{ id: requestId, issuer: us(side).entityId, destination, issueInstant_ms: now_ms },
      ...{ nameId, sessionIndexes, notOnOrAfter_ms: now_ms + REQUEST_LIFE_MS },
    })
    return { requestId, xml }
  }

  function answer({ side }: Peer, inResponseTo: string, outcome: LogoutOutcome, now_ms: number, destination?: string) {
    const id = newId()
    const envelope = { id, issuer: us(side).entityId, issueInstant_ms: now_ms }
    const where = destination === undefined ? {} : { destination }
    return { id, xml: buildLogoutResponse({ ...envelope, ...where, inResponseTo, outcome }) }
  }

  return {
    us,
    /** Undefined: the peer takes none by redirect. */
    async redirectRequest(
      peer: Peer,
      told: Told,
      relayState: string,
      now_ms: number,
    ): Promise<RedirectRequest | undefined> {
      const endpoint = endpointOf(peer, 'redirect')
      if (endpoint === undefined) return undefined
      const { requestId, xml } = request(peer, told, endpoint.location, now_ms)
      return {
        requestId,
        url: await signRedirect(endpoint.location, { SAMLRequest: xml }, relayState, await signer()),
      }
    },
    /** Undefined: the peer takes none by SOAP. */
    async soapRequest(peer: Peer, told: Told, now_ms: number): Promise<SoapRequest | undefined> {
      const endpoint = endpointOf(peer, 'soap')
      if (endpoint === undefined) return undefined
      const { requestId, xml } = request(peer, told, endpoint.location, now_ms)
      return { requestId, url: endpoint.location, body: wrapSoap(await signXml(xml, requestId, await signer())) }
    },
    readSoapAnswer: (peer: Peer, requestId: string, body: string, now_ms: number): Checked<LogoutResponse> =>
      checking((trail) => {
        const xml = trail.take(unwrapSoap(Buffer.from(body)))
        const destination = us(peer.side).sloSoapUrl
        const { skew_ms } = peer
        return trail.take(
          checkLogoutResponse(xml, {
            ...{ requestId, sender: peer, destination, arrival: { binding: 'soap' }, now_ms, skew_ms },
          }),
        )
      }),
    /** Undefined: the peer takes no answers by redirect. */
    async redirectAnswer(
      peer: Peer,
      inResponseTo: string,
      outcome: LogoutOutcome,
      relayState: string | null,
      now_ms: number,
    ): Promise<string | undefined> {
      const endpoint = endpointOf(peer, 'redirect')
      if (endpoint === undefined) return undefined
      const destination = endpoint.responseLocation ?? endpoint.location
      const { xml } = answer(peer, inResponseTo, outcome, now_ms, destination)
      return signRedirect(destination, { SAMLResponse: xml }, relayState ?? undefined, await signer())
    },
    async soapAnswer(peer: Peer, inResponseTo: string, outcome: LogoutOutcome, now_ms: number): Promise<string> {
      const { id, xml } = answer(peer, inResponseTo, outcome, now_ms)
      return wrapSoap(await signXml(xml, id, await signer()))
    },
  }
}
export type LogoutMessages = ReturnType<typeof logoutMessages>
