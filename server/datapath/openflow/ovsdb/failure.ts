export type OvsdbFailure =
  /** The server answered an error: nothing of the transaction is held. */
  | 'refused'
  /** There is no connection, or it went before anything was asked. */
  | 'away'
  /** No answer, or no effect, before the deadline. */
  | 'stalled'
  /** The caller's signal aborted it. */
  | 'aborted'
  /** A transaction was sent and its answer was lost: read and compare. */
  | 'unknown'

/** Why a switch's database could not do what it was asked. */
export class OvsdbError extends Error {
  override readonly name = 'OvsdbError'
  readonly failure: OvsdbFailure
  /** The operation, by its place in the transaction, that the server refused. */
  readonly operation: number | undefined
  constructor(failure: OvsdbFailure, message: string, operation?: number) {
    super(message)
    this.failure = failure
    this.operation = operation
  }
}
