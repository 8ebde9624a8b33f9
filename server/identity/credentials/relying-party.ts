import { isIP } from 'node:net'
import { type Config, isLoopback } from '#server/config.ts'
import { Refusal } from '#server/kernel/refusal.ts'

/** Whom a passkey is made for: a name, and the origin of the pages that may use it. */
export interface RelyingParty {
  readonly id: string
  readonly origin: string
}

/** Answers the relying party of a page. Throws `Refusal` (`rule`) where passkeys cannot work, and says where they do. */
export type RelyingParties = (origin: string) => RelyingParty

const hostnameOf = (origin: string) => new URL(origin).hostname.replace(/^\[|\]$/g, '')

const refuse = (message: string, mend: string) =>
  new Refusal('rule', message, [{ pointer: '', rule: 'passkey.origin', message, mend }])

/**
 * WebAuthn ties passkeys to a name, and to no address. A console on loopback has the name `localhost` beside the one that it
 * is configured with; any other needs one.
 */
export function relyingParties({ origin, host, port, tls }: Config['http']): RelyingParties {
  const local = isLoopback(host) ? [`${tls ? 'https' : 'http'}://localhost:${port}`] : []
  const named = isIP(hostnameOf(origin)) === 0 ? [origin] : []
  const origins = [...new Set([...named, ...local])]
  const [first] = origins
  return (asked) => {
    if (origins.includes(asked)) return { id: hostnameOf(asked), origin: asked }
    if (first === undefined)
      throw refuse(
        'Passkeys belong to a name, and this console has only an address.',
        'Give it a name in WEFT_ORIGIN, such as https://weft.example.net.',
      )
    throw refuse(`Passkeys belong to a name: ${asked} cannot use them.`, `Open the console at ${first}.`)
  }
}
