import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { idpMetadata, spMetadata } from '#server/identity/saml/metadata.ts'
import type { OwnIdp, OwnSp, SamlDecrypter, SamlSigner } from '#server/identity/saml/provider.ts'
import { rsaCredential, signerOf } from '../../unit/identity/saml/credentials.ts'

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
