import type { MappingRule, Trial } from '#server/contract/providers.ts'
import { roleWords } from '../shell/session.tsx'

export type Condition = MappingRule['when'][number]

export const OPERATORS: readonly { readonly id: Condition['operator']; readonly label: string }[] = [
  { id: 'is', label: 'is' },
  { id: 'starts-with', label: 'starts with' },
  { id: 'ends-with', label: 'ends with' },
  { id: 'present', label: 'is there' },
]

/** What a rule gives, in words. */
export function giveWords({ then }: MappingRule): string {
  if (then.give === 'nothing') return 'keeps them out'
  if (then.give === 'group') return `puts them in the group ${then.group || '…'}`
  const place = then.tenant ? ` in ${then.tenant}` : then.site ? ` at ${then.site}` : ''
  return `gives ${then.role ? roleWords(then.role) : '…'}${place}`
}

/** Whom it is for, in words. */
export const whenWords = ({ when }: MappingRule): string =>
  when.length === 0
    ? 'Everybody'
    : when
        .map(({ attribute, operator, value }) => {
          const words = OPERATORS.find(({ id }) => id === operator)?.label ?? operator
          return `${attribute || '…'} ${words}${value === undefined ? '' : ` ${value || '…'}`}`
        })
        .join(' and ')

/** Whether nothing is left open in it. */
export const isComplete = ({ when, then }: MappingRule): boolean =>
  when.every(({ attribute, operator, value }) => attribute !== '' && (operator === 'present' || Boolean(value))) &&
  (then.give === 'nothing' || (then.give === 'group' ? then.group !== '' : then.role !== ''))

export interface Verdict {
  readonly tone: 'ok' | 'warn' | 'bad' | 'idle'
  readonly words: string
}

/** What a trial says of one rule. */
export function verdictOn(trial: Trial | undefined, rule: number): Verdict | undefined {
  if (!trial) return undefined
  if (trial.keptOut === rule) return { tone: 'bad', words: 'Fits: kept out' }
  const ignored = trial.ignored.find((one) => one.rule === rule)
  if (ignored) return { tone: 'warn', words: `Fits, but is ignored. ${ignored.because}` }
  if (trial.keptOut !== null) return { tone: 'idle', words: 'Does not count: they are kept out' }
  const gives = trial.roles.some((one) => one.rule === rule) || trial.groups.some((one) => one.rule === rule)
  return gives ? { tone: 'ok', words: 'Fits' } : { tone: 'idle', words: 'Does not fit, or gives nothing more' }
}

/** Reads `name = value` lines; a name that comes again has more values. Undefined: the text is no such lines. */
export function readAttributes(text: string): Record<string, string[]> | undefined {
  const attributes = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const at = line.indexOf('=')
    const name = line.slice(0, at).trim()
    if (at < 1 || name === '') return undefined
    attributes.set(name, [...(attributes.get(name) ?? []), line.slice(at + 1).trim()])
  }
  return Object.fromEntries(attributes)
}
