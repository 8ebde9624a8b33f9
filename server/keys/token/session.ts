import type { Handle, PKCS11 } from 'pkcs11js'
import { TokenError, type TokenOptions } from './protocol.ts'

export type Binding = typeof import('pkcs11js')

/** A signed-in session with what was found in it. Handles are good for this session alone. */
export interface TokenSession {
  readonly binding: Binding
  readonly library: PKCS11
  readonly handle: Handle
  readonly slot: Handle
  readonly found: Map<string, Handle>
}

/** The PKCS#11 name of a failure, `CKR_…`; empty for others. */
export function ckrOf(error: unknown): string {
  return /CKR_[A-Z0-9_]+/.exec(error instanceof Error ? error.message : '')?.[0] ?? ''
}

/** Runs one call whose failure of that name is as good as success. */
function unless(name: string, call: () => void): void {
  try {
    call()
  } catch (error) {
    if (ckrOf(error) !== name) throw error
  }
}

/** Loads the library. Its state belongs to the process: a worker before this one may have initialised it. */
export function load(binding: Binding, { module }: TokenOptions): PKCS11 {
  const library = new binding.PKCS11()
  try {
    library.load(module)
    unless('CKR_CRYPTOKI_ALREADY_INITIALIZED', () => library.C_Initialize())
  } catch (error) {
    throw new TokenError('module', `the library cannot be used: ${(error as Error).message}`)
  }
  return library
}

function slotOf(library: PKCS11, label: string): Handle {
  const slots = library.C_GetSlotList(true)
  const slot = slots.find((one) => library.C_GetTokenInfo(one).label.trim() === label)
  if (slot === undefined) throw new TokenError('token', `there is no token ${label}`)
  return slot
}

function signIn({ binding, library, handle, slot }: Omit<TokenSession, 'found'>, pin: string): void {
  const { flags } = library.C_GetTokenInfo(slot)
  // The last try is left to a person: a wrong one would lock the token.
  if (flags & (binding.CKF_USER_PIN_FINAL_TRY | binding.CKF_USER_PIN_LOCKED))
    throw new TokenError('pin', 'one more wrong PIN locks the token, or it is locked: sign in to it by hand first')
  try {
    unless('CKR_USER_ALREADY_LOGGED_IN', () => library.C_Login(handle, binding.CKU_USER, pin))
  } catch (error) {
    if (ckrOf(error).startsWith('CKR_PIN_')) throw new TokenError('pin', `the PIN is not taken (${ckrOf(error)})`)
    throw error
  }
}

/** Opens a session with the token of that label, and signs in. */
export function openSession(binding: Binding, library: PKCS11, { label, pin }: TokenOptions): TokenSession {
  const slot = slotOf(library, label)
  const handle = library.C_OpenSession(slot, binding.CKF_SERIAL_SESSION | binding.CKF_RW_SESSION)
  signIn({ binding, library, handle, slot }, pin)
  return { binding, library, handle, slot, found: new Map() }
}

const LOST = new Set([
  ...['CKR_SESSION_HANDLE_INVALID', 'CKR_SESSION_CLOSED', 'CKR_USER_NOT_LOGGED_IN', 'CKR_CRYPTOKI_NOT_INITIALIZED'],
  ...[
    'CKR_DEVICE_REMOVED',
    'CKR_DEVICE_ERROR',
    'CKR_TOKEN_NOT_PRESENT',
    'CKR_TOKEN_NOT_RECOGNIZED',
    'CKR_SLOT_ID_INVALID',
  ],
  ...['CKR_OBJECT_HANDLE_INVALID', 'CKR_KEY_HANDLE_INVALID', 'CKR_OPERATION_ACTIVE', 'CKR_OPERATION_NOT_INITIALIZED'],
  ...['CKR_GENERAL_ERROR', 'CKR_FUNCTION_FAILED'],
])

/** Whether a failure says that the session, or what was found in it, is no good any more. */
export const isLost = (error: unknown): boolean =>
  LOST.has(ckrOf(error)) || (error instanceof TokenError && error.code === 'key')

/** Forgets the session and the library's whole state, so that the next one sees the token as it is now. */
export function drop({ library }: Pick<TokenSession, 'library'>): void {
  try {
    library.C_Finalize()
  } catch {
    // It was not initialised, or the token is gone: nothing is left to forget.
  }
}
