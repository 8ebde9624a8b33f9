import { type SignatureAlgorithm, SignedXml } from 'xml-crypto'
import { NS } from './names.ts'
import type { SamlSigner } from './provider.ts'

const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256'
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#'

type Callback = (error: Error | null, value?: string) => void

/** RSA-SHA256 whose key is elsewhere: xml-crypto hands over the octets and waits. */
const signingBy = (signer: SamlSigner) =>
  class implements SignatureAlgorithm {
    getAlgorithmName = () => RSA_SHA256
    verifySignature = (): boolean => false
    getSignature = ((octets: string, _key: unknown, callback: Callback): void => {
      signer.sign(Buffer.from(octets)).then(
        (value) => callback(null, value.toString('base64')),
        (error: Error) => callback(error),
      )
    }) as SignatureAlgorithm['getSignature']
  }

/** Where a signature stands: after the Issuer of a message or assertion, or first, as in metadata. */
export type Placement = 'after-issuer' | 'first'

/**
 * Signs the element with that ID: an enveloped RSA-SHA256 signature with the signer's certificate in it. `xml` is a
 * message of our own making. Rejects when the signer does.
 */
export function signXml(
  xml: string,
  elementId: string,
  signer: SamlSigner,
  placement: Placement = 'after-issuer',
): Promise<string> {
  if (!/^[\w.-]+$/.test(elementId)) return Promise.reject(new Error('An ID has letters, digits, dots, dashes.'))
  const target = `//*[@ID='${elementId}']`
  const signed = new SignedXml({
    // The key is the signer's: this stands in for it, since xml-crypto asks for one.
    privateKey: 'elsewhere',
    publicCert: signer.certificate,
    signatureAlgorithm: RSA_SHA256,
    canonicalizationAlgorithm: EXCLUSIVE,
  })
  signed.SignatureAlgorithms = { [RSA_SHA256]: signingBy(signer) }
  signed.addReference({ xpath: target, transforms: [ENVELOPED, EXCLUSIVE], digestAlgorithm: SHA256 })
  const location =
    placement === 'first'
      ? ({ reference: target, action: 'prepend' } as const)
      : ({
          reference: `${target}/*[local-name(.)='Issuer' and namespace-uri(.)='${NS.assertion}']`,
          action: 'after',
        } as const)
  return new Promise((resolve, reject) => {
    signed.computeSignature(xml, { prefix: 'ds', location }, (error, done) =>
      error ? reject(error) : resolve(done?.getSignedXml() ?? ''),
    )
  })
}
