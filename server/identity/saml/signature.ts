import { createPublicKey, hash, type KeyLike, type KeyObject, verify } from 'node:crypto'
import { type HashAlgorithm, type SignatureAlgorithm, SignedXml } from 'xml-crypto'
import { RSA_BITS_FLOOR } from './key-strength.ts'
import type { XmlLimits } from './lexer.ts'
import { NS } from './names.ts'
import { attributeOf, childrenOf, elementsOf, isNamed, textOf } from './nodes.ts'
import { type Checked, checking, refuse } from './result.ts'
import { MESSAGE_LIMITS, parseStrict, type StrictXml } from './xml.ts'

/** Verification of enveloped XML signatures. The one verifier is xml-crypto; what is here is what it may be given. */

const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#'
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'
const CURVES: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1']
const PREFIX_LIST_MAX = 256

type KeyKind = 'rsa' | 'ec'
type Hash = 'sha256' | 'sha384' | 'sha512'

const DIGESTS: Readonly<Record<string, Hash>> = {
  'http://www.w3.org/2001/04/xmlenc#sha256': 'sha256',
  [`${MORE}sha384`]: 'sha384',
  'http://www.w3.org/2001/04/xmlenc#sha512': 'sha512',
}

const SIGNATURES: Readonly<Record<string, readonly [KeyKind, Hash]>> = {
  [`${MORE}rsa-sha256`]: ['rsa', 'sha256'],
  [`${MORE}rsa-sha384`]: ['rsa', 'sha384'],
  [`${MORE}rsa-sha512`]: ['rsa', 'sha512'],
  [`${MORE}ecdsa-sha256`]: ['ec', 'sha256'],
  [`${MORE}ecdsa-sha384`]: ['ec', 'sha384'],
  [`${MORE}ecdsa-sha512`]: ['ec', 'sha512'],
}

/** What xml-crypto knows of digests when it verifies for us. */
const hashAlgorithms = Object.fromEntries(
  Object.entries(DIGESTS).map(([name, digest]) => [
    name,
    class implements HashAlgorithm {
      getAlgorithmName = () => name
      getHash = (xml: string) => hash(digest, xml, 'base64')
    },
  ]),
)

/** What xml-crypto knows of signatures when it verifies for us: public keys of the fitting kind, and no way to sign. */
const signatureAlgorithms = Object.fromEntries(
  Object.entries(SIGNATURES).map(([name, [kind, digest]]) => [
    name,
    class implements SignatureAlgorithm {
      getAlgorithmName = () => name
      getSignature = (): never => refuse('fault', 'Signatures are verified here, not made.')
      verifySignature = (material: string, key: KeyLike, value: string): boolean =>
        (key as KeyObject).asymmetricKeyType === kind &&
        verify(
          digest,
          Buffer.from(material),
          { key: key as KeyObject, dsaEncoding: 'ieee-p1363' },
          Buffer.from(value, 'base64'),
        )
    },
  ]),
)

/** Children of an element by name: exactly these, in this order, of the signature namespace. */
function partsOf(parent: Element, names: readonly string[], optional?: string): Element[] {
  const parts = elementsOf(parent)
  const wanted = parts.length > names.length && optional !== undefined ? [...names, optional] : names
  const fits =
    parts.length === wanted.length && wanted.every((name, i) => isNamed(parts[i] as Element, NS.signature, name))
  if (!fits)
    refuse(
      'schema',
      `${parent.localName} holds ${parts
        .map(({ localName }) => localName)
        .join(', ')
        .slice(0, 200)}.`,
    )
  return parts
}

function checkTransforms(transforms: Element): void {
  const names = elementsOf(transforms).map((transform) => {
    if (!isNamed(transform, NS.signature, 'Transform')) refuse('schema', `Transforms holds ${transform.localName}.`)
    return attributeOf(transform, 'Algorithm') ?? 'none'
  })
  if (names.length !== 2 || names[0] !== ENVELOPED || names[1] !== EXCLUSIVE)
    refuse('signature-transform', `The transforms are ${names.join(', ').slice(0, 300) || 'none'}.`)
  const [enveloped, exclusive] = elementsOf(transforms) as [Element, Element]
  // Some signers write the prefixes at every transform; at this one they mean nothing.
  if (elementsOf(enveloped).some(({ localName }) => localName !== 'InclusiveNamespaces'))
    refuse('signature-transform', 'The enveloped-signature transform has parameters.')
  checkExclusive(exclusive)
}

/** Exclusive canonicalisation has at most one parameter: prefixes that are kept. */
function checkExclusive(method: Element): void {
  if (attributeOf(method, 'Algorithm') !== EXCLUSIVE)
    refuse(
      'signature-transform',
      `Canonicalisation is by ${(attributeOf(method, 'Algorithm') ?? 'none').slice(0, 100)}.`,
    )
  const [list, second] = elementsOf(method)
  if (list === undefined) return
  const prefixes = attributeOf(list, 'PrefixList') ?? ''
  if (second !== undefined || !isNamed(list, EXCLUSIVE, 'InclusiveNamespaces') || prefixes.length > PREFIX_LIST_MAX)
    refuse('signature-transform', 'Canonicalisation has parameters other than a short list of prefixes.')
}

function digestOf(method: Element): Hash {
  const name = attributeOf(method, 'Algorithm') ?? 'none'
  const digest = Object.hasOwn(DIGESTS, name) ? DIGESTS[name] : undefined
  if (digest === undefined || elementsOf(method).length > 0)
    return refuse('signature-algorithm', `The digest is made by ${name.slice(0, 100)}.`)
  return digest
}

function checkReference(reference: Element, id: string): void {
  const uri = attributeOf(reference, 'URI')
  if (uri !== `#${id}`)
    refuse(
      'signature-reference',
      `The signature speaks of ${uri === undefined || uri === '' ? 'the whole document' : uri.slice(0, 100)}, not of #${id.slice(0, 100)}, in which it is.`,
    )
  const [transforms, method, value] = partsOf(reference, ['Transforms', 'DigestMethod', 'DigestValue'])
  checkTransforms(transforms as Element)
  const digest = digestOf(method as Element)
  // A canonicalisation that fails gives nothing, in some libraries, and nothing has a digest that everybody knows.
  if (textOf(value as Element).trim() === hash(digest, '', 'base64'))
    refuse('canonicalisation', 'The digest is that of nothing.')
}

/** The whole shape of a signature, before any of it is used. Answers the algorithm. */
function checkShape(signature: Element, id: string): readonly [KeyKind, Hash] {
  const [info] = partsOf(signature, ['SignedInfo', 'SignatureValue'], 'KeyInfo')
  if (childrenOf(info as Element, NS.signature, 'Reference').length !== 1)
    refuse('signature-reference', 'The signature does not have exactly one reference.')
  const [canonical, method, reference] = partsOf(info as Element, [
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
  ])
  checkExclusive(canonical as Element)
  const name = attributeOf(method as Element, 'Algorithm') ?? 'none'
  const algorithm = Object.hasOwn(SIGNATURES, name) ? SIGNATURES[name] : undefined
  if (algorithm === undefined || elementsOf(method as Element).length > 0)
    return refuse('signature-algorithm', `The signature is made by ${name.slice(0, 100) || 'nothing'}.`)
  checkReference(reference as Element, id)
  return algorithm
}

/** The keys of certificates that may verify with an algorithm of that kind. */
function keysOf(certificates: readonly string[], kind: KeyKind): KeyObject[] {
  if (certificates.length === 0) refuse('no-key', 'No signing certificate is stored for the sender.')
  const keys = certificates.flatMap((certificate) => {
    try {
      const key = createPublicKey(certificate)
      const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
      const strong = kind === 'rsa' ? modulusLength >= RSA_BITS_FLOOR : CURVES.includes(namedCurve)
      return key.asymmetricKeyType === kind && strong ? [key] : []
    } catch {
      return []
    }
  })
  if (keys.length === 0) refuse('signature-key', 'No stored certificate has a key that fits the algorithm.')
  return keys
}

type Attempt = { readonly signed: string } | { readonly failed: 'digest' | 'value' }

/** One try of xml-crypto with one key. KeyInfo is not looked at: `getCertFromKeyInfo` answers nothing. */
function attempt(document: StrictXml, signature: Element, key: KeyObject): Attempt {
  const verifier = new SignedXml({ publicCert: key, getCertFromKeyInfo: () => null })
  const { [ENVELOPED]: enveloped, [EXCLUSIVE]: exclusive } = verifier.CanonicalizationAlgorithms
  if (enveloped === undefined || exclusive === undefined) return refuse('fault', 'The verifier lacks a transform.')
  verifier.CanonicalizationAlgorithms = { [ENVELOPED]: enveloped, [EXCLUSIVE]: exclusive }
  // The strict layer refused IDs that are there twice, in any spelling; each spelling costs another walk of the tree.
  verifier.idAttributes = ['ID']
  verifier.HashAlgorithms = hashAlgorithms
  verifier.SignatureAlgorithms = signatureAlgorithms
  try {
    verifier.loadSignature(signature)
    if (!verifier.checkSignature(document.text)) return { failed: 'digest' }
  } catch (error) {
    if (/^invalid signature: the signature value/.test((error as Error).message)) return { failed: 'value' }
    return refuse('canonicalisation', `The signature cannot be processed: ${(error as Error).message.slice(0, 200)}`)
  }
  const [signed, second] = verifier.getSignedReferences()
  if (!signed?.startsWith('<') || second !== undefined) return refuse('canonicalisation', 'Nothing was signed.')
  return { signed }
}

function verifiedBytes(document: StrictXml, signature: Element, keys: readonly KeyObject[]): string {
  for (const key of keys) {
    const result = attempt(document, signature, key)
    if ('signed' in result) return result.signed
    if (result.failed === 'digest') refuse('signature-invalid', 'What was signed has been altered since.')
  }
  return refuse('signature-key', 'The signature was not made by a key that is stored for the sender.')
}

/**
 * Verifies the enveloped signature of `element`, which lies in `document`, by the keys of the sender's stored
 * certificates (PEM) alone. Answers what was signed, parsed again from the very bytes that the signature covers:
 * nothing else of the document may be believed.
 */
export function verifySignature(
  document: StrictXml,
  element: Element,
  certificates: readonly string[],
  limits: XmlLimits = MESSAGE_LIMITS,
): Checked<StrictXml> {
  return checking((trail) => {
    const name = element.localName
    const [signature, second] = childrenOf(element, NS.signature, 'Signature')
    if (signature === undefined) return refuse('unsigned', `The ${name} is not signed.`)
    if (second !== undefined) refuse('signature-count', `The ${name} has more than one signature.`)
    const id = attributeOf(element, 'ID') ?? ''
    if (!/^[\w.:-]{1,256}$/.test(id))
      refuse('signature-reference', `The ${name} has no ID that a signature could name.`)
    const [kind, digest] = checkShape(signature, id)
    const bytes = verifiedBytes(document, signature, keysOf(certificates, kind))
    const signed = trail.take(parseStrict(bytes, { namespace: element.namespaceURI ?? '', name }, limits))
    if (attributeOf(signed.root, 'ID') !== id) refuse('signature-reference', `The signature covers another ${name}.`)
    trail.pass(
      'signature',
      `The ${name} is signed (${kind.toUpperCase()} with ${digest.toUpperCase()}) by a key stored for the sender.`,
    )
    return signed
  })
}
