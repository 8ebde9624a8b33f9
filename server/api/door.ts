import { implement, ORPCError } from '@orpc/server'
import { contract } from '#server/contract/index.ts'
import type { Right } from '#server/contract/rights.ts'
import type { Account } from '#server/contract/session.ts'
import { type Access, accessOf } from '#server/identity/access.ts'
import type { AdministrationGate } from '#server/identity/context/administration.ts'
import { conditionWords, type Idle } from '#server/identity/context/conditions.ts'
import { type Asked, decide, type Verdict } from '#server/identity/decide.ts'
import { requireFresh } from '#server/identity/freshness.ts'
import type { AccountRecord, AuditEntry, AuditSink, DecisionSink, Whose } from '#server/identity/ports.ts'
import type { Caller } from '#server/identity/sessions.ts'
import { requireSettled } from '#server/identity/settled.ts'
import { bindingView } from '#server/inventory/binding-rows.ts'
import { Refusal, type RefusalDetail } from '#server/kernel/refusal.ts'
import { requireFieldRights } from './field-rights.ts'

/** What a handler may add to the line that its call leaves in the audit log. */
export interface AuditNote {
  /** `kind/id` of what was written. */
  subject?: string
  tenantId?: string
  changeId?: string
  detail?: string
  /** Instead of the caller's name, where nobody is signed in. */
  actor?: string
  /** Whose account it is, and which provider vouched for it, where that is not the caller's. */
  actorId?: string
  provider?: string
  /** Why it was refused, as a code that those outside are not told; else the rule that the refusal names. */
  reason?: string
  /** The object as it was and as it became; never with secrets. */
  before?: unknown
  after?: unknown
}

/** What the HTTP door brings to every procedure. */
export interface RequestContext {
  readonly caller: Caller | undefined
  readonly address: string
  readonly agent: string
  /** The cookie that binds sign-ins under way to one browser. */
  readonly browser?: string | undefined
  /** Scheme, host and port that the client called. */
  readonly origin: string
  /** The revision in `If-Match`. */
  readonly ifMatch: number | undefined
  readonly note: AuditNote
  readonly audit: AuditSink
  readonly decisions?: DecisionSink
  /** Who judges calls, where that is not the contract’s right against the caller’s. */
  readonly judge?: (asked: Asked, caller: Caller | undefined) => Verdict
  /** Where dangerous acts are done from; anywhere, where it is not said. */
  readonly administration?: AdministrationGate
  /** Gives the client a session id to keep, or null to forget it. */
  readonly keepSession: (id: string | null, expiresAt_ms?: number) => void
}

/** What a handler behind `api` can rely on. */
export interface SignedInContext extends RequestContext {
  readonly caller: Caller
  readonly account: Account
  /** Whose rows the caller sees. */
  readonly scope: Whose
  /** The tenant that the caller works in; null: all of them, or a site. */
  readonly tenantId: string | null
  readonly rights: ReadonlySet<Right>
}

/** The account as its own person and its administrators see it, with what it is at the place where it works. */
export function publicAccount(record: AccountRecord, access: Access = accessOf(record.bindings)): Account {
  const { id, name, displayName, email, state, providerName, breakGlass, revision } = record
  const { role, tenantId, tenantName } = access
  const bindings = record.bindings.map(bindingView)
  const timeOf = (at_ms: number | null) => (at_ms === null ? null : new Date(at_ms).toISOString())
  const times = { passwordEndsAt: timeOf(record.passwordEndsAt_ms), signedInAt: timeOf(record.signedInAt_ms) }
  return {
    ...{ id, name, displayName, role, tenantId, tenantName, email, state, providerName, breakGlass },
    ...{ ...times, bindings, revision },
  }
}

/** Lets a call in or throws a `Refusal`. A procedure that names no right is never served. */
export function authorise(asked: Asked, { caller, judge = decide }: Pick<RequestContext, 'caller' | 'judge'>): Verdict {
  const verdict = judge(asked, caller)
  if (verdict.allowed) return verdict
  if (!caller) throw new Refusal('unauthenticated', 'Nobody is signed in.')
  throw new Refusal('forbidden', `Not allowed: ${verdict.because}.`, (verdict.idle ?? []).map(outOfContext))
}

/** Tells somebody that they hold a role which would do, and where or when it counts. */
const outOfContext = ({ binding, lacks }: Idle): RefusalDetail => ({
  ...{ pointer: '', rule: 'binding.context', limit: conditionWords(binding) },
  message: `The role ${binding.role} does not count ${lacks === 'address' ? 'from here' : 'at this time'}.`,
  mend: `It counts ${conditionWords(binding)}.`,
})

/** Every decision is written down, but those about strangers, who have no account. */
function decided(
  { caller, decisions, address }: RequestContext,
  procedure: string,
  { right, writes }: Asked,
  { allowed, because }: Verdict,
) {
  if (!caller || !decisions) return
  const { account, scope } = caller
  const who = { accountId: account.id, account: nameOf(caller), tenantId: scope.tenantId, address }
  decisions.record({ ...who, procedure, right: String(right), kind: writes ? 'write' : 'read', allowed, because })
}

/** Who acts, as the logs name them: a token is told apart from its owner. */
export const nameOf = ({ account, token }: Caller): string =>
  token ? `${account.name} (token ${token.name})` : account.name

/** Why something was refused, as a code. */
const reasonOf = (error: Error): string =>
  error instanceof Refusal ? (error.errors[0]?.rule ?? error.code) : error instanceof ORPCError ? 'malformed' : 'fault'

function line(context: RequestContext, action: string, outcome: AuditEntry['outcome'], error?: Error): AuditEntry {
  const { note, caller, address } = context
  return {
    actor: note.actor ?? (caller ? nameOf(caller) : ''),
    actorId: note.actorId ?? (note.actor === undefined ? (caller?.account.id ?? null) : null),
    provider: note.provider ?? (note.actor === undefined ? (caller?.account.providerName ?? null) : null),
    ...{ address, action, outcome },
    reason: note.reason ?? (error ? reasonOf(error) : null),
    subject: note.subject ?? null,
    tenantId: note.tenantId ?? caller?.scope.tenantId ?? null,
    changeId: note.changeId ?? null,
    detail: note.detail ?? error?.message ?? '',
    before: note.before,
    after: error ? undefined : note.after,
  }
}

/**
 * Whether a refusal leaves a line: those of people do, a stranger's only where it tried to sign in, and none once a limit
 * is reached, which has left its own: nobody can fill the log from outside.
 */
const leavesLine = (error: Error, { caller, note }: RequestContext) =>
  !(error instanceof Refusal && error.code === 'too-many') && (caller !== undefined || note.actor !== undefined)

/** Input that the schema refuses comes as an ORPCError. */
const isRefusal = (error: Error) => error instanceof Refusal || (error instanceof ORPCError && error.status < 500)

const raw = implement(contract).$context<RequestContext>()

/** Every procedure goes through here: authorise, call, audit. For procedures that are `public`. */
export const door = raw.use(async ({ context, procedure, path, next }, input) => {
  const { meta, route } = procedure['~orpc']
  const action = path.join('.')
  const writes = route.method !== undefined && route.method !== 'GET'
  const asked: Asked = { right: (meta as { right?: unknown }).right, writes }
  try {
    const verdict = authorise(asked, context)
    if (context.caller && meta.right !== 'public' && !meta.settles) requireSettled(context.caller)
    if (context.caller) requireFieldRights(meta, input, context.caller)
    if (meta.fresh && context.caller) {
      context.administration?.(context.caller, context.address)
      requireFresh(context.caller, Date.now())
    }
    if (meta.revision && context.ifMatch === undefined)
      throw new Refusal('revision-required', 'The revision that this is based on is missing.', [
        {
          ...{ pointer: '', rule: 'if-match', message: 'The header If-Match is missing.' },
          mend: 'Read the object first and send its revision as If-Match.',
        },
      ])
    decided(context, action, asked, verdict)
    const result = await next()
    if (writes) await context.audit.record(line(context, action, 'done'))
    return result
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const refused = isRefusal(error)
    if (error instanceof Refusal && error.code === 'forbidden')
      decided(context, action, asked, { allowed: false, because: error.message })
    if (refused ? leavesLine(error, context) : writes)
      await context.audit.record(line(context, action, refused ? 'refused' : 'failed', error))
    throw error
  }
})

/** Behind the door with somebody signed in: `api.networks.list.handler(({ input, context }) => …)`. */
export const api = door.use(({ context, next }) => {
  const { caller } = context
  if (!caller) throw new Refusal('unauthenticated', 'Nobody is signed in.')
  const account = publicAccount(caller.account, caller.access)
  const { scope, rights } = caller
  return next({ context: { caller, account, scope, tenantId: scope.tenantId, rights } })
})
