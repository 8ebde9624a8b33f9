import type { Present, Welcome } from './console-decision.ts'
import type { Asked, ConsoleRecord, ConsoleRequest } from './console-ports.ts'
import type { ProviderDirectory, ProviderRecord } from './ports.ts'
import { continueAt } from './return-path.ts'
import type { Wish } from './wish.ts'

type Providers = Pick<ProviderDirectory, 'byId' | 'byIssuer' | 'offered'>

const isOpen = (provider: ProviderRecord | undefined): provider is ProviderRecord => provider?.state === 'open'

/** Open providers here among those that a console names, in its order. */
async function named({ idpList }: Asked, providers: Pick<Providers, 'byIssuer'>): Promise<ProviderRecord[]> {
  const found = await Promise.all(idpList.map((entityId) => providers.byIssuer(entityId)))
  return found.filter(isOpen)
}

/** Who may be asked for somebody: whom a console names, or anybody where it names nobody, or us. */
export async function welcomeFor(
  asked: Asked,
  ownEntityId: string,
  providers: Pick<Providers, 'byIssuer'>,
): Promise<Welcome> {
  if (asked.idpList.length === 0 || asked.idpList.includes(ownEntityId)) return { kind: 'any' }
  const entityIds = (await named(asked, providers)).map(({ issuer }) => issuer)
  return entityIds.length === 0 ? { kind: 'none' } : { kind: 'some', entityIds }
}

/**
 * The provider to go to at once: whom the console names, who knows the person already, or the only one that its tenant has.
 * Undefined: a person chooses, on the sign-in page.
 */
export async function providerFor(
  console: ConsoleRecord,
  asked: Asked,
  welcome: Welcome,
  present: Present | undefined,
  providers: Providers,
): Promise<ProviderRecord | undefined> {
  const { providerId = null } = present?.caller.account ?? {}
  const known = providerId === null ? undefined : await providers.byId(providerId)
  if (welcome.kind === 'some')
    return isOpen(known) && welcome.entityIds.includes(known.issuer) ? known : (await named(asked, providers))[0]
  if (present) return isOpen(known) ? known : undefined
  if (console.tenantName === null) return undefined
  const [only, second] = await providers.offered({ tenant: console.tenantName })
  return second === undefined ? only : undefined
}

/** What a provider is asked for on behalf of a console. */
export function wishFor(request: ConsoleRequest, entityId: string): Pick<Wish, 'purpose' | 'returnTo' | 'ask'> {
  const { forceAuthn, authnContext, proxyCount, requesterIds } = request.asked
  return {
    purpose: 'proxy',
    returnTo: continueAt(request.id),
    ask: {
      forceAuthn,
      ...(authnContext && { authnContext }),
      ...(proxyCount !== null && { proxyCount: Math.max(0, proxyCount - 1) }),
      requesterIds: [...requesterIds, entityId],
    },
  }
}

/** The page where somebody chooses how to sign in. `fresh`: also where somebody is signed in. */
export function signInPage(handle: string, { tenantName }: ConsoleRecord, fresh: boolean): string {
  const query = new URLSearchParams({ next: continueAt(handle) })
  if (tenantName !== null) query.set('tenant', tenantName)
  if (fresh) query.set('again', '1')
  return `/sign-in?${query}`
}
