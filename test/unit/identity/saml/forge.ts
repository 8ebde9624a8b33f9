import { createHash, createHmac, createPublicKey, sign } from 'node:crypto'
import { DOMParser, XMLSerializer } from '@xmldom/xmldom'
import { type HashAlgorithm, type SignatureAlgorithm, SignedXml } from 'xml-crypto'
import { encrypt } from 'xml-encryption'
import type { IdpDescription, OwnSp } from '#server/identity/saml/provider.ts'
import type { ResponseInput } from '#server/identity/saml/response.ts'
import type { Credential } from './credentials.ts'

/** An identity provider for tests: it makes genuine responses, and signs whatever it is given by whatever it is told. */

export type SignedBy = 'response' | 'assertion' | 'both'
export const SIGNED_BY: readonly SignedBy[] = ['response', 'assertion', 'both']

const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#'

export const ALGORITHM = {
  rsaSha1: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
  rsaSha256: `${MORE}rsa-sha256`,
  rsaSha384: `${MORE}rsa-sha384`,
  rsaSha512: `${MORE}rsa-sha512`,
  ecdsaSha256: `${MORE}ecdsa-sha256`,
  ecdsaSha384: `${MORE}ecdsa-sha384`,
  ecdsaSha512: `${MORE}ecdsa-sha512`,
  hmacSha1: 'http://www.w3.org/2000/09/xmldsig#hmac-sha1',
  hmacSha256: `${MORE}hmac-sha256`,
} as const
export const DIGEST = {
  sha1: 'http://www.w3.org/2000/09/xmldsig#sha1',
  sha256: 'http://www.w3.org/2001/04/xmlenc#sha256',
  sha384: `${MORE}sha384`,
  sha512: 'http://www.w3.org/2001/04/xmlenc#sha512',
} as const
export const CIPHER = {
  aes128Gcm: 'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  aes256Gcm: 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  aes256Cbc: 'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
  tripleDes: 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc',
  rsaOaep: 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  rsa15: 'http://www.w3.org/2001/04/xmlenc#rsa-1_5',
} as const

export interface SigningWay {
  readonly algorithm?: string
  readonly digest?: string
  readonly transforms?: readonly string[]
  readonly canonicalization?: string
  /** Prefixes that exclusive canonicalisation keeps. */
  readonly prefixes?: readonly string[]
}

const hashName = (algorithm: string): string => /sha\d+$/.exec(algorithm)?.[0] ?? 'sha256'

function signatureValue(algorithm: string, octets: Buffer, { privateKey, certificate }: Credential): Buffer {
  // The confusion that makes HMAC dangerous: the public key, known to everybody, as the secret.
  if (algorithm.includes('hmac')) return createHmac(hashName(algorithm), certificate).update(octets).digest()
  return sign(hashName(algorithm), octets, { key: privateKey, dsaEncoding: 'ieee-p1363' })
}

/** An enveloped signature of the element with that ID, after its Issuer. */
export function signElement(xml: string, id: string, credential: Credential, way: SigningWay = {}): string {
  const { algorithm = ALGORITHM.rsaSha256, digest = DIGEST.sha256, transforms = [ENVELOPED, EXCLUSIVE] } = way
  const signed = new SignedXml({
    privateKey: credential.privateKey,
    publicCert: credential.certificate,
    signatureAlgorithm: algorithm,
    canonicalizationAlgorithm: way.canonicalization ?? EXCLUSIVE,
  })
  signed.SignatureAlgorithms[algorithm] = class implements SignatureAlgorithm {
    getAlgorithmName = () => algorithm
    verifySignature = () => false
    getSignature = ((octets: string) =>
      signatureValue(algorithm, Buffer.from(octets), credential).toString(
        'base64',
      )) as SignatureAlgorithm['getSignature']
  }
  signed.HashAlgorithms[digest] = class implements HashAlgorithm {
    getAlgorithmName = () => digest
    getHash = (text: string) => createHash(hashName(digest)).update(text).digest('base64')
  }
  const xpath = `//*[@ID='${id}']`
  const inclusiveNamespacesPrefixList = [...(way.prefixes ?? [])]
  signed.addReference({ xpath, transforms, digestAlgorithm: digest, inclusiveNamespacesPrefixList })
  const location = { reference: `${xpath}/*[local-name(.)='Issuer']`, action: 'after' } as const
  signed.computeSignature(xml, { prefix: 'ds', location })
  return signed.getSignedXml()
}

export const NOW_ms = Date.parse('2026-11-21T12:00:00Z')
export const ISSUER = 'https://idp.example.org/saml'
export const OWN: OwnSp = {
  entityId: 'https://weft.example.org/saml/metadata',
  acsUrl: 'https://weft.example.org/saml/acs',
  sloUrl: 'https://weft.example.org/saml/slo',
  sloSoapUrl: 'https://weft.example.org/saml/slo/soap',
}
export const REQUEST_ID = '_request-1'

const time = (offset_s: number): string => new Date(NOW_ms + offset_s * 1000).toISOString()

/** A response as providers make them, not signed yet. `requestId` undefined: it answers none. */
export function writeResponse(requestId: string | undefined = REQUEST_ID): string {
  const answers = requestId === undefined ? '' : ` InResponseTo="${requestId}"`
  const string = 'xsi:type="xs:string"'
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" IssueInstant="${time(-1)}" Destination="${OWN.acsUrl}"${answers}><saml:Issuer>${ISSUER}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="_assertion" Version="2.0" IssueInstant="${time(-1)}"><saml:Issuer>${ISSUER}</saml:Issuer><saml:Subject><saml:NameID SPNameQualifier="${OWN.entityId}" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice@example.org</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="${time(300)}" Recipient="${OWN.acsUrl}"${answers}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${time(-30)}" NotOnOrAfter="${time(300)}"><saml:AudienceRestriction><saml:Audience>${OWN.entityId}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="${time(-5)}" SessionNotOnOrAfter="${time(28_800)}" SessionIndex="_session-1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="mail" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue ${string}>alice@example.org</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue ${string}>network &amp; fabric</saml:AttributeValue><saml:AttributeValue ${string}>operators</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>`
}

const idOf = (xml: string, name: string): string =>
  new RegExp(`<(?:\\w+:)?${name}\\b[^>]*?\\sID="([^"]+)"`).exec(xml)?.[1] ?? ''

/** Signs the assertion, the response, or both: the assertion first, since the response is around it. */
export function signResponse(xml: string, by: SignedBy, credential: Credential, way: SigningWay = {}): string {
  let signed = xml
  if (by !== 'response') signed = signElement(signed, idOf(signed, 'Assertion'), credential, way)
  if (by !== 'assertion') signed = signElement(signed, idOf(signed, 'Response'), credential, way)
  return signed
}

/** The EncryptedData of some XML. */
function encrypted(plain: string, certificate: string, cipher: string, wrapping: string): Promise<string> {
  const options = {
    rsa_pub: createPublicKey(certificate).export({ type: 'spki', format: 'pem' }).toString(),
    pem: certificate,
    encryptionAlgorithm: cipher,
    keyEncryptionAlgorithm: wrapping,
    disallowEncryptionWithInsecureAlgorithm: false,
    warnInsecureAlgorithm: false,
  }
  return new Promise((resolve, reject) =>
    encrypt(plain, options, (error, data) => {
      if (error !== null || data === undefined) return reject(error)
      resolve(
        data
          .replace(/<\?xml[^>]*\?>/, '')
          .replace(/>\s+</g, '><')
          .trim(),
      )
    }),
  )
}

/** Puts the encrypted form of the assertion, signed or not, in its place. */
export async function encryptAssertion(
  xml: string,
  certificate: string,
  cipher: string = CIPHER.aes256Gcm,
  wrapping: string = CIPHER.rsaOaep,
): Promise<string> {
  const document = new DOMParser().parseFromString(xml, 'text/xml')
  const assertion = document.getElementsByTagNameNS('urn:oasis:names:tc:SAML:2.0:assertion', 'Assertion')[0] as Element
  const data = await encrypted(new XMLSerializer().serializeToString(assertion), certificate, cipher, wrapping)
  const [before, , after] = xml.split(/(<saml:Assertion .*<\/saml:Assertion>)/s)
  return `${before}<saml:EncryptedAssertion>${data}</saml:EncryptedAssertion>${after}`
}

/** Puts the encrypted form of the subject's name, or of `plain`, in its place, before anything is signed. */
export async function encryptName(
  xml: string,
  certificate: string,
  cipher: string = CIPHER.aes256Gcm,
  wrapping: string = CIPHER.rsaOaep,
  plain?: string,
): Promise<string> {
  const [before, name = '', after] = xml.split(/(<saml:NameID .*?<\/saml:NameID>)/s)
  const declared = name.replace('<saml:NameID', '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"')
  const data = await encrypted(plain ?? declared, certificate, cipher, wrapping)
  return `${before}<saml:EncryptedID>${data}</saml:EncryptedID>${after}`
}

/** A genuine response, fresh and signed. */
export const genuine = (by: SignedBy, credential: Credential, way: SigningWay = {}): string =>
  signResponse(writeResponse(), by, credential, way)

/** A genuine response whose assertion is encrypted; signatures of the assertion are inside. */
export async function genuineEncrypted(
  by: SignedBy,
  credential: Credential,
  certificate: string,
  cipher?: string,
  wrapping?: string,
): Promise<string> {
  let xml = writeResponse()
  if (by !== 'response') xml = signElement(xml, '_assertion', credential)
  xml = await encryptAssertion(xml, certificate, cipher, wrapping)
  return by === 'assertion' ? xml : signElement(xml, '_response', credential)
}

export const describeProvider = (...credentials: readonly Credential[]): IdpDescription => ({
  entityId: ISSUER,
  signingCertificates: credentials.map(({ certificate }) => certificate),
  singleSignOn: [],
  singleLogout: [],
  wantAuthnRequestsSigned: false,
  nameIdFormats: [],
})

/** What we know when the genuine response comes in. */
export const inputFor = (provider: IdpDescription, keys: readonly Credential[] = []): ResponseInput => ({
  provider,
  own: OWN,
  requestId: REQUEST_ID,
  allowUnsolicited: false,
  now_ms: NOW_ms,
  skew_ms: 60_000,
  decrypter: {
    privateKeys: async () =>
      keys.map(({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
  },
})
