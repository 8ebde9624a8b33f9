import { randomBytes } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import type { Clock } from '#server/kernel/clock.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import type { KeyService } from '#server/keys/ports.ts'
import type { AccountRecord } from '../ports.ts'
import type { TotpStore } from './ports.ts'

/** As many bits as SHA-1 gives, which RFC 4226 (section 4) recommends. */
const SECRET_BYTES = 20
const PERIOD_S = 30
const FORM = { algorithm: 'SHA1', digits: 6, period: PERIOD_S } as const

export interface TotpParts {
  readonly store: TotpStore
  readonly keys: Pick<KeyService, 'seal' | 'open'>
  /** Who asks for the codes, as a device shows it. */
  readonly issuer: string
  /** Steps before and after the present one that count too, where the clocks of devices are off. */
  readonly stepsApart: number
  readonly clock: Clock
}

export interface Totp {
  /** Whether codes are asked of the account. */
  isAsked(accountId: string): Promise<boolean>
  /** A new secret, which counts once it is confirmed. Throws `Refusal` (`conflict`) where there is one that counts. */
  begin(account: Pick<AccountRecord, 'id' | 'name'>): Promise<{ secret: string; uri: string }>
  /** Codes are asked from now on. Throws `Refusal` (`rule`, pointer `/code`). */
  confirm(accountId: string, code: string): Promise<void>
  /** Whether the code fits and was not used before; it is used up then. */
  use(accountId: string, code: string): Promise<boolean>
  /** Throws `Refusal` (`not-found`). */
  remove(accountId: string): Promise<void>
}

const contextOf = (accountId: string) => `totp/${accountId}`

const wrongCode = () =>
  new Refusal('rule', 'The code does not fit.', [
    {
      ...{ pointer: '/code', rule: 'totp.code', message: 'The code does not fit.' },
      mend: 'Wait for the next code, and type it while the device shows it; look whether its clock is right.',
    },
  ])

/** Codes by time (RFC 6238): SHA-1, six digits, 30 s; each step counts once. */
export function totp({ store, keys, issuer, stepsApart, clock }: TotpParts): Totp {
  /** The step whose code this is; undefined where there is none within the window. */
  async function stepOf(accountId: string, sealed: Buffer, code: string): Promise<number | undefined> {
    const bytes = await keys.open(contextOf(accountId), sealed)
    const secret = new Secret({ buffer: Uint8Array.from(bytes).buffer })
    const now_ms = clock.now_ms()
    const delta = TOTP.validate({ ...FORM, secret, token: code, timestamp: now_ms, window: stepsApart })
    return delta === null ? undefined : TOTP.counter({ period: PERIOD_S, timestamp: now_ms }) + delta
  }
  return {
    isAsked: async (accountId) => (await store.find(accountId))?.confirmed === true,
    async begin({ id, name }) {
      const bytes = randomBytes(SECRET_BYTES)
      if (!(await store.propose(id, await keys.seal(contextOf(id), bytes))))
        throw new Refusal('conflict', 'Codes are asked for already.', [
          {
            ...{ pointer: '', rule: 'totp.there', message: 'Codes are asked for already.' },
            mend: 'Remove the present second factor first.',
          },
        ])
      const secret = new Secret({ buffer: Uint8Array.from(bytes).buffer })
      const uri = new TOTP({ ...FORM, issuer, label: name, secret }).toString()
      return { secret: secret.base32, uri }
    },
    async confirm(accountId, code) {
      const kept = await store.find(accountId)
      const step = kept && !kept.confirmed ? await stepOf(accountId, kept.secret, code) : undefined
      if (step === undefined || !(await store.confirm(accountId, step))) throw wrongCode()
    },
    async use(accountId, code) {
      const kept = await store.find(accountId)
      const step = kept?.confirmed ? await stepOf(accountId, kept.secret, code) : undefined
      return step !== undefined && store.use(accountId, step)
    },
    async remove(accountId) {
      if (!(await store.remove(accountId))) throw new Refusal('not-found', 'No codes are asked for.')
    },
  }
}
