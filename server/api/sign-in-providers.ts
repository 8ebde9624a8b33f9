import type { OfferedProvider } from '#server/contract/federation.ts'
import type { Attempts } from '#server/identity/federation/attempts.ts'
import type { ProviderDirectory, ProviderRecord } from '#server/identity/federation/ports.ts'
import { door } from './door.ts'

export interface SignInProviderParts {
  readonly providers: Pick<ProviderDirectory, 'offered' | 'ofOperators'>
  /** Questions of one address. */
  readonly questions: Attempts
}

const offer = ({ name, displayName, protocol }: ProviderRecord): OfferedProvider => ({
  ...{ name, displayName, protocol },
  url: `/${protocol}/login?idp=${encodeURIComponent(name)}`,
})

/** What is asked by: a tenant before an address, neither: the installation's own people. */
function find(
  { providers }: SignInProviderParts,
  { email, tenant }: { email?: string | undefined; tenant?: string | undefined },
) {
  if (tenant !== undefined) return providers.offered({ tenant: tenant.trim().toLowerCase() })
  if (email === undefined) return providers.ofOperators()
  const domain = email
    .slice(email.lastIndexOf('@') + 1)
    .trim()
    .toLowerCase()
  return providers.offered({ domain })
}

/** Where one may sign in. Who is not known here and who has no provider is answered the same: nothing. */
export function signInProviderHandlers(parts: SignInProviderParts) {
  return {
    providers: door.signIn.providers.handler(async ({ input, context }) => {
      await parts.questions.count(context.address)
      return { items: (await find(parts, input)).map(offer) }
    }),
  }
}
