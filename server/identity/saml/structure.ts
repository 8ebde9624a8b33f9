import { NS } from './names.ts'
import { allElements, childrenOf, elementsOf, isNamed } from './nodes.ts'
import { refuse } from './result.ts'

/** Where things may stand in a response: what signature wrapping needs, refused before anything is verified. */

const ASSERTIONS: readonly string[] = ['Assertion', 'EncryptedAssertion']

/** At most one signature in each of `parents`, right after its Issuer, and none anywhere else. */
export function checkSignaturePlaces(root: Element, parents: readonly Element[]): void {
  for (const parent of parents)
    if (childrenOf(parent, NS.signature, 'Signature').length > 1)
      refuse('signature-count', `The ${parent.localName} has more than one signature.`)
  for (const signature of allElements(root)) {
    if (signature.localName !== 'Signature') continue
    const parent = parents.find((candidate) => candidate === signature.parentNode)
    const [issuer, second] = parent === undefined ? [] : elementsOf(parent)
    if (issuer === undefined || second !== signature || !isNamed(issuer, NS.assertion, 'Issuer'))
      refuse('signature-place', 'A signature stands where none belongs.')
  }
}

/** Nothing but `assertion` itself is called an assertion, wherever it is hidden and whatever its namespace. */
export function checkOnlyAssertion(root: Element, assertion: Element): void {
  for (const element of allElements(root))
    if (element !== assertion && ASSERTIONS.includes(element.localName))
      refuse('assertion-count', 'There is more than one assertion.')
}

/** The one assertion of a response, plain or encrypted, which must be its child. */
export function assertionOf(response: Element): Element {
  const found = [...allElements(response)].filter(({ localName }) => ASSERTIONS.includes(localName))
  const [assertion, second] = found
  if (assertion === undefined || second !== undefined)
    return refuse('assertion-count', `There are ${found.length} assertions instead of one.`)
  if (assertion.parentNode !== response || assertion.namespaceURI !== NS.assertion)
    refuse('assertion-place', 'The assertion is not in its place.')
  return assertion
}
