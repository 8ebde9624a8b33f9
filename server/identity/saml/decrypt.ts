import { decrypt } from 'xml-encryption'
import { NS } from './names.ts'
import { allElements, attributeOf, childrenOf, elementsOf, isNamed } from './nodes.ts'
import { type Checked, checking, refuse } from './result.ts'
import { parseStrict, type StrictXml } from './xml.ts'

const GCM: readonly string[] = [
  'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  'http://www.w3.org/2009/xmlenc11#aes256-gcm',
]
const CBC: readonly string[] = [
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
  'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
]
const OAEP: readonly string[] = [
  'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  'http://www.w3.org/2009/xmlenc11#rsa-oaep',
]

/** An assertion that was decrypted. */
export interface Decrypted {
  readonly assertion: StrictXml
  /** GCM: the cipher text was not altered by somebody without the content key. CBC says nothing of the kind. */
  readonly authenticated: boolean
}

const one = (found: readonly Element[], what: string): Element => {
  const [first, second] = found
  if (first === undefined || second !== undefined)
    return refuse('decryption', `What is encrypted has ${first === undefined ? 'no' : 'more than one'} ${what}.`)
  return first
}

const named = (root: Element, name: string): Element[] =>
  [...allElements(root)].filter((element) => isNamed(element, NS.encryption, name))

const algorithmOf = (parent: Element): string =>
  attributeOf(one(childrenOf(parent, NS.encryption, 'EncryptionMethod'), 'method'), 'Algorithm') ?? 'none'

/** One EncryptedData with its value in it, one EncryptedKey for us, both by algorithms that hold. */
function checkShape(encrypted: Element): { readonly authenticated: boolean } {
  const data = one(named(encrypted, 'EncryptedData'), 'EncryptedData')
  const key = one(named(encrypted, 'EncryptedKey'), 'EncryptedKey')
  if (data.parentNode !== encrypted) refuse('decryption', 'The EncryptedData is not in its place.')
  if (elementsOf(encrypted).some((child) => child !== data && child !== key))
    refuse('decryption', 'What is encrypted holds more than data and key.')
  if (named(encrypted, 'CipherReference').length > 0) refuse('decryption', 'The cipher text is somewhere else.')
  const [content, wrapping] = [algorithmOf(data), algorithmOf(key)]
  if (!OAEP.includes(wrapping))
    refuse('encryption-algorithm', `The key is encrypted by ${wrapping.slice(0, 100)}, not by RSA-OAEP.`)
  if (!GCM.includes(content) && !CBC.includes(content))
    refuse('encryption-algorithm', `The content is encrypted by ${content.slice(0, 100)}, not by AES.`)
  return { authenticated: GCM.includes(content) }
}

function opened(encrypted: Element, key: string, authenticated: boolean): string | undefined {
  const options = { key, disallowDecryptionWithInsecureAlgorithm: authenticated, warnInsecureAlgorithm: false }
  let plain: string | undefined
  // The callback is called before the call returns.
  decrypt(encrypted, options, (error, text) => {
    if (error === null) plain = text
  })
  return plain
}

/**
 * Decrypts an EncryptedAssertion with the first of our private keys (PEM) that fits. RSA-OAEP and AES alone; CBC only
 * when `signedOutside`, since its cipher text can be altered by anybody who is not stopped by a signature over it.
 */
export function decryptAssertion(
  encrypted: Element,
  privateKeys: readonly string[],
  signedOutside: boolean,
): Checked<Decrypted> {
  return checking((trail) => {
    const { authenticated } = checkShape(encrypted)
    if (!authenticated && !signedOutside)
      refuse('encryption-algorithm', 'AES-CBC is only accepted inside of a signed response; use AES-GCM.')
    if (privateKeys.length === 0) refuse('decryption', 'There is no key to decrypt with.')
    for (const key of privateKeys) {
      const plain = opened(encrypted, key, authenticated)
      if (plain === undefined) continue
      const assertion = trail.take(parseStrict(plain, { namespace: NS.assertion, name: 'Assertion' }))
      trail.pass('decryption', `The assertion was decrypted (AES-${authenticated ? 'GCM' : 'CBC'}, key by RSA-OAEP).`)
      return { assertion, authenticated }
    }
    return refuse('decryption', 'None of our keys opens the assertion.')
  })
}

/**
 * Decrypts an EncryptedID, which lies in a message that is signed, to the NameID in it, with the first of our private keys
 * (PEM) that fits.
 */
export function decryptNameId(encrypted: Element, privateKeys: readonly string[]): Checked<Element> {
  return checking((trail) => {
    const { authenticated } = checkShape(encrypted)
    for (const key of privateKeys) {
      const plain = opened(encrypted, key, authenticated)
      if (plain !== undefined) return trail.take(parseStrict(plain, { namespace: NS.assertion, name: 'NameID' })).root
    }
    return refuse('decryption', 'None of our keys opens the NameID.')
  })
}
