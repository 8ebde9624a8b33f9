import { randomUUID } from 'node:crypto'
import { ROLE_RIGHTS, type Role } from '#server/contract/rights.ts'
import { type LimitWatch, limitWatch } from '#server/identity/limits.ts'
import type { Notices } from '#server/identity/notices/notices.ts'
import type { GatheredTries, NewNotice } from '#server/identity/notices/ports.ts'
import type {
  AccessMoves,
  AccountRecord,
  AccountStore,
  AuditEntry,
  AuditSink,
  Binding,
  IdempotencyStore,
  Moved,
  SessionStore,
  StoredAnswer,
  StoredSession,
} from '#server/identity/ports.ts'
import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { notFound, Refusal, staleRevision } from '#server/kernel/refusal.ts'

/** Accounts and sessions in memory, for tests of what stands on them. */
export function memoryIdentity() {
  const accounts = new Map<string, AccountRecord>()
  const sessions = new Map<string, StoredSession>()
  const byName = (name: string) => [...accounts.values()].find((account) => account.name === name)
  const accountStore: AccountStore = {
    byName: async (name) => byName(name),
    byId: async (id) => accounts.get(id),
    list: async (_scope, { limit }) => ({ items: [...accounts.values()].slice(0, limit), next: null }),
    count: async () => accounts.size,
    async create(_scope, account) {
      if (byName(account.name)) throw new Refusal('conflict', `The name ${account.name} is taken.`)
      const { role, ...rest } = account
      const tenantName = account.tenantId && 'red'
      const where = { tenantId: account.tenantId, tenantName, siteId: null, siteName: null }
      const binding: Binding = {
        ...{ id: randomUUID(), role, rights: ROLE_RIGHTS[role as Role], ...where },
        ...{ groupName: null, source: 'local', from: [], hours: null },
      }
      const created: AccountRecord = {
        ...{
          breakGlass: false,
          passwordEndsAt_ms: null,
          ...rest,
          id: randomUUID(),
          tenantName,
          email: null,
          providerId: null,
        },
        ...{
          providerName: null,
          state: 'active',
          signedInAt_ms: null,
          failedAt_ms: null,
          revision: 1,
          bindings: [binding],
        },
      }
      accounts.set(created.id, created)
      return created
    },
    async setPassword(id, passwordHash, passwordEndsAt_ms = null) {
      const account = accounts.get(id)
      if (account) accounts.set(id, { ...account, passwordHash, passwordEndsAt_ms })
    },
    async noteFailure(name, failedAt_ms) {
      const account = byName(name)
      if (account) accounts.set(account.id, { ...account, failedAt_ms })
    },
    async get(_scope, id) {
      const account = accounts.get(id)
      if (!account) throw notFound('user')
      return account
    },
    async update(scope, id, revision, patch) {
      const account = await this.get(scope, id)
      if (account.revision !== revision) throw staleRevision(revision, account.revision)
      const { displayName = account.displayName, state = account.state, email = account.email } = patch
      const { breakGlass = account.breakGlass } = patch
      const updated = { ...account, displayName, state, email, breakGlass, revision: revision + 1 }
      accounts.set(id, updated)
      return updated
    },
    remove: async (_scope, id) => accounts.delete(id),
  }
  const sessionStore: SessionStore = {
    async insert(session) {
      sessions.set(session.hash, session)
    },
    async find(hash) {
      const session = sessions.get(hash)
      const account = session && accounts.get(session.accountId)
      return session && account && { session, account }
    },
    async touch(hash, seen) {
      const session = sessions.get(hash)
      if (session) sessions.set(hash, { ...session, ...seen })
    },
    async renew(hash, next) {
      const session = sessions.get(hash)
      if (!session) return false
      sessions.delete(hash)
      sessions.set(next.hash, { ...session, ...next })
      return true
    },
    async move(hash, { tenantId, siteId = null }) {
      const session = sessions.get(hash)
      if (session) sessions.set(hash, { ...session, tenantId, siteId })
    },
    async remove(hash) {
      sessions.delete(hash)
    },
    async removeOfAccount(accountId, except) {
      for (const { hash, accountId: of } of [...sessions.values()])
        if (of === accountId && hash !== except) sessions.delete(hash)
    },
    async prune(unusedSince_ms, begunBefore_ms) {
      const old = [...sessions.values()].filter((s) => s.seenAt_ms < unusedSince_ms || s.createdAt_ms < begunBefore_ms)
      for (const { hash } of old) sessions.delete(hash)
      return old.length
    },
  }
  /** What no write of an account store does. */
  const replace = async (account: AccountRecord) => void accounts.set(account.id, account)
  return { accounts: { ...accountStore, replace }, sessions: sessionStore, stored: sessions }
}

/** Idempotency keys in memory. */
export function memoryIdempotency(): IdempotencyStore {
  const keys = new Map<string, { fingerprint: string; answer?: StoredAnswer }>()
  return {
    async claim(scope, key, fingerprint) {
      const held = keys.get(`${scope} ${key}`)
      if (!held) {
        keys.set(`${scope} ${key}`, { fingerprint })
        return 'new'
      }
      if (held.fingerprint !== fingerprint) return 'other'
      return held.answer ?? 'running'
    },
    async finish(scope, key, answer) {
      const held = keys.get(`${scope} ${key}`)
      if (held) held.answer = answer
    },
    async release(scope, key) {
      keys.delete(`${scope} ${key}`)
    },
    prune: async () => 0,
  }
}

/** An audit log in memory. */
export function memoryAudit(): AuditSink & { readonly lines: AuditEntry[] } {
  const lines: AuditEntry[] = []
  return {
    lines,
    record: async (entry) => {
      lines.push(entry)
    },
  }
}

/** Limits that were reached, and nobody is told. */
export const UNWATCHED: LimitWatch = { reached: async () => undefined }

/** Limits that were reached, in an audit log. */
export const watchInto = (audit: AuditSink, clock: Pick<Clock, 'now_ms'> = systemClock): LimitWatch =>
  limitWatch({
    ...{ audit, clock },
    onFault: (error) => {
      throw error
    },
  })

/** Word of writes, as a test gives it. */
export function toldMoves() {
  const listeners = new Set<(moved: Moved) => void>()
  let attentive = true
  const moves: AccessMoves = {
    get attentive() {
      return attentive
    },
    subscribe(told) {
      listeners.add(told)
      return () => listeners.delete(told)
    },
  }
  return {
    moves,
    tell: (moved: Moved) => {
      for (const told of listeners) told(moved)
    },
    lose: () => {
      attentive = false
    },
  }
}

/** What people were told, in memory, with tries as they come. */
export function memoryNotices() {
  const told: (NewNotice & { accountId: string })[] = []
  const tried: string[] = []
  const words = (whose: GatheredTries['whose']) => ('id' in whose ? whose.id : whose.name)
  const notices: Pick<Notices, 'tell' | 'tries'> = {
    tell: async (accountId, notice) => void told.push({ accountId, ...notice }),
    tries: {
      failed: (whose, method, address) => void tried.push(`failed ${words(whose)} ${method} ${address}`),
      half: (accountId, method, address) => void tried.push(`half ${accountId} ${method} ${address}`),
      proved: (accountId, address) => void tried.push(`proved ${accountId} ${address}`),
    },
  }
  return { ...notices, told, tried }
}
