/** What is kept of a second factor by time. */
export interface StoredTotp {
  /** Sealed by the key service, under `totp/<account id>`. */
  readonly secret: Buffer
  /** False until its person has shown that their device has it. */
  readonly confirmed: boolean
}

export interface TotpStore {
  find(accountId: string): Promise<StoredTotp | undefined>
  /** Keeps a secret that is not confirmed yet, in the place of another such; false where one is confirmed already. */
  propose(accountId: string, secret: Buffer): Promise<boolean>
  /** Both take a time step that is later than any that was used, in one statement; false where it is not. */
  confirm(accountId: string, step: number): Promise<boolean>
  use(accountId: string, step: number): Promise<boolean>
  /** False where there was none. */
  remove(accountId: string): Promise<boolean>
}

export interface StoredPasskey {
  /** The credential's id, in base64url. */
  readonly id: string
  readonly accountId: string
  readonly name: string
  /** COSE key. */
  readonly publicKey: Buffer
  readonly counter: number
  readonly transports: readonly string[]
  readonly backedUp: boolean
  /** Whether it may be copied between devices; else it stays in the one that made it. */
  readonly synced: boolean
  readonly createdAt_ms: number
  readonly usedAt_ms: number | null
}

export type ChallengePurpose = 'register' | 'sign-in' | 'step-up'

export interface PasskeyStore {
  /** Oldest first. */
  ofAccount(accountId: string): Promise<StoredPasskey[]>
  find(id: string): Promise<StoredPasskey | undefined>
  /** False where the credential is registered already. */
  insert(passkey: StoredPasskey): Promise<boolean>
  /** Writes a use down in one statement; false where the counter did not go on, as with a copy of the authenticator. */
  use(id: string, counter: number, backedUp: boolean, at_ms: number): Promise<boolean>
  /** False where the account has none of that id. */
  remove(accountId: string, id: string): Promise<boolean>
  putChallenge(
    challenge: string,
    purpose: ChallengePurpose,
    accountId: string | null,
    expiresAt_ms: number,
  ): Promise<void>
  /** Takes a challenge away in one statement, so that it counts once; undefined where there is none that counts. */
  takeChallenge(
    challenge: string,
    purpose: ChallengePurpose,
    now_ms: number,
  ): Promise<{ accountId: string | null } | undefined>
  /** Removes challenges that nobody answered; answers how many. */
  prune(now_ms: number): Promise<number>
}
