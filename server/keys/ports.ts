/**
 * What a key is for. `envelope` keys seal other secrets; the others speak to the outside: `switch-ca` signs certificates of
 * switches, `controller-ca` the one that Weft shows them. They are two, so that no switch can pass for Weft.
 */
export const KEY_PURPOSES = [
  ...(['saml-signing', 'saml-encryption', 'audit', 'envelope', 'switch-ca', 'controller-ca'] as const),
]
export type KeyPurpose = (typeof KEY_PURPOSES)[number]
export type SigningPurpose = 'saml-signing' | 'audit' | 'switch-ca' | 'controller-ca'

/** `rsa-3072`: SHA-256 with PKCS#1 v1.5, or OAEP; `ecdsa-p256`: SHA-256, signatures as r and s (IEEE P1363); `aes-256`: GCM. */
export type KeyAlgorithm = 'rsa-3072' | 'ecdsa-p256' | 'aes-256'

/**
 * `next`: published, not in use; `active`: in use, one for each purpose; `retiring`: no longer used for new work, but what it
 * made or was made for it is still accepted; `retired`: its private half is gone.
 */
export type KeyState = 'next' | 'active' | 'retiring' | 'retired'

export interface KeyInfo {
  readonly id: string
  readonly purpose: KeyPurpose
  readonly algorithm: KeyAlgorithm
  readonly state: KeyState
  /** PEM; null for envelope keys. */
  readonly certificate: string | null
  /** PEM (SubjectPublicKeyInfo); null for envelope keys. */
  readonly publicKey: string | null
  /** Its private half is in the PKCS#11 token, and never leaves it. */
  readonly inToken: boolean
  readonly createdAt: Date
  /** When its certificate ends. */
  readonly notAfter: Date | null
  /** When it was retired; of a key that is retiring: when it will be, null where it is kept for what it sealed. */
  readonly retiredAt: Date | null
  readonly uses: number
}

export interface Signer {
  readonly keyId: string
  readonly certificate: string
  readonly publicKey: string
  sign(data: Buffer): Promise<Buffer>
}

export interface KeyService {
  /** The active key of a purpose. `saml-signing`: RSA PKCS#1 v1.5 with SHA-256; the others: see `verifySignature`. */
  signer(purpose: SigningPurpose): Promise<Signer>
  /** Active, next and retiring keys; of `audit` all there ever were. The active one is first, then the newest. */
  verificationKeys(purpose: KeyPurpose): Promise<KeyInfo[]>
  /** PKCS#8 PEM of active, next and retiring keys, the active one first. They are unwrapped into memory alone. */
  privateKeys(purpose: 'saml-encryption'): Promise<string[]>
  /** Certificates to publish: of the active key, and of those beside it (next, retiring). */
  certificates(purpose: Exclude<KeyPurpose, 'envelope'>): Promise<{ active: string; others: string[] }>
  /** Encrypts and authenticates `plain`, bound to `context`: a text that names the place it is kept in, such as `totp/<account id>`. */
  seal(context: string, plain: Buffer): Promise<Buffer>
  /** Throws `SealBroken` when it was not sealed under this context, was changed, or its key is gone. */
  open(context: string, sealed: Buffer): Promise<Buffer>
  /**
   * Brings a new key. SAML keys and those that sign certificates take two steps, so that others learn of the new one before it
   * counts: `prepare` makes the next one, `promote` puts it in use; the keys that nobody outside must know of are put in use at once. The one before goes
   * on being accepted for the days that are configured.
   */
  rotate(purpose: KeyPurpose, step?: 'prepare' | 'promote'): Promise<KeyInfo>
  /** Ends a `next` or `retiring` key now: what depends on it is no longer accepted. */
  retire(id: string): Promise<KeyInfo>
  /** Wraps every wrapped key anew under what is configured now (token, or master key). Answers how many. */
  rewrap(): Promise<number>
  list(): Promise<KeyInfo[]>
}

/** What was handed to `open` is not what `seal` gave for this context. Says no more: whoever tries must not learn which. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken'

  constructor() {
    super('The sealed value cannot be opened.')
  }
}

/** Wraps keys under a key that is kept apart from the database. */
export interface Wrapper {
  /** Names the wrapping key, in the column `wrapped_by`: `master:<check>` or `token:<label>`. */
  readonly name: string
  wrap(context: string, key: Buffer): Promise<Buffer>
  /** Throws `SealBroken`. */
  unwrap(context: string, wrapped: Buffer): Promise<Buffer>
}

/** A row of the table `key`. */
export interface StoredKey extends Omit<KeyInfo, 'inToken' | 'uses'> {
  readonly wrapped: Buffer | null
  readonly wrappedBy: string | null
  readonly tokenLabel: string | null
}

/** How often a key was used on a day (UTC, `2026-11-23`). */
export interface KeyUse {
  readonly keyId: string
  readonly day: string
  readonly operation: string
  readonly count: number
}

export interface Rewrapped {
  readonly id: string
  readonly wrapped: Buffer
  readonly wrappedBy: string
}

export interface KeyStore {
  /** All keys, newest first. */
  all(): Promise<StoredKey[]>
  /** False when another one of this purpose and state is there: there is one active and one next. */
  insert(key: StoredKey): Promise<boolean>
  /** Makes the next key the active one, and the active one retiring; false when it is not the next one any more. */
  promote(id: string, retiresAt: Date | null): Promise<boolean>
  /** Ends a key and forgets its private half; false when it is in use. */
  retire(id: string, at: Date): Promise<boolean>
  rewrap(keys: readonly Rewrapped[]): Promise<void>
  addUses(uses: readonly KeyUse[]): Promise<void>
  /** Uses of each key, all days together. */
  uses(): Promise<ReadonlyMap<string, number>>
}

/** A signing key that was just made. */
export interface MadeKey {
  readonly algorithm: KeyAlgorithm
  /** PEM, SubjectPublicKeyInfo. */
  readonly publicKey: string
  /** PKCS#8 DER to be wrapped; absent where it is in the token, under `tokenLabel`. */
  readonly privateKey?: Buffer
  readonly tokenLabel?: string
  sign(data: Buffer): Promise<Buffer>
}

/** What the service needs of a PKCS#11 token. */
export interface KeyToken extends Wrapper {
  /** Makes a key pair that never leaves the token. */
  generate(algorithm: 'rsa-3072' | 'ecdsa-p256', label: string): Promise<MadeKey>
  sign(algorithm: KeyAlgorithm, label: string, data: Buffer): Promise<Buffer>
  destroy(label: string): Promise<void>
  close(): Promise<void>
}
