import type { AnyContractRouter } from '@orpc/contract'
import { contract } from '#server/contract/index.ts'
import { type HttpProcedure, proceduresOf } from '#server/http/procedures.ts'
import { type Field, fieldsOf } from './fields.ts'

/** A procedure with the form that it has in the command line. */
export interface CliProcedure extends HttpProcedure {
  readonly noun: string
  readonly verb: string
  readonly args: readonly string[]
  /** Fields that are read from a file. */
  readonly files: readonly string[]
  /** Of the table that people read. */
  readonly columns: readonly string[] | undefined
  readonly fields: readonly Field[]
  readonly summary: string
}

function at(name: string): { inputSchema?: unknown; route: { summary?: string } } {
  const found = name.split('.').reduce<unknown>((below, part) => (below as Record<string, unknown>)[part], contract)
  return (found as { '~orpc': { inputSchema?: unknown; route: { summary?: string } } })['~orpc']
}

/** Every procedure of the contract that the command line offers, by noun and verb. */
export function cliProcedures(): ReadonlyMap<string, ReadonlyMap<string, CliProcedure>> {
  const nouns = new Map<string, Map<string, CliProcedure>>()
  for (const procedure of proceduresOf(contract as AnyContractRouter)) {
    const { cli } = procedure.meta
    if (!cli) continue
    const { inputSchema, route } = at(procedure.name)
    const verbs = nouns.get(cli.noun) ?? new Map<string, CliProcedure>()
    const { noun, verb, args = [], files = [], columns } = cli
    verbs.set(verb, {
      ...procedure,
      noun,
      verb,
      args,
      files,
      columns,
      fields: fieldsOf(inputSchema),
      summary: route.summary ?? '',
    })
    nouns.set(noun, verbs)
  }
  return nouns
}
