/** What is wrong with one field: where, by which rule, and what to do about it. */
export interface RefusalDetail {
  /** JSON pointer into the request, such as `/addresses/0`; empty for the whole. */
  readonly pointer: string
  /** A stable code, such as `network.address-taken`. */
  readonly rule: string
  /** The limit that was passed, with its unit, where there is one. */
  readonly limit?: string
  readonly message: string
  readonly mend: string
}

/** Kinds of refusal and the HTTP status that each one has at the door. */
export const REFUSAL_STATUS = {
  malformed: 400,
  unauthenticated: 401,
  // The password was right; the code of the second factor is missing.
  'code-required': 401,
  forbidden: 403,
  // Whoever asks has to prove anew who they are.
  'step-up-required': 403,
  // Whoever asks has to settle something first, such as a password that was made for them.
  owed: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  conflict: 409,
  'revision-stale': 409,
  'too-large': 413,
  'unsupported-media': 415,
  rule: 422,
  'revision-required': 428,
  'too-many': 429,
  unavailable: 503,
} as const
export type RefusalCode = keyof typeof REFUSAL_STATUS

/** A request that is refused for a reason the caller can act on. Anything else that is thrown is a fault of ours. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly errors: readonly RefusalDetail[]

  constructor(code: RefusalCode, message: string, errors: readonly RefusalDetail[] = []) {
    super(message)
    this.code = code
    this.errors = errors
  }
}

/** Nothing of that name or id that the caller may know of. */
export const notFound = (what: string): Refusal => new Refusal('not-found', `There is no such ${what}.`)

/** Rules that the request breaks, all at once. */
export const brokenRules = (errors: readonly RefusalDetail[]): Refusal =>
  new Refusal('rule', errors.map((error) => error.message).join(' '), errors)

/** The object changed since the caller read it: it has `held` now. */
export const staleRevision = (sent: number, held: number): Refusal =>
  new Refusal('revision-stale', `Revision ${sent} is not the present one, which is ${held}.`, [
    {
      ...{ pointer: '', rule: 'revision', limit: String(held), message: `It has revision ${held} now.` },
      mend: 'Read it again, look at what changed, and send the new revision.',
    },
  ])
