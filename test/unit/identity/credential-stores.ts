import { factorRules } from '#server/identity/credentials/held.ts'
import { passkeys } from '#server/identity/credentials/passkeys.ts'
import type { PasskeyStore, StoredPasskey, StoredTotp, TotpStore } from '#server/identity/credentials/ports.ts'
import type { RelyingParties } from '#server/identity/credentials/relying-party.ts'
import { totp } from '#server/identity/credentials/totp.ts'
import type { SecondFactor } from '#server/identity/duties.ts'
import { passwordCheck } from '#server/identity/password-check.ts'
import { type Clock, systemClock } from '#server/kernel/clock.ts'

export function memoryTotp(): TotpStore {
  const kept = new Map<string, StoredTotp & { last: number }>()
  const take = (accountId: string, step: number, confirmed: boolean): boolean => {
    const held = kept.get(accountId)
    if (!held || held.confirmed !== confirmed || held.last >= step) return false
    kept.set(accountId, { ...held, confirmed: true, last: step })
    return true
  }
  return {
    find: async (accountId) => kept.get(accountId),
    async propose(accountId, secret) {
      if (kept.get(accountId)?.confirmed) return false
      kept.set(accountId, { secret, confirmed: false, last: 0 })
      return true
    },
    confirm: async (accountId, step) => take(accountId, step, false),
    use: async (accountId, step) => take(accountId, step, true),
    remove: async (accountId) => kept.delete(accountId),
  }
}

export function memoryPasskeys(): PasskeyStore {
  const kept = new Map<string, StoredPasskey>()
  const challenges = new Map<string, { purpose: string; accountId: string | null; expiresAt_ms: number }>()
  return {
    ofAccount: async (accountId) => [...kept.values()].filter((one) => one.accountId === accountId),
    find: async (id) => kept.get(id),
    async insert(passkey) {
      if (kept.has(passkey.id)) return false
      kept.set(passkey.id, passkey)
      return true
    },
    async use(id, counter, backedUp, usedAt_ms) {
      const held = kept.get(id)
      if (!held || !(held.counter < counter || (held.counter === 0 && counter === 0))) return false
      kept.set(id, { ...held, counter, backedUp, synced: held.synced || backedUp, usedAt_ms })
      return true
    },
    remove: async (accountId, id) => kept.get(id)?.accountId === accountId && kept.delete(id),
    async putChallenge(challenge, purpose, accountId, expiresAt_ms) {
      challenges.set(challenge, { purpose, accountId, expiresAt_ms })
    },
    async takeChallenge(challenge, purpose, now_ms) {
      const held = challenges.get(challenge)
      if (!held || held.purpose !== purpose || held.expiresAt_ms <= now_ms) return undefined
      challenges.delete(challenge)
      return { accountId: held.accountId }
    },
    prune: async () => 0,
  }
}

/** Keys that seal nothing, for where that is not the question. */
export const openSeal = {
  seal: async (_context: string, plain: Buffer) => plain,
  open: async (_context: string, sealed: Buffer) => sealed,
}

/** No list of breached passwords is kept. */
export const checkPassword = passwordCheck({
  ...{ product: 'Weft', breached: undefined },
  onFault: (error) => {
    throw error
  },
})

/** Second factors and passkeys in memory, and what is asked of passwords. */
export function memoryCredentials(
  relyingParties: RelyingParties,
  clock: Clock = systemClock,
  stepsApart = 0,
  secondFactor: SecondFactor = 'optional',
) {
  const codes = totp({ store: memoryTotp(), keys: openSeal, issuer: 'Weft test', stepsApart, clock })
  const keys = passkeys({ store: memoryPasskeys(), relyingParties, name: 'Weft test', clock, secondFactor })
  return { checkPassword, totp: codes, passkeys: keys, factors: factorRules(codes, keys, secondFactor) }
}
