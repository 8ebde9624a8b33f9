import { errors as joseErrors } from 'jose'
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { refuse, type SamlReason } from '../saml/result.ts'
import { FetchRefused } from './fetch-metadata.ts'

interface Why {
  readonly reason: SamlReason
  readonly detail: string
}

const TEXT_MAX = 200
/** What a provider, or whoever says to be one, wrote: for one line of the audit log. */
export const quoted = (text: string): string => text.replace(/[^\x20-\x7e]/g, ' ').slice(0, TEXT_MAX)

const BY_CLAIM: Readonly<Record<string, SamlReason>> = {
  ...{ nonce: 'nonce', aud: 'audience', azp: 'audience', iss: 'issuer' },
  ...{ exp: 'expired', nbf: 'not-yet-valid', iat: 'not-yet-valid' },
}

/** By the words of the library, where it has no code of its own for them. */
const BY_WORDS: readonly (readonly [RegExp, SamlReason])[] = [
  [/signature verification failed/, 'signature-invalid'],
  [/"iss" \(issuer\)/, 'issuer'],
  [/"state"/, 'state'],
  [/provided only once/, 'duplicate-parameter'],
  [/"alg"|JWS algorithm/, 'signature-algorithm'],
  [/"nonce"/, 'nonce'],
  [/JWT|ID Token/, 'id-token'],
]

function* chainOf(error: unknown): Generator<Error> {
  for (let at = error; at instanceof Error; at = at.cause) yield at
}

const claimOf = (cause: unknown) =>
  typeof cause === 'object' && cause !== null && 'claim' in cause ? String(cause.claim) : ''

/** Of the libraries' errors that say what of an answer does not hold. */
function ofClient(error: ClientError, usual: SamlReason): Why {
  const chain = [...chainOf(error)]
  const words = quoted(chain.map(({ message }) => message).join(': '))
  if (error.code === 'OAUTH_TIMEOUT' || error.code === 'OAUTH_ABORT') return { reason: 'unreachable', detail: words }
  if (error.code === 'OAUTH_KEY_SELECTION_FAILED')
    return { reason: 'signature-key', detail: 'It is signed with none of the provider’s keys.' }
  const byClaim = chain.map(({ cause }) => BY_CLAIM[claimOf(cause)]).find((reason) => reason !== undefined)
  const reason = byClaim ?? BY_WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? usual
  return { reason, detail: words }
}

/** Why an answer of a provider does not hold; undefined: the error is a fault of ours. */
function whyOf(error: unknown, usual: SamlReason): Why | undefined {
  const unreachable = [...chainOf(error)].find((one) => one instanceof FetchRefused)
  if (unreachable)
    return { reason: 'unreachable', detail: `The provider cannot be reached. ${quoted(unreachable.message)}` }
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
    const { error: code, error_description: words = '' } = error
    const reason = error instanceof ResponseBodyError ? 'token-response' : 'provider-error'
    return { reason, detail: `The provider says ${quoted(code)}. ${quoted(words)}`.trim() }
  }
  if (error instanceof WWWAuthenticateChallengeError)
    return { reason: usual, detail: `The provider does not let us in (${error.status}).` }
  if (error instanceof ClientError) return ofClient(error, usual)
  if (error instanceof joseErrors.JOSEError) return { reason: usual, detail: quoted(error.message) }
  return undefined
}

/** Does something with a provider; where that fails by what the provider says, refuses inside `checkingLater`. `usual`: the reason where none is nearer. */
export async function refusing<T>(usual: SamlReason, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const why = whyOf(error, usual)
    if (why) refuse(why.reason, why.detail)
    throw error
  }
}
