import type { IdentityProvider } from '#server/contract/providers.ts'
import { Status } from '../ui/status.tsx'

const REASONS: Readonly<Record<string, string>> = {
  operator: 'Closed by a person',
  'metadata-expired': 'Metadata expired',
  'no-signing-key': 'No signing key',
  'weak-key': 'Key too short',
}

/** Open, closed and why, or what needs a person. */
export function ProviderState({ provider, pill }: { provider: IdentityProvider; pill?: boolean }) {
  const { state, closedReason, pending, metadataProblem } = provider
  const look = pill ? { pill } : { calm: true }
  if (state === 'closed')
    return (
      <Status tone={closedReason === 'operator' ? 'idle' : 'bad'} {...(pill ? { pill } : {})}>
        {REASONS[closedReason ?? ''] ?? 'Closed'}
      </Status>
    )
  if (pending)
    return (
      <Status tone="warn" {...(pill ? { pill } : {})}>
        New keys to confirm
      </Status>
    )
  if (metadataProblem)
    return (
      <Status tone="warn" {...(pill ? { pill } : {})}>
        Metadata not read
      </Status>
    )
  return (
    <Status tone="ok" {...look}>
      Open
    </Status>
  )
}
