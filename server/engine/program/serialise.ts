import type { Action, Instruction } from '#server/kernel/action.ts'
import type { Bucket, Entry, Group } from './entry.ts'
import type { Change, Difference, Program } from './program.ts'
import { ACTION_SHAPES, INSTRUCTION_SHAPES, type Shape } from './shape.ts'

/*
 * Programs and differences as JSON text. Entries stand under their key, which says table, priority and match; equal lists
 * of instructions are written once. Integers that may pass 53 bits are hexadecimal text. The text is put together here,
 * not by JSON.stringify: no value in it needs escaping, and 100,000 entries take a third of the time.
 */

/** The first element of every serialised text; reading refuses others. */
export const FORMAT = 1

function propertyText(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'bigint') return `"${value.toString(16)}"`
  if (typeof value === 'string') return `"${value}"`
  return value === undefined ? 'null' : actionsText(value as readonly Action[])
}

function shapedText(of: Action | Instruction, shape: Shape): string {
  let text = `["${of.type}"`
  for (const [name] of shape) text += `,${propertyText((of as unknown as Readonly<Record<string, unknown>>)[name])}`
  return `${text}]`
}

function actionText(action: Action): string {
  if (action.type === 'output' && action.max_len === undefined) return `["output",${action.port}]`
  if (action.type === 'set_field' && action.mask === undefined)
    return `["set_field","${action.field}","${action.value.toString(16)}"]`
  return shapedText(action, ACTION_SHAPES[action.type])
}

const joined = <T>(list: Iterable<T>, write: (one: T) => string): string => {
  let text = ''
  for (const one of list) text += text === '' ? write(one) : `,${write(one)}`
  return `[${text}]`
}

const actionsText = (actions: readonly Action[]): string => joined(actions, actionText)

const instructionText = (instruction: Instruction): string =>
  instruction.type === 'apply_actions'
    ? `["apply_actions",${actionsText(instruction.actions)}]`
    : shapedText(instruction, INSTRUCTION_SHAPES[instruction.type])

/** Lists of instructions by number, each written once. */
function instructionBook() {
  const numbers = new Map<string, number>()
  return {
    number(instructions: readonly Instruction[]): number {
      const text = joined(instructions, instructionText)
      const known = numbers.get(text)
      if (known !== undefined) return known
      numbers.set(text, numbers.size)
      return numbers.size - 1
    },
    text: (): string => `[${[...numbers.keys()].join(',')}]`,
  }
}

type Book = ReturnType<typeof instructionBook>

/** `[key, instructions, cookie]`, and `idle, hard, flags, importance` where one of them is not zero. */
function entryText(entry: Entry, book: Book): string {
  const { idle_timeout, hard_timeout, flags, importance } = entry
  const rest =
    idle_timeout || hard_timeout || flags || importance ? `,${idle_timeout},${hard_timeout},${flags},${importance}` : ''
  return `["${entry.key}",${book.number(entry.instructions)},"${entry.cookie.toString(16)}"${rest}]`
}

const bucketText = ({ weight, watch_port, watch_group, actions }: Bucket): string =>
  `[${weight},${watch_port ?? null},${watch_group ?? null},${actionsText(actions)}]`

const groupText = ({ group, type, buckets }: Group): string => `[${group},"${type}",${joined(buckets, bucketText)}]`

const changeText = <T>({ before, after }: Change<T>, write: (value: T) => string): string =>
  `[${before === undefined ? null : write(before)},${after === undefined ? null : write(after)}]`

/** JSON: `[format, "program", instructions, entries, groups, neighbours]`. */
export function writeProgram(program: Program): string {
  const book = instructionBook()
  const entries = joined(program.entries.values(), (entry) => entryText(entry, book))
  const groups = joined(program.groups.values(), groupText)
  return `[${FORMAT},"program",${book.text()},${entries},${groups},${JSON.stringify([...program.neighbours.keys()])}]`
}

/** JSON: `[format, "difference", instructions, entries, groups, neighbours]`, each change as `[before, after]`. */
export function writeDifference(difference: Difference): string {
  const book = instructionBook()
  const writeEntry = (entry: Entry): string => entryText(entry, book)
  const entries = joined(difference.entries, (change) => changeText(change, writeEntry))
  const groups = joined(difference.groups, (change) => changeText(change, groupText))
  const neighbours = joined(difference.neighbours, (change) => changeText(change, (n) => JSON.stringify(n.address)))
  return `[${FORMAT},"difference",${book.text()},${entries},${groups},${neighbours}]`
}
