/** What a check has to say: which object, which rule, what follows, how to mend it. Errors block the commit. */
export interface Finding {
  readonly severity: 'error' | 'warning' | 'info'
  /** A stable code, such as `network.address-taken`. */
  readonly rule: string
  /** One sentence a colleague would say. */
  readonly message: string
  /** What to do about it. */
  readonly mend: string
  /** The intent that causes it, as `kind/id`. */
  readonly subject?: string
  /** The field of that intent, as a JSON pointer. */
  readonly pointer?: string
  /** The limit that was passed, with its unit, where there is one. */
  readonly limit?: string
  readonly datapathId?: string
  /** A packet that proves it, as hops in words. */
  readonly witness?: readonly string[]
}
