import type { Arrival, OfferedProvider } from '#server/contract/federation.ts'
import type { Arrivals, AtTheDoor } from '#server/identity/federation/arrivals.ts'
import type { Attempts } from '#server/identity/federation/attempts.ts'
import type { ProviderDirectory, ProviderRecord } from '#server/identity/federation/ports.ts'
import type { Caller } from '#server/identity/sessions.ts'
import { notFound } from '#server/kernel/refusal.ts'
import { door } from './door.ts'

export interface SignInProviderParts {
  readonly arrivals: Pick<Arrivals, 'look'>
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

function arrivalView({ provider, arrival }: AtTheDoor, caller: Caller | undefined): Arrival {
  const { account, proved, expiresAt_ms } = arrival
  const { id, displayName } = caller?.account ?? {}
  return {
    ...{ provider: provider.displayName, name: account.name, displayName: account.displayName },
    present: displayName === undefined ? null : { name: displayName, same: id === account.id },
    ...{ returnTo: proved.returnTo, expiresAt: new Date(expiresAt_ms).toISOString() },
  }
}

/** Where one may sign in. Who is not known here and who has no provider is answered the same: nothing. */
export function signInProviderHandlers(parts: SignInProviderParts) {
  return {
    arrival: door.signIn.arrival.handler(async ({ input, context }) => {
      const found = await parts.arrivals.look(input.id, context.browser)
      if (!found) throw notFound('arrival')
      return arrivalView(found, context.caller)
    }),
    providers: door.signIn.providers.handler(async ({ input, context }) => {
      await parts.questions.count(context.address)
      return { items: (await find(parts, input)).map(offer) }
    }),
  }
}
