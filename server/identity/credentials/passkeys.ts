import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { parse as parseUuid } from 'uuid'
import { z } from 'zod'
import type { Clock } from '#server/kernel/clock.ts'
import { brokenRules, Refusal } from '#server/kernel/refusal.ts'
import type { SecondFactor } from '../duties.ts'
import type { AccountRecord } from '../ports.ts'
import type { ChallengePurpose, PasskeyStore, StoredPasskey } from './ports.ts'
import type { RelyingParties } from './relying-party.ts'

/** How long a browser may take to answer. */
const TIMEOUT_MS = 120_000
const PASSKEYS_MAX = 20
/** COSE: EdDSA, ES256, RS256, which is what authenticators have. */
const ALGORITHMS = [-8, -7, -257]

const Base64url = z.base64url().max(4096)
const KeyId = z.base64url().min(1).max(1400)
const Kind = { type: z.literal('public-key'), clientExtensionResults: z.record(z.string(), z.unknown()).default({}) }
const Assertion = z.object({
  ...{ id: KeyId, rawId: KeyId, ...Kind },
  response: z.object({
    ...{ clientDataJSON: Base64url, authenticatorData: Base64url, signature: Base64url },
    userHandle: z.base64url().max(128).optional(),
  }),
})
const Transport = z.enum(['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'])
const Attestation = z.object({
  ...{ id: KeyId, rawId: KeyId, ...Kind },
  response: z.object({
    ...{ clientDataJSON: Base64url, attestationObject: z.base64url().max(16_384) },
    transports: z.array(z.string()).max(10).optional(),
  }),
})

export interface PasskeyParts {
  readonly store: PasskeyStore
  readonly relyingParties: RelyingParties
  /** Of the console, as an authenticator shows it. */
  readonly name: string
  readonly clock: Clock
  /** What sign-in has to prove at least. */
  readonly secondFactor?: SecondFactor
}

/** What a passkey proved; else why not, as a code that those outside are not told. */
export type Asserted =
  | { readonly ok: true; readonly accountId: string; readonly synced: boolean }
  | { readonly ok: false; readonly reason: string; readonly accountId: string | null }

type Options = Record<string, unknown>

export interface Passkeys {
  of(accountId: string): Promise<StoredPasskey[]>
  /** What a browser makes a passkey from. `origin`: of the page. Throws `Refusal`. */
  beginRegistration(account: AccountRecord, origin: string): Promise<Options>
  /** Throws `Refusal` (`rule`, pointer `/response`). */
  register(account: AccountRecord, name: string, response: unknown, origin: string): Promise<StoredPasskey>
  /** What a browser proves a passkey with: any that it has for us, or one of an account. Throws `Refusal`. */
  begin(origin: string, account?: AccountRecord): Promise<Options>
  /** Checks a proof, and uses its challenge up. `account`: whose it must be. Throws `Refusal` (`rule`) by the page's origin alone. */
  assert(response: unknown, origin: string, account?: AccountRecord): Promise<Asserted>
  /** Throws `Refusal` (`not-found`). */
  remove(accountId: string, id: string): Promise<void>
  prune(): Promise<number>
}

const refused = (message: string, mend: string) =>
  brokenRules([{ pointer: '/response', rule: 'passkey', message, mend }])

/** Whether a page in a frame of another site asked; ours are never framed. */
const isFramed = (clientDataJSON: string): boolean => {
  try {
    return (
      (JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString()) as { crossOrigin?: unknown }).crossOrigin ===
      true
    )
  } catch {
    return true
  }
}

const owns = (userHandle: string | undefined, accountId: string): boolean =>
  userHandle === undefined || Buffer.from(userHandle, 'base64url').equals(Buffer.from(parseUuid(accountId)))

const described = ({ id, transports }: StoredPasskey) => ({ id, transports: [...transports] })

/** Passkeys (WebAuthn level 3): discoverable, with user verification; each challenge counts once, counters go on. */
export function passkeys({ store, relyingParties, name, clock, secondFactor }: PasskeyParts): Passkeys {
  const remember = async (challenge: string, purpose: ChallengePurpose, accountId: string | null) =>
    store.putChallenge(challenge, purpose, accountId, clock.now_ms() + TIMEOUT_MS)
  /** Takes the challenge away where it was given to this account, or (null) to anybody. */
  const expected = (purpose: ChallengePurpose, accountId: string | null) => async (challenge: string) =>
    (await store.takeChallenge(challenge, purpose, clock.now_ms()))?.accountId === accountId

  async function verify(
    response: z.infer<typeof Assertion>,
    origin: string,
    passkey: StoredPasskey,
    account?: AccountRecord,
  ) {
    const party = relyingParties(origin)
    const { id, publicKey, counter, transports } = passkey
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as Parameters<typeof verifyAuthenticationResponse>[0]['response'],
      expectedChallenge: expected(account ? 'step-up' : 'sign-in', account?.id ?? null),
      ...{ expectedOrigin: party.origin, expectedRPID: party.id, requireUserVerification: true },
      credential: { id, publicKey: Uint8Array.from(publicKey), counter, transports: [...transports] },
    })
    if (!verified) return 'passkey-signature'
    const { newCounter, credentialBackedUp } = authenticationInfo
    return (await store.use(id, newCounter, credentialBackedUp, clock.now_ms())) ? undefined : 'passkey-counter'
  }

  return {
    of: store.ofAccount,
    async beginRegistration(account, origin) {
      const party = relyingParties(origin)
      const there = await store.ofAccount(account.id)
      if (there.length >= PASSKEYS_MAX)
        throw brokenRules([
          {
            ...{
              pointer: '',
              rule: 'passkey.count',
              limit: `${PASSKEYS_MAX}`,
              message: 'There are too many passkeys.',
            },
            mend: 'Remove one that is not used any more.',
          },
        ])
      const options = await generateRegistrationOptions({
        ...{ rpName: name, rpID: party.id, userName: account.name, userDisplayName: account.displayName },
        userID: Uint8Array.from(parseUuid(account.id)),
        ...{ timeout: TIMEOUT_MS, attestationType: 'none', supportedAlgorithmIDs: ALGORITHMS },
        excludeCredentials: there.map(described),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      })
      await remember(options.challenge, 'register', account.id)
      return { ...options }
    },
    async register(account, keyName, given, origin) {
      const party = relyingParties(origin)
      const { success, data } = Attestation.safeParse(given)
      if (!success || isFramed(data.response.clientDataJSON))
        throw refused('This is no answer of a browser.', 'Register the passkey in a browser.')
      const answer = await verifyRegistrationResponse({
        response: data as Parameters<typeof verifyRegistrationResponse>[0]['response'],
        expectedChallenge: expected('register', account.id),
        ...{ expectedOrigin: party.origin, expectedRPID: party.id, requireUserVerification: true },
        supportedAlgorithmIDs: ALGORITHMS,
      }).catch(() => ({ verified: false }) as const)
      if (!answer.verified) throw refused('The passkey could not be verified.', 'Begin again.')
      const { credential, credentialBackedUp: backedUp, credentialDeviceType } = answer.registrationInfo
      const synced = credentialDeviceType === 'multiDevice'
      if (synced && secondFactor === 'hardware')
        throw refused(
          'This passkey may be copied to other devices.',
          'Take one that stays in its device, such as a key.',
        )
      const transports = (data.response.transports ?? []).filter((one) => Transport.safeParse(one).success)
      const passkey: StoredPasskey = {
        ...{ id: credential.id, accountId: account.id, name: keyName, publicKey: Buffer.from(credential.publicKey) },
        ...{ counter: credential.counter, transports, backedUp, synced },
        ...{ createdAt_ms: clock.now_ms(), usedAt_ms: null },
      }
      if (!(await store.insert(passkey))) throw refused('This passkey is registered already.', 'Use it to sign in.')
      return passkey
    },
    async begin(origin, account) {
      const party = relyingParties(origin)
      const own = account && (await store.ofAccount(account.id))
      if (own?.length === 0)
        throw brokenRules([
          {
            ...{ pointer: '', rule: 'passkey.none', message: 'No passkey is registered.' },
            mend: 'Use the password.',
          },
        ])
      const options = await generateAuthenticationOptions({
        ...{ rpID: party.id, timeout: TIMEOUT_MS, userVerification: 'required' },
        ...(own && { allowCredentials: own.map(described) }),
      })
      await remember(options.challenge, account ? 'step-up' : 'sign-in', account?.id ?? null)
      return { ...options }
    },
    async assert(given, origin, account) {
      relyingParties(origin)
      const { success, data } = Assertion.safeParse(given)
      if (!success || isFramed(data.response.clientDataJSON))
        return { ok: false, reason: 'passkey-form', accountId: null }
      const passkey = await store.find(data.id)
      if (!passkey) return { ok: false, reason: 'passkey-unknown', accountId: null }
      const { accountId } = passkey
      if (!owns(data.response.userHandle, accountId) || (account && account.id !== accountId))
        return { ok: false, reason: 'passkey-owner', accountId }
      const reason = await verify(data, origin, passkey, account).catch((error: Error) =>
        /counter/.test(error.message) ? 'passkey-counter' : 'passkey-check',
      )
      return reason === undefined ? { ok: true, accountId, synced: passkey.synced } : { ok: false, reason, accountId }
    },
    async remove(accountId, id) {
      if (!(await store.remove(accountId, id))) throw new Refusal('not-found', 'There is no such passkey.')
    },
    prune: () => store.prune(clock.now_ms()),
  }
}
