import type { KeyAlgorithm } from '../ports.ts'

export type TokenKeyAlgorithm = Exclude<KeyAlgorithm, 'aes-256'>

export interface TokenOptions {
  /** Path of the vendor's PKCS#11 library. */
  readonly module: string
  /** Label of the token. */
  readonly label: string
  readonly pin: string
}

/** What the worker can be asked for. Keys are named by label. */
export interface TokenCalls {
  /** Signs in to the token; answers who made it. */
  connect(): { model: string; serial: string }
  /** Makes an AES-256 key that stays in the token, unless it is there. */
  makeWrappingKey(label: string): null
  has(label: string): boolean
  /** AES-256-GCM: nonce, ciphertext, tag. */
  encrypt(label: string, aad: Uint8Array, plain: Uint8Array): Uint8Array
  decrypt(label: string, aad: Uint8Array, bytes: Uint8Array): Uint8Array
  /** Makes a key pair whose private half stays in the token; answers the public one as PEM. */
  generate(algorithm: TokenKeyAlgorithm, label: string): string
  sign(algorithm: TokenKeyAlgorithm, label: string, data: Uint8Array): Uint8Array
  destroy(label: string): null
  /** Signs out. */
  close(): null
}

export interface Request {
  readonly id: number
  readonly call: keyof TokenCalls
  readonly args: readonly unknown[]
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: { readonly code: string; readonly message: string } }

/**
 * `binding`: pkcs11js is not there; `module`: the library cannot be loaded; `token`: no token has that label; `pin`: it is not
 * taken; `key`: there is no key of that label; `sealed`: not what `encrypt` gave; `away`: it does not answer; else a CKR_ name.
 */
export class TokenError extends Error {
  override readonly name = 'TokenError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
