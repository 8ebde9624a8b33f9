/** Why a message was refused, exactly: written to the audit log, never shown to whoever sent it. */
export type SamlReason =
  // transport and bounds
  | 'too-large'
  | 'not-base64'
  | 'inflate-limit'
  | 'inflate'
  | 'query-encoding'
  | 'query-order'
  | 'duplicate-parameter'
  | 'binding'
  | 'soap'
  | 'soap-fault'
  | 'relay-state'
  // the strict layer
  | 'doctype'
  | 'processing-instruction'
  | 'comment'
  | 'cdata'
  | 'depth'
  | 'count'
  | 'not-xml'
  | 'duplicate-id'
  | 'wrong-root'
  | 'schema'
  // signatures
  | 'unsigned'
  | 'signature-place'
  | 'signature-count'
  | 'signature-reference'
  | 'signature-transform'
  | 'signature-algorithm'
  | 'signature-invalid'
  | 'signature-key'
  | 'canonicalisation'
  | 'no-key'
  // encryption
  | 'unencrypted'
  | 'decryption'
  | 'encryption-algorithm'
  // the profile
  | 'version'
  | 'status'
  | 'assertion-count'
  | 'assertion-place'
  | 'issuer'
  | 'destination'
  | 'recipient'
  | 'audience'
  | 'condition'
  | 'in-response-to'
  | 'unsolicited'
  | 'not-yet-valid'
  | 'expired'
  | 'confirmation'
  | 'authn-statement'
  | 'authn-context'
  | 'second-factor'
  | 'session-expired'
  | 'name-id'
  | 'attributes'
  // what is known of the other side
  | 'unknown-provider'
  | 'provider-closed'
  | 'metadata'
  | 'entity-id'
  | 'entity-count'
  | 'weak-key'
  | 'request'
  | 'endpoint'
  // OpenID Connect, whose answers go through the same steps
  | 'unreachable'
  | 'provider-error'
  | 'state'
  | 'token-response'
  | 'id-token'
  | 'nonce'
  | 'user-info'
  | 'logout-token'
  | 'token-type'
  // what is remembered between messages
  | 'replay'
  | 'browser'
  | 'arrival'
  | 'not-me'
  | 'logged-out'
  // who may come in
  | 'kept-out'
  | 'no-role'
  | 'account-disabled'
  | 'other-account'
  /** A fault of ours; nothing was let in. */
  | 'fault'

/** One thing that was looked at, in words for a person who sets up a provider. */
export interface Step {
  /** What was looked at, such as `audience`. */
  readonly check: string
  readonly passed: boolean
  readonly words: string
}

/** What a check answers: the value and how it was arrived at, or why there is none. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T; readonly steps: readonly Step[] }
  | { readonly ok: false; readonly reason: SamlReason; readonly detail: string; readonly steps: readonly Step[] }

/** Where a check writes down what it looked at. */
export interface Trail {
  /** This was looked at, and is in order. */
  pass(check: string, words: string): void
  /** Takes the value and the steps of an inner check; its refusal refuses the whole. */
  take<T>(inner: Checked<T>): T
}

class SamlRefusal extends Error {
  readonly reason: SamlReason
  readonly steps: readonly Step[] | undefined

  constructor(reason: SamlReason, detail: string, steps?: readonly Step[]) {
    super(detail)
    this.reason = reason
    this.steps = steps
  }
}

/** Ends the check that runs: only inside {@link checking} and {@link checkingLater}, which turn it into a value. */
export function refuse(reason: SamlReason, detail: string): never {
  throw new SamlRefusal(reason, detail)
}

function trailInto(steps: Step[]): Trail {
  return {
    pass: (check, words) => void steps.push({ check, passed: true, words }),
    take(inner) {
      if (!inner.ok) throw new SamlRefusal(inner.reason, inner.detail, inner.steps)
      steps.push(...inner.steps)
      return inner.value
    },
  }
}

function refusalOf(thrown: unknown, steps: readonly Step[]): Checked<never> {
  const [reason, detail, inner] =
    thrown instanceof SamlRefusal
      ? ([thrown.reason, thrown.message, thrown.steps] as const)
      : (['fault', `The check itself failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`] as const)
  const last = inner ?? [{ check: reason, passed: false, words: detail }]
  return { ok: false, reason, detail, steps: [...steps, ...last] }
}

/** Runs a check. Whatever it throws becomes a refusal: nothing is thrown on. */
export function checking<T>(work: (trail: Trail) => T): Checked<T> {
  const steps: Step[] = []
  try {
    const value = work(trailInto(steps))
    return { ok: true, value, steps }
  } catch (thrown) {
    return refusalOf(thrown, steps)
  }
}

/** {@link checking} of a check that waits, for a key that lives elsewhere. */
export async function checkingLater<T>(work: (trail: Trail) => Promise<T>): Promise<Checked<T>> {
  const steps: Step[] = []
  try {
    const value = await work(trailInto(steps))
    return { ok: true, value, steps }
  } catch (thrown) {
    return refusalOf(thrown, steps)
  }
}
