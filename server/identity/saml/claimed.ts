import { attributesOf, nameIdOf } from './assertion.ts'
import { NS } from './names.ts'
import { allElements, childOf, isNamed } from './nodes.ts'
import type { NameId } from './provider.ts'
import { type Checked, checking, refuse } from './result.ts'
import { parseStrict } from './xml.ts'

/** What an assertion claims. */
export interface Claimed {
  readonly nameId: NameId
  readonly attributes: Record<string, string[]>
}

const ROOTS = [
  { namespace: NS.protocol, name: 'Response' },
  { namespace: NS.assertion, name: 'Assertion' },
] as const

/**
 * Reads what a pasted assertion, or the response around it, claims. No signature, time or audience is looked at: it is for
 * trying mapping rules, and must never sign anybody in.
 */
export function readClaimed(xml: string): Checked<Claimed> {
  return checking((trail) => {
    const text = xml.trim()
    const [asResponse, asAssertion] = ROOTS.map((root) => parseStrict(text, root))
    const parsed = asResponse?.ok ? asResponse : asAssertion
    if (parsed === undefined) return refuse('not-xml', 'There is nothing to read.')
    const { root } = trail.take(parsed)
    const assertion = [...allElements(root)].find((element) => isNamed(element, NS.assertion, 'Assertion'))
    if (assertion === undefined) return refuse('assertion-count', 'There is no plain assertion: paste a decrypted one.')
    const subject = childOf(assertion, NS.assertion, 'Subject')
    if (subject === undefined) return refuse('name-id', 'The assertion has no subject.')
    return { nameId: nameIdOf(subject), attributes: attributesOf(assertion, trail) }
  })
}
