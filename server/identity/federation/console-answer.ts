import { buildErrorResponse, buildResponse, type IdpRefusal } from '../saml/idp-response.ts'
import { NAME_ID } from '../saml/names.ts'
import type { OwnIdp, SamlSigner, SpDescription } from '../saml/provider.ts'
import { attributesFor } from './console-access.ts'
import type { Present } from './console-decision.ts'
import type { Asked, ConsoleRecord, ConsoleSessionStore } from './console-ports.ts'

/** A response on its way to a console: a browser posts it. */
export interface Posted {
  readonly acsUrl: string
  /** Base64 */
  readonly response: string
  readonly relayState: string | null
}

export interface AnswerParts {
  readonly own: OwnIdp
  readonly signer: () => Promise<SamlSigner>
  readonly sessions: Pick<ConsoleSessionStore, 'giveName' | 'remember' | 'memberships'>
}

const posted = ({ acsUrl, relayState }: Asked, xml: string): Posted => ({
  ...{ acsUrl, relayState },
  response: Buffer.from(xml).toString('base64'),
})

const answers = ({ id }: Asked) => (id === null ? {} : { inResponseTo: id })

/** Brings somebody to a console: under a name that is for it alone, with what it is to be told, and no word of who they are elsewhere. */
export async function answerConsole(
  { own, signer, sessions }: AnswerParts,
  console: ConsoleRecord,
  sp: SpDescription,
  asked: Asked,
  { present, authnContext }: { readonly present: Present; readonly authnContext: string },
  now_ms: number,
): Promise<Posted> {
  const { caller, upstream } = present
  const { account, session } = caller
  const value = await sessions.giveName(console.id, account.id)
  const sessionIndex = await sessions.remember(session, console.id, value)
  const groups = console.release.includes('groups') ? await sessions.memberships(account.id) : []
  const left = upstream?.proxyCount ?? null
  const xml = await buildResponse(
    {
      ...{ own, sp, acsUrl: asked.acsUrl, ...answers(asked), sessionIndex, authnContext, now_ms },
      nameId: { value, format: NAME_ID.persistent, nameQualifier: own.entityId, spNameQualifier: sp.entityId },
      attributes: attributesFor(console, caller, groups),
      authenticatingAuthorities: upstream ? [...upstream.authorities, upstream.entityId] : [],
      authnInstant_ms: caller.authenticatedAt_ms,
      sessionNotOnOrAfter_ms: caller.expiresAt_ms,
      ...(left !== null && { proxyCount: Math.max(0, left - 1) }),
      encrypt: console.encrypt,
    },
    await signer(),
  )
  return posted(asked, xml)
}

/** Tells a console that nobody comes, and which kind of reason there is. */
export async function refuseConsole(
  { own, signer }: Pick<AnswerParts, 'own' | 'signer'>,
  asked: Asked,
  refusal: IdpRefusal,
  now_ms: number,
): Promise<Posted> {
  const parts = { own, acsUrl: asked.acsUrl, ...answers(asked), refusal, now_ms }
  return posted(asked, await buildErrorResponse(parts, await signer()))
}
