import { randomBytes } from 'node:crypto'
import type { AccountRecord, AuditSink } from '../ports.ts'
import type { ConsoleRecord } from './console-ports.ts'
import type { ProviderRecord } from './ports.ts'

/** Something that happened at the door of a provider. */
export interface SignInEvent {
  /** `signIn.saml`, `signIn.oidc`; `signIn.stepUp`, `signIn.test` */
  readonly action: string
  readonly address: string
  readonly provider?: Pick<ProviderRecord, 'id' | 'name' | 'tenantId'> | undefined
  /** The console that it happened with, where it is one. */
  readonly console?: Pick<ConsoleRecord, 'id' | 'name' | 'tenantId'> | undefined
  readonly account?: Pick<AccountRecord, 'id' | 'name' | 'tenantId'> | undefined
  /** Whom the provider named, where that is proved but no account. */
  readonly subject?: string | undefined
  readonly detail: string
}

export interface SignInLedger {
  /** `reason`: what it fell short of. */
  done(event: SignInEvent & { readonly reason?: string }): Promise<void>
  /** Answers the reference by which people find the line. */
  refused(event: SignInEvent & { readonly reason: string }): Promise<string>
}

const DETAIL_MAX = 500
// Nobody reads 0 and O, 1 and I apart over the telephone.
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const reference = () => [...randomBytes(8)].map((byte) => LETTERS[byte % LETTERS.length]).join('')

const objectOf = ({ provider, console, account }: SignInEvent): string | null => {
  if (account) return `user/${account.id}`
  if (provider) return `identity-provider/${provider.id}`
  return console ? `console/${console.id}` : null
}

const lineOf = (event: SignInEvent) => ({
  ...{ actor: event.account?.name ?? event.subject ?? '', actorId: event.account?.id ?? null },
  ...{ address: event.address, action: event.action, subject: objectOf(event), changeId: null },
  tenantId: event.account?.tenantId ?? event.provider?.tenantId ?? event.console?.tenantId ?? null,
  provider: event.provider?.name ?? null,
  detail: event.detail.slice(0, DETAIL_MAX),
})

/** Writes sign-ins through providers to the audit log, refusals with the exact reason that nobody outside is told. */
export function signInLedger(audit: AuditSink): SignInLedger {
  return {
    done: (event) => audit.record({ ...lineOf(event), outcome: 'done', reason: event.reason ?? null }),
    async refused(event) {
      const number = reference()
      const detail = `${event.detail} Reference ${number}.`
      await audit.record({ ...lineOf({ ...event, detail }), outcome: 'refused', reason: event.reason })
      return number
    },
  }
}
