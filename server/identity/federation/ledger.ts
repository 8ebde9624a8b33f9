import { randomBytes } from 'node:crypto'
import type { AccountRecord, AuditSink } from '../ports.ts'
import type { ProviderRecord } from './ports.ts'

/** Something that happened at the door of a provider. */
export interface SignInEvent {
  /** `signIn.saml`, `signIn.oidc`; `signIn.stepUp`, `signIn.test` */
  readonly action: string
  readonly address: string
  readonly provider?: Pick<ProviderRecord, 'id' | 'name' | 'tenantId'> | undefined
  readonly account?: AccountRecord | undefined
  /** Whom the provider named, where that is proved but no account. */
  readonly subject?: string | undefined
  readonly detail: string
}

export interface SignInLedger {
  done(event: SignInEvent): Promise<void>
  /** Answers the reference by which people find the line. */
  refused(event: SignInEvent & { readonly reason: string }): Promise<string>
}

const DETAIL_MAX = 500
// Nobody reads 0 and O, 1 and I apart over the telephone.
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const reference = () => [...randomBytes(8)].map((byte) => LETTERS[byte % LETTERS.length]).join('')

const lineOf = ({ action, address, provider, account, subject, detail }: SignInEvent) => ({
  ...{ actor: account?.name ?? subject ?? '', actorId: account?.id ?? null, address, action },
  subject: account ? `user/${account.id}` : provider ? `identity-provider/${provider.id}` : null,
  ...{ tenantId: account?.tenantId ?? provider?.tenantId ?? null, changeId: null, provider: provider?.name ?? null },
  detail: detail.slice(0, DETAIL_MAX),
})

/** Writes sign-ins through providers to the audit log, refusals with the exact reason that nobody outside is told. */
export function signInLedger(audit: AuditSink): SignInLedger {
  return {
    done: (event) => audit.record({ ...lineOf(event), outcome: 'done' }),
    async refused(event) {
      const number = reference()
      const detail = `${event.detail} Reference ${number}.`
      await audit.record({ ...lineOf({ ...event, detail }), outcome: 'refused', reason: event.reason })
      return number
    },
  }
}
