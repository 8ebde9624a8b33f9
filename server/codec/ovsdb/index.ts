export { createFramer, type Framer, type OvsdbFault } from './framing.ts'
export type { Json } from './json.ts'
export { decodeMessage, encodeMessage, type Message } from './message.ts'
export { decodeUpdates, encodeWatch, type RowUpdate, type Watch } from './monitor.ts'
export {
  type Condition,
  decodeOutcomes,
  encodeOperation,
  type Mutation,
  type Operation,
  type Outcome,
} from './operation.ts'
export { completeRow, decodeSchema, type Schema } from './schema.ts'
export {
  type Atom,
  applyDifference,
  counterMapOf,
  integerOf,
  type Row,
  sameValue,
  textMap,
  textMapOf,
  textOf,
  uuidsOf,
  type Value,
} from './value.ts'
