import { type Checked, checkingLater, refuse } from '../saml/result.ts'
import type { ConsoleDescriptions } from './console-descriptions.ts'
import type { ConsoleDirectory, ConsoleRecord } from './console-ports.ts'
import type { Descriptions } from './descriptions.ts'
import type { Peer, PeerDirectory, Side } from './logout-ports.ts'
import type { ProviderDirectory, ProviderRecord } from './ports.ts'

export interface PeerParts {
  readonly providers: Pick<ProviderDirectory, 'byId' | 'byIssuer'>
  readonly descriptions: Descriptions
  readonly consoles: Pick<ConsoleDirectory, 'byId' | 'byEntity'>
  readonly consoleDescriptions: ConsoleDescriptions
}

const SKEW_MS = 60_000

/**
 * Providers and consoles as logout sees them. One that is closed lets nobody in any more; sessions from before may still
 * end there, as long as its metadata are in force.
 */
export function peerDirectory({ providers, descriptions, consoles, consoleDescriptions }: PeerParts): PeerDirectory {
  const providerPeer = (provider: ProviderRecord | undefined, asked: string, now_ms: number): Promise<Checked<Peer>> =>
    checkingLater(async (trail) => {
      if (provider?.protocol !== 'saml')
        return refuse('unknown-provider', `${asked.slice(0, 200)} is no provider here.`)
      const { id, name, displayName, tenantId, options } = provider
      const { entityId, signingCertificates, singleLogout } = trail.take(descriptions(provider, now_ms))
      const described = { entityId, signingCertificates, singleLogout }
      return { side: 'provider', id, name, displayName, tenantId, ...described, skew_ms: options.skew_ms }
    })
  const consolePeer = (console: ConsoleRecord | undefined, asked: string, now_ms: number): Promise<Checked<Peer>> =>
    checkingLater(async (trail) => {
      if (console === undefined) return refuse('unknown-provider', `${asked.slice(0, 200)} is no console here.`)
      const { id, name, displayName, tenantId } = console
      const { entityId, signingCertificates, singleLogout } = trail.take(consoleDescriptions(console, now_ms))
      const described = { entityId, signingCertificates, singleLogout }
      return { side: 'console', id, name, displayName, tenantId, ...described, skew_ms: SKEW_MS }
    })
  return {
    byEntity: async (side: Side, entityId, now_ms) =>
      side === 'provider'
        ? providerPeer(await providers.byIssuer(entityId), entityId, now_ms)
        : consolePeer(await consoles.byEntity(entityId), entityId, now_ms),
    byId: async (side: Side, id, now_ms) =>
      side === 'provider'
        ? providerPeer(await providers.byId(id), id, now_ms)
        : consolePeer(await consoles.byId(id), id, now_ms),
  }
}
