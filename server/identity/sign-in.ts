import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { Refusal, type RefusalDetail } from '#server/kernel/refusal.ts'
import { passkeyMethod } from './credentials/held.ts'
import type { Passkeys } from './credentials/passkeys.ts'
import type { Totp } from './credentials/totp.ts'
import { meets, type SecondFactor } from './duties.ts'
import { requirePerson, stepUpPath } from './freshness.ts'
import { type LimitWatch, limitCounter, neighbourhood, TooManyTries } from './limits.ts'
import type { Notices } from './notices/notices.ts'
import { fitsPassword, hashPassword } from './password.ts'
import type { PasswordCheck } from './password-check.ts'
import type { AccountRecord, AccountStore, Whence } from './ports.ts'
import type { Caller, Sessions } from './sessions.ts'

export interface SignInLimits {
  /** Failed tries for one account … */
  readonly perAccount: number
  /** … and from one address … */
  readonly perAddress: number
  /** … within this time. */
  readonly window_ms: number
}

/** What somebody proves themselves with who is signed in. */
export type StepUpProof =
  | { readonly password: string; readonly code?: string | undefined }
  | { readonly passkey: unknown }
/** What somebody signs in with. A passkey names its account itself. */
export type LocalProof =
  | { readonly name: string; readonly password: string; readonly code?: string | undefined }
  | { readonly passkey: unknown }

/** Where a proof that is checked here comes from. */
export interface LocalOrigin extends Whence {
  /** Scheme, host and port that the client called. */
  readonly origin: string
  /** Takes the exact reason of a refusal, which those outside are not told. */
  readonly note: { reason?: string }
}

export interface LocalSignIn {
  /**
   * Throws `Refusal`: `unauthenticated` (which of them is wrong is not said), `code-required` after the right password,
   * `forbidden` where such accounts do not sign in, `too-many` with the seconds to wait.
   */
  signIn(proof: LocalProof, from: LocalOrigin): Promise<{ id: string; caller: Caller }>
  /** Proves anew who is signed in: the session goes on under a new id. Throws `Refusal` as `signIn` does. */
  stepUp(caller: Caller, proof: StepUpProof, from: LocalOrigin): Promise<{ id: string; caller: Caller }>
  /**
   * Ends all other sessions of the account. Throws `Refusal` (`rule`): pointer `/current` when the present password is wrong
   * or has ended, `/next`.
   */
  changePassword(caller: Caller, current: string, next: string, from: LocalOrigin): Promise<void>
}

export interface LocalSignInParts {
  readonly accounts: Pick<AccountStore, 'byName' | 'byId' | 'setPassword' | 'noteFailure'>
  readonly sessions: Pick<Sessions, 'begin' | 'renew' | 'endOthers'>
  readonly limits: SignInLimits
  readonly watch: LimitWatch
  readonly totp: Pick<Totp, 'isAsked' | 'use'>
  readonly passkeys: Pick<Passkeys, 'assert' | 'of'>
  /** Which accounts sign in here. */
  readonly local: 'always' | 'break-glass'
  /** What sign-in has to prove at least. */
  readonly secondFactor: SecondFactor
  /** Of a new password. */
  readonly checkPassword: PasswordCheck
  /** Told of each sign-in of a break-glass account, before it counts. */
  readonly announce: (account: AccountRecord, method: string, address: string) => Promise<void>
  readonly clock?: Clock
  /** Of tries that fail, and what its person is told of the account. */
  readonly notices: Pick<Notices, 'tries' | 'tell'>
}

function tries({ perAccount, perAddress, window_ms }: SignInLimits, watch: LimitWatch) {
  const limit = (whose: 'account' | 'address', points: number, from: string) =>
    limitCounter({ name: `sign-in.${whose}`, points, window_ms, what: `failed tries ${from} this ${whose}` }, watch)
  const byAccount = limit('account', perAccount, 'for')
  const byAddress = limit('address', perAddress, 'from')
  return {
    /** `name`: absent where only the proof itself says whose it is. */
    async count(address: string, name?: string) {
      const from = await byAddress.count(neighbourhood(address), { address })
      if (from.over) throw new TooManyTries(from.wait_s)
      if (name === undefined) return
      const of = await byAccount.count(name.toLowerCase(), { address, actor: name })
      if (of.over) throw new TooManyTries(of.wait_s)
    },
    async forgive(address: string, name?: string) {
      await byAddress.forgive(neighbourhood(address))
      if (name !== undefined) await byAccount.forget(name.toLowerCase())
    },
  }
}

const refusal = (
  code: 'unauthenticated' | 'code-required' | 'forbidden',
  detail: Omit<RefusalDetail, 'message'>,
  message: string,
) => new Refusal(code, message, [{ ...detail, message }])

function wrong(from: LocalOrigin, reason: string): Refusal {
  from.note.reason = reason
  return new Refusal('unauthenticated', 'Name or password is wrong.')
}

function wrongPasskey(from: LocalOrigin, reason: string): Refusal {
  from.note.reason = reason
  return new Refusal('unauthenticated', 'The passkey was not accepted.')
}

const codeRequired = () =>
  refusal(
    'code-required',
    { pointer: '/code', rule: 'code', mend: 'Send the same with the code that your device shows as `code`.' },
    'The code of the second factor is missing.',
  )

const wrongCode = () =>
  refusal(
    'unauthenticated',
    {
      pointer: '/code',
      rule: 'code',
      mend: 'Wait for the next code, and type it while the device shows it: each works once.',
    },
    'The code does not fit.',
  )

const providersOnly = () =>
  refusal(
    'forbidden',
    { pointer: '', rule: 'local-sign-in', mend: 'Sign in through your identity provider.' },
    'Accounts that are kept here sign in only where every identity provider is down.',
  )

const elsewhere = (caller: Caller) =>
  new Refusal('step-up-required', 'Your identity provider has to vouch for you again.', [
    {
      ...{ pointer: '', rule: 'step-up', message: 'Your identity provider has to vouch for you again.' },
      mend: `Open ${stepUpPath(caller)} in the browser that is signed in.`,
    },
  ])

const broken = (pointer: string, rule: string, message: string, mend: string) =>
  new Refusal('rule', message, [{ pointer, rule, message, mend }])

const wrongPresent = () =>
  broken('/current', 'password', 'The present password is wrong.', 'Type the password that you signed in with.')

const endedPresent = () =>
  broken('/current', 'password.ended', 'The password that was made for you has ended.', 'Ask for another one.')

const sameAgain = () =>
  broken('/next', 'password.same', 'The new password is the present one.', 'Choose another password.')

const weakProof = () =>
  broken(
    ...(['', 'step-up.weak', 'The password alone proves less than is asked for here.'] as const),
    'Prove it by a passkey, or by password and code where codes are asked for.',
  )

const passkeyRequired = () =>
  refusal(
    'forbidden',
    { pointer: '', rule: 'passkey', mend: 'Use a passkey in the console, or sign in anew.' },
    'Something has changed since you last proved who you are: this time it takes the passkey.',
  )

interface Proved {
  readonly account: AccountRecord
  readonly method: string
}

/** Sign-in with what is kept here: a name and a password, codes by time, passkeys. */
export function localSignIn(parts: LocalSignInParts): LocalSignIn {
  const {
    accounts,
    sessions,
    totp,
    passkeys,
    local,
    secondFactor,
    checkPassword,
    announce,
    clock = systemClock,
  } = parts
  const { tries: watch, tell } = parts.notices
  const { count, forgive } = tries(parts.limits, parts.watch)

  const hasEnded = ({ passwordEndsAt_ms }: AccountRecord) =>
    passwordEndsAt_ms !== null && passwordEndsAt_ms <= clock.now_ms()

  /** As `count`; who is tried too often hears of that too. */
  async function countOf({ id, name }: Partial<Pick<AccountRecord, 'id' | 'name'>>, method: string, address: string) {
    try {
      await count(address, name)
    } catch (error) {
      if (id !== undefined) watch.failed({ id }, method, address)
      else if (name !== undefined) watch.failed({ name }, method, address)
      throw error
    }
  }

  /** Nobody waits for it: how long an answer takes would tell whether there is such an account. */
  const failed = (name: string) => void accounts.noteFailure(name, clock.now_ms()).catch(() => {})

  /** A right password is not yet a sign-in where codes are asked: until the code fits too, the account's try counts. */
  async function methodOf({ id, name }: AccountRecord, code: string | undefined, from: LocalOrigin): Promise<string> {
    if (!(await totp.isAsked(id))) return 'password'
    if (code === undefined) {
      watch.half(id, 'password', from.address)
      await forgive(from.address)
      throw codeRequired()
    }
    if (await totp.use(id, code)) return 'password+totp'
    watch.half(id, 'password', from.address)
    watch.failed({ id }, 'code', from.address)
    from.note.reason = 'code'
    failed(name)
    throw wrongCode()
  }

  async function byPassword(
    name: string,
    password: string,
    code: string | undefined,
    from: LocalOrigin,
  ): Promise<Proved> {
    await countOf({ name }, 'password', from.address)
    const account = await accounts.byName(name)
    const fits = await fitsPassword(account?.passwordHash, password)
    if (!account || !fits) failed(name)
    // Of names that nobody has too: it must not take another time.
    if (!fits) watch.failed({ name }, 'password', from.address)
    if (!account) throw wrong(from, 'unknown-account')
    if (!fits) throw wrong(from, 'password')
    if (account.state !== 'active') throw wrong(from, 'disabled')
    if (hasEnded(account)) throw wrong(from, 'password-ended')
    const method = await methodOf(account, code, from)
    await forgive(from.address, name)
    watch.proved(account.id, from.address)
    return { account, method }
  }

  async function byPasskey(response: unknown, from: LocalOrigin, whose?: AccountRecord): Promise<Proved> {
    await countOf({ id: whose?.id, name: whose?.name }, 'passkey', from.address)
    const asserted = await passkeys.assert(response, from.origin, whose)
    if (!asserted.ok) {
      const id = asserted.accountId ?? whose?.id
      if (id !== undefined) watch.failed({ id }, 'passkey', from.address)
      if (whose) failed(whose.name)
      throw wrongPasskey(from, asserted.reason)
    }
    const account = await accounts.byId(asserted.accountId)
    if (account?.state !== 'active' || account.providerId !== null) throw wrongPasskey(from, 'disabled')
    await forgive(from.address, whose?.name)
    watch.proved(account.id, from.address)
    return { account, method: passkeyMethod(asserted) }
  }

  return {
    async signIn(proof, from) {
      const { account, method } =
        'passkey' in proof
          ? await byPasskey(proof.passkey, from)
          : await byPassword(proof.name, proof.password, proof.code, from)
      if (local === 'break-glass' && !account.breakGlass) {
        from.note.reason = 'local-sign-in'
        throw providersOnly()
      }
      if (account.breakGlass) await announce(account, method, from.address)
      return sessions.begin(account, from, { method })
    },
    async stepUp(caller, proof, from) {
      requirePerson(caller)
      if (caller.account.providerId !== null) throw elsewhere(caller)
      const { method } =
        'passkey' in proof
          ? await byPasskey(proof.passkey, from, caller.account)
          : await byPassword(caller.account.name, proof.password, proof.code, from)
      // What was proved by more does not go on with less.
      if (!caller.owes.includes('second-factor') && !meets(method, secondFactor)) throw weakProof()
      // Whoever came by a session may have come by the password as well.
      if (method === 'password' && caller.signals.length > 0 && (await passkeys.of(caller.account.id)).length > 0)
        throw passkeyRequired()
      const renewed = await sessions.renew(caller, method, from)
      if (!renewed) throw new Refusal('unauthenticated', 'The session has ended.')
      return renewed
    },
    async changePassword(caller, current, next, { address }) {
      requirePerson(caller)
      const { id, name, displayName } = caller.account
      await countOf({ id, name }, 'password', address)
      const account = await accounts.byId(id)
      if (!account || !(await fitsPassword(account.passwordHash, current))) {
        watch.failed({ id }, 'password', address)
        failed(name)
        throw wrongPresent()
      }
      await forgive(address, name)
      if (hasEnded(account)) throw endedPresent()
      if (next === current) throw sameAgain()
      await checkPassword(next, [name, displayName], '/next')
      await accounts.setPassword(id, await hashPassword(next))
      await sessions.endOthers(id, caller.session)
      await tell(id, { kind: 'password.changed', addresses: [address] })
    },
  }
}
