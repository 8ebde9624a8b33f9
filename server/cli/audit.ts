import { open } from 'node:fs/promises'
import { Command, Option } from 'commander'
import type { AuditVerification, ShippedCheckpoint } from '#server/contract/audit.ts'
import { readCheckpoints } from '#server/identity/audit/shipping/file.ts'
import { apiClient } from './client.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { resolveName } from './names.ts'
import type { CliProcedure } from './nouns.ts'
import { FORMATS, type Format, format } from './output.ts'
import type { Surroundings } from './procedure-command.ts'

type Nouns = ReadonlyMap<string, ReadonlyMap<string, CliProcedure>>

const outputOption = () =>
  new Option('-o, --output <format>', 'How to write the answer').choices([...FORMATS]).default('table')

async function checkpointsIn(file: string): Promise<ShippedCheckpoint[]> {
  const found = await readCheckpoints(file).catch((error: Error) => {
    throw new CommandFailure(EXIT.usage, `--checkpoints: ${error.message}`)
  })
  if (found.length === 0) throw new CommandFailure(EXIT.usage, `--checkpoints: there is no checkpoint in ${file}`)
  return found
}

function written(answer: AuditVerification, as: Format): string {
  if (as !== 'table') return format(answer, as)
  const { chains, findings, lines, unchained } = answer
  const rows = chains.map(({ name, tenantName, ...rest }) => ({ chain: tenantName ?? name, ...rest }))
  const before = unchained > 0 ? `, and ${unchained} from before there were chains` : ''
  const parts = [
    format({ items: rows }, as),
    `\n${lines} lines in ${chains.length === 1 ? '1 chain' : `${chains.length} chains`}${before}.`,
  ]
  if (findings.length > 0) parts.push('', format({ items: findings }, as))
  return parts.join('\n')
}

/** `weft audit verify`: ends with 1 where something is found. */
export function auditVerifyCommand(nouns: Nouns, around: Surroundings): Command {
  return new Command('verify')
    .description('follow every chain of the audit log and name what does not fit; ends with 1 where something is found')
    .option('--checkpoints <file>', 'Checkpoints that were kept outside: lines of JSON, as WEFT_AUDIT_FILE has them')
    .option('--tenant <name>', 'The chain of this tenant alone, by its name or id')
    .addOption(outputOption())
    .action(async (options: { checkpoints?: string; tenant?: string; output: Format }) => {
      const client = apiClient(around.config())
      const { checkpoints, tenant } = options
      const fields = {
        ...(tenant !== undefined && { tenantId: await resolveName(client, nouns, 'tenant', tenant) }),
        ...(checkpoints !== undefined && { checkpoints: await checkpointsIn(checkpoints) }),
      }
      const answer = (await client.call({ method: 'POST', path: '/audit/verify', fields })) as AuditVerification
      around.write(`${written(answer, options.output)}\n`)
      if (!answer.sound)
        throw new CommandFailure(
          EXIT.fault,
          `The audit log is not as it was written: ${answer.findings.length} findings.`,
        )
    })
}

interface ExportOptions {
  readonly format: string
  readonly filter?: readonly string[]
  readonly search?: string
  readonly to?: string
}

/** `weft audit export`: page after page to standard output or a file. */
export function auditExportCommand(around: Surroundings): Command {
  const collect = (one: string, all: readonly string[] = []) => [...all, one]
  return new Command('export')
    .description('write the audit log as CSV or JSON lines, newest first')
    .addOption(new Option('--format <format>', 'Of the file').choices(['csv', 'jsonl']).default('csv'))
    .option('--filter <text>', '`field:op:value` (op: eq, ne, contains, gt, lt). May be given again', collect)
    .option('--search <text>', 'Text anywhere in a line')
    .option('--to <file>', 'A file to write, which must not be there yet; standard output when absent')
    .action(async ({ to, ...query }: ExportOptions) => {
      const client = apiClient(around.config())
      const file = to === undefined ? undefined : await open(to, 'wx', 0o600)
      try {
        let cursor: string | undefined
        do {
          const fields = { ...query, limit: 1000, cursor }
          const page = (await client.call({ method: 'GET', path: '/audit/export', fields })) as {
            text: string
            next: string | null
          }
          if (file) await file.appendFile(page.text)
          else around.write(page.text)
          cursor = page.next ?? undefined
        } while (cursor !== undefined)
      } finally {
        await file?.close()
      }
    })
}
