import { readFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { parse } from 'yaml'
import type { Config } from '#server/config.ts'
import type { Task } from '#server/contract/changes.ts'
import { apiClient, type Client } from './client.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { type Field, flagOf, nounOfField, readValue } from './fields.ts'
import { resolveName, revisionOf } from './names.ts'
import type { CliProcedure } from './nouns.ts'
import { FORMATS, type Format, format } from './output.ts'
import { askedSecrets } from './prompt.ts'
import { followTask, taskOf } from './task.ts'

type Nouns = ReadonlyMap<string, ReadonlyMap<string, CliProcedure>>
type Typed = Readonly<Record<string, unknown>>

const collect = (one: string, all: unknown) => [...(Array.isArray(all) ? all : []), one]

/** commander keeps the value of `--display-name` as `displayName`, of `--tenant` as `tenant`. */
const typedName = (field: string) => flagOf(field).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** A field whose value stands in a file: text as it is, anything else as YAML or JSON. */
async function readFileOf({ name, form }: Field, file: unknown): Promise<unknown> {
  const text = await readFile(String(file), 'utf8').catch(() => {
    throw new Error(`--${flagOf(name)}: ${String(file)} cannot be read`)
  })
  if (form === 'text') return text.trim()
  try {
    return parse(text)
  } catch (error) {
    throw new Error(`--${flagOf(name)}: ${String(file)} is no YAML: ${(error as Error).message.split('\n')[0]}`)
  }
}

function fileOptionOf({ name, required, words }: Field): Option {
  const option = new Option(`--${flagOf(name)} <file>`, words || 'Read from a file, YAML or JSON')
  return required ? option.makeOptionMandatory() : option
}

function optionsOf(field: Field): Option[] {
  const { name, required, form, choices, words } = field
  const flag = `--${flagOf(name)}`
  const kind = choices?.join('|') ?? (form === 'list' ? 'text' : form)
  const value = form === 'boolean' ? '' : ` <${kind}>`
  const named =
    nounOfField(name, '') !== undefined
      ? 'Its name or id'
      : [words, ...(form === 'list' ? ['May be given again'] : [])].filter(Boolean).join('. ')
  const option = new Option(`${flag}${value}`, named)
  if (choices) option.choices([...choices])
  if (form === 'list') option.argParser(collect)
  if (required) option.makeOptionMandatory()
  return [option]
}

/** The fields that were typed, read and with names resolved to ids. */
async function inputOf(
  procedure: CliProcedure,
  nouns: Nouns,
  client: Client,
  typed: Typed,
): Promise<Record<string, unknown>> {
  const input: Record<string, unknown> = {}
  // A draft first: names are looked up inside it.
  const fields = procedure.fields.toSorted((a, b) => Number(b.name === 'change') - Number(a.name === 'change'))
  for (const field of fields) {
    const value = typed[field.name]
    if (value === undefined) continue
    const read = procedure.files.includes(field.name) ? await readFileOf(field, value) : readValue(field, value)
    const noun = nounOfField(field.name, procedure.noun)
    const change = typeof input.change === 'string' ? input.change : undefined
    input[field.name] =
      noun !== undefined && typeof read === 'string' ? await resolveName(client, nouns, noun, read, change) : read
  }
  return input
}

function pathOf(procedure: CliProcedure, input: Record<string, unknown>): string {
  return procedure.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(input[name])
    delete input[name]
    return encodeURIComponent(value)
  })
}

export interface Surroundings {
  readonly config: () => Config
  readonly write: (text: string) => void
  readonly say: (line: string) => void
}

async function run(
  procedure: CliProcedure,
  nouns: Nouns,
  typed: Typed,
  options: Typed,
  around: Surroundings,
): Promise<void> {
  const client = apiClient(around.config(), askedSecrets(options.passwordFile))
  const input = await inputOf(procedure, nouns, client, typed).catch((error: Error) => {
    throw error instanceof CommandFailure ? error : new CommandFailure(EXIT.usage, error.message)
  })
  const change = typeof input.change === 'string' ? input.change : undefined
  const given = options.revision === undefined ? undefined : Number(options.revision)
  const revision = procedure.meta.revision
    ? (given ?? (await revisionOf(client, nouns, procedure.noun, String(input.id), change)))
    : undefined
  const answer = await client.call({
    method: procedure.method,
    path: pathOf(procedure, input),
    fields: input,
    revision,
  })
  const task = taskOf(answer)
  const follow = task !== undefined && options.wait !== false && procedure.method !== 'GET'
  const ended = follow ? withTask(answer, await followTask(client, task, around.say)) : answer
  around.write(`${format(ended, options.output as Format, procedure.columns)}\n`)
}

/** The answer with its task as it ended. */
const withTask = (answer: unknown, task: Task): unknown =>
  typeof answer === 'object' && answer !== null && 'task' in answer ? { ...answer, task } : task

/** `weft <noun> <verb>` for one procedure of the contract. */
export function procedureCommand(procedure: CliProcedure, nouns: Nouns, around: Surroundings): Command {
  const command = new Command(procedure.verb).description(procedure.summary)
  for (const name of procedure.args) {
    const field = procedure.fields.find((one) => one.name === name)
    const shown = nounOfField(name, procedure.noun) ?? name
    const words = name === 'id' ? 'Its name or id' : (field?.words ?? '')
    command.argument(field?.required === false ? `[${shown}]` : `<${shown}>`, words)
  }
  const flags = procedure.fields.filter(({ name }) => !procedure.args.includes(name))
  const isFile = ({ name }: Field) => procedure.files.includes(name)
  for (const option of flags.flatMap((field) => (isFile(field) ? [fileOptionOf(field)] : optionsOf(field))))
    command.addOption(option)
  command.addOption(
    new Option('-o, --output <format>', 'How to write the answer').choices([...FORMATS]).default('table'),
  )
  if (procedure.meta.fresh)
    command.option(
      '--password-file <file>',
      'Your own password, where you have to prove who you are; asked for when absent',
    )
  if (procedure.meta.revision)
    command.option('--revision <number>', 'The revision that this is based on; the present one when absent')
  if (procedure.method !== 'GET') command.option('--no-wait', 'Do not follow the task that this starts')
  return command.action(async (...given: unknown[]) => {
    const self = given.at(-1) as Command
    const options = self.optsWithGlobals() as Typed
    const args = Object.fromEntries(procedure.args.map((name, at) => [name, given[at]]))
    const typed = Object.fromEntries(flags.map(({ name }) => [name, options[typedName(name)]]))
    await run(procedure, nouns, { ...args, ...typed }, options, around)
  })
}
