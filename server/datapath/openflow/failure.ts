/** The switch answered an OpenFlow error; `words` as the codec names it. */
export class SwitchError extends Error {
  override readonly name = 'SwitchError'
  readonly xid: number
  readonly fenced: boolean
  constructor(xid: number, words: string, fenced: boolean) {
    super(words)
    this.xid = xid
    this.fenced = fenced
  }
}

/** The connection ended before the answer came. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

/** No answer before the deadline. */
export class Overdue extends Error {
  override readonly name = 'Overdue'
}
