import type { Arrival, Sender } from '#server/identity/saml/message.ts'
import { NS } from '#server/identity/saml/names.ts'
import type { OwnIdp, SamlSigner } from '#server/identity/saml/provider.ts'
import { signRedirect } from '#server/identity/saml/redirect.ts'
import type { Checked } from '#server/identity/saml/result.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { parseStrict } from '#server/identity/saml/xml.ts'

/** Who speaks to whom in tests of messages, and how messages of one reach the other. */

export const OWN_IDP: OwnIdp = {
  entityId: 'https://weft.example.org/saml/idp/metadata',
  ssoUrl: 'https://weft.example.org/saml/idp/sso',
  sloUrl: 'https://weft.example.org/saml/idp/slo',
  sloSoapUrl: 'https://weft.example.org/saml/idp/slo/soap',
}

export const CONSOLE = 'https://firewall.example.org/sp'

export const reasonOf = (checked: Checked<unknown>): string => (checked.ok ? 'accepted' : checked.reason)

/** The value of a check that is expected to pass; throws its reason where it does not. */
export function taken<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(`${checked.reason}: ${checked.detail}`)
  return checked.value
}

const idOf = (xml: string): string => /\sID="([^"]*)"/.exec(xml)?.[1] ?? ''

/** A message as it comes in: its XML, and what its signature is found in. */
export interface Sent {
  readonly xml: string
  readonly arrival: Arrival
}

export async function byRedirect(
  xml: string,
  signer: SamlSigner,
  name: 'SAMLRequest' | 'SAMLResponse' = 'SAMLRequest',
): Promise<Sent> {
  const message = name === 'SAMLRequest' ? { SAMLRequest: xml } : { SAMLResponse: xml }
  const url = await signRedirect('https://there.example.org/', message, 'state', signer)
  return { xml, arrival: { binding: 'redirect', rawQuery: url.slice(url.indexOf('?') + 1) } }
}

export const bySoap = async (xml: string, signer: SamlSigner): Promise<Sent> => ({
  xml: await signXml(xml, idOf(xml), signer),
  arrival: { binding: 'soap' },
})

export const byPost = async (xml: string, signer: SamlSigner): Promise<Sent> => ({
  xml: await signXml(xml, idOf(xml), signer),
  arrival: { binding: 'post' },
})

export const unsigned = (xml: string, binding: 'post' | 'soap' = 'post'): Sent => ({ xml, arrival: { binding } })

/** The root of a message, to look at. */
export const rootOf = (xml: string, name: string): Element =>
  taken(parseStrict(xml, { namespace: NS.protocol, name })).root

export const senderOf = (entityId: string, ...signingCertificates: string[]): Sender => ({
  entityId,
  signingCertificates,
})
