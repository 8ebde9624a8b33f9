import { randomUUID } from 'node:crypto'
import { ROLE_RIGHTS, type Role } from '#server/contract/rights.ts'
import type {
  AccountRecord,
  AccountStore,
  AuditEntry,
  AuditSink,
  Binding,
  IdempotencyStore,
  SessionStore,
  StoredAnswer,
  StoredSession,
} from '#server/identity/ports.ts'
import { Refusal } from '#server/kernel/refusal.ts'

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
        ...{ groupName: null, source: 'local' },
      }
      const created: AccountRecord = {
        ...{ breakGlass: false, ...rest, id: randomUUID(), tenantName, email: null, providerId: null },
        ...{ providerName: null, state: 'active', revision: 1, bindings: [binding] },
      }
      accounts.set(created.id, created)
      return created
    },
    async setPassword(id, passwordHash) {
      const account = accounts.get(id)
      if (account) accounts.set(id, { ...account, passwordHash })
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
    async touch(hash, seenAt_ms) {
      const session = sessions.get(hash)
      if (session) sessions.set(hash, { ...session, seenAt_ms })
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
  return { accounts: accountStore, sessions: sessionStore, stored: sessions }
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
