import { type Action, type Instruction, PORT } from '#server/kernel/action.ts'
import { fullMask } from '#server/kernel/match.ts'

const METADATA_BITS = (1n << 64n) - 1n

/** The order in which a switch gives instructions back (OpenFlow 1.5.1, section 5.5). */
const ORDER: readonly Instruction['type'][] = [
  'meter',
  'apply_actions',
  'clear_actions',
  'write_actions',
  'write_metadata',
  'goto_table',
  'unknown',
]

function canonicalSetField(action: Extract<Action, { type: 'set_field' }>): Action {
  const full = fullMask(action.field)
  const mask = (action.mask ?? full) & full
  const value = action.value & mask
  if (mask === full) {
    return action.mask === undefined && value === action.value
      ? action
      : { type: 'set_field', field: action.field, value }
  }
  return mask === action.mask && value === action.value
    ? action
    : { type: 'set_field', field: action.field, value, mask }
}

function canonicalOutput(action: Extract<Action, { type: 'output' }>): Action {
  if (action.port === PORT.controller)
    return action.max_len === undefined ? { type: 'output', port: action.port, max_len: 0xffff } : action
  return action.max_len === undefined ? action : { type: 'output', port: action.port }
}

function canonicalAction(action: Action): Action {
  if (action.type === 'set_field') return canonicalSetField(action)
  if (action.type === 'output') return canonicalOutput(action)
  return action
}

/** Keeps the array when nothing in it changes, so that equal things stay one thing. */
function mapKept<T>(list: readonly T[], map: (one: T) => T): readonly T[] {
  let changed = false
  const mapped = list.map((one) => {
    const other = map(one)
    if (other !== one) changed = true
    return other
  })
  return changed ? mapped : list
}

/**
 * Actions in the form that the switch gives back: bits outside a mask cleared, a full mask left out, `max_len` kept for
 * the controller alone (0xffff, the whole packet, where none is named). Their order is meaning and stays.
 */
export const canonicalActions = (actions: readonly Action[]): readonly Action[] => mapKept(actions, canonicalAction)

function canonicalInstruction(instruction: Instruction): Instruction {
  if (instruction.type === 'write_metadata') {
    const mask = instruction.mask & METADATA_BITS
    const metadata = instruction.metadata & mask
    return mask === instruction.mask && metadata === instruction.metadata
      ? instruction
      : { type: 'write_metadata', metadata, mask }
  }
  if (instruction.type !== 'apply_actions' && instruction.type !== 'write_actions') return instruction
  const actions = canonicalActions(instruction.actions)
  return actions === instruction.actions ? instruction : { type: instruction.type, actions }
}

const isEmpty = (instruction: Instruction): boolean =>
  (instruction.type === 'apply_actions' || instruction.type === 'write_actions') && instruction.actions.length === 0

/** Instructions in the form and order that the switch gives back; lists without actions are left out. */
export function canonicalInstructions(instructions: readonly Instruction[]): readonly Instruction[] {
  const mapped = mapKept(instructions, canonicalInstruction)
  const kept = mapped.some(isEmpty) ? mapped.filter((instruction) => !isEmpty(instruction)) : mapped
  const place = (instruction: Instruction): number => ORDER.indexOf(instruction.type)
  for (let i = 1; i < kept.length; i++)
    if (place(kept[i - 1] as Instruction) > place(kept[i] as Instruction))
      return kept.toSorted((a, b) => place(a) - place(b))
  return kept
}
