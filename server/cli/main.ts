import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Command, CommanderError, Option } from 'commander'
import { parse } from 'yaml'
import { type Config, ConfigError, type Overrides, readConfig } from '#server/config.ts'
import { Name } from '#server/contract/base.ts'
import { auditExportCommand, auditVerifyCommand } from './audit.ts'
import { apiClient } from './client.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { type LoginOptions, login } from './login.ts'
import { cliProcedures } from './nouns.ts'
import { openflowCommand } from './openflow.ts'
import { FORMATS, type Format, format } from './output.ts'
import { procedureCommand, type Surroundings } from './procedure-command.ts'
import { forgetSession } from './session-file.ts'

const NOUN_WORDS: Readonly<Record<string, string>> = {
  session: 'who is signed in',
  user: 'people, and what they may do',
  role: 'what people may do',
  group: 'people who hold the same roles',
  token: 'API tokens',
  notice: 'what you were told of your account',
  decision: 'why calls were let in or refused',
  site: 'places with servers',
  server: 'servers and their switches',
  nic: 'network cards and their limits',
  attachment: 'places where ports can be plugged in',
  tenant: 'tenants and their quotas',
  network: 'tenant networks',
  subnet: 'address ranges of networks',
  port: 'attachments plugged into networks',
  change: 'drafts, commits and their history',
  task: 'long work',
  datapath: 'what switches hold',
  overview: 'everything at a glance',
  audit: 'who did what',
  key: 'keys of the installation',
  'identity-provider': 'who vouches for people',
  console: 'consoles of VNFs that people are signed in to',
}

const program = new Command('weft')
  .description('Runs and commands the networks of a virtualised data centre.')
  .addOption(new Option('--instance <name>', 'Which instance, by its name of at most 5 characters (default: main)'))
  .addOption(
    new Option('--token-file <file>', 'Act with the API token in a file (or in WEFT_TOKEN), not as who is signed in'),
  )
  .showHelpAfterError('`--help` says more.')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()

const configOf = (overrides: Overrides = {}): Config => {
  const { instance, tokenFile } = program.opts() as { instance?: string; tokenFile?: string }
  return readConfig({ instance, ...(tokenFile !== undefined && { token: readToken(tokenFile) }), ...overrides })
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    throw new CommandFailure(EXIT.usage, `--token-file: ${file} cannot be read`)
  }
}

const around: Surroundings = {
  config: configOf,
  write: (text) => void process.stdout.write(text),
  say: (line) => void process.stderr.write(`${line}\n`),
}
const log = (line: string) => void process.stdout.write(`${line}\n`)

/** Aborted by Ctrl-C, SIGTERM, and when the terminal closes; a second time ends at once. */
function endSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (controller.signal.aborted && signal === 'SIGINT') process.exit(130)
      controller.abort()
    })
  return controller.signal
}

program
  .command('up')
  .description('start everything in the foreground')
  .option('--demo', 'with a lab of two servers and six hosts on real switches')
  .option('--bare', 'the lab alone: no first network, no traffic')
  .option('--yes', 'install what the lab needs without asking')
  .option('--port <number>', 'the port of the console')
  .action(async (options: { demo?: boolean; bare?: boolean; yes?: boolean; port?: string }) => {
    const config = configOf({ demo: options.demo, bare: options.bare, port: options.port })
    const signal = endSignal()
    if (config.demo) {
      const { offerLabPackages } = await import('#server/supervisor/packages.ts')
      await offerLabPackages({ yes: options.yes ?? false, log })
    }
    const { up } = await import('#server/supervisor/up.ts')
    await up(config, log, signal)
  })

program
  .command('down')
  .description('end everything that `up` started and remove what it left, its data apart')
  .action(async () => {
    const { down } = await import('#server/supervisor/down.ts')
    const config = configOf()
    const there = await down(config, log)
    log(there ? `${config.instance} is down.` : `${config.instance} was not running; what was left of it is removed.`)
  })

program
  .command('test')
  .description('run every test: types, lint, architecture, unit, peers, browser')
  .argument('[steps...]', 'only these')
  .action(async (steps: string[]) => {
    const { runTests } = await import('#server/supervisor/test.ts')
    process.exitCode = (await runTests(steps, log, endSignal())) ? EXIT.done : EXIT.fault
  })

program
  .command('recover')
  .description('on the host: let an operator in again by a new password, whether or not it runs')
  .option('--account <name>', 'the account, made when there is none (default: the first operator)')
  .option('--without-factors', 'remove its passkeys and its second factor')
  .action(async ({ account: given, withoutFactors = false }: { account?: string; withoutFactors?: boolean }) => {
    const config = configOf()
    const account = given ?? config.signIn.firstOperator
    if (!Name.safeParse(account).success) throw new CommandFailure(EXIT.usage, `--account: ${account} is no name`)
    const { recover } = await import('#server/supervisor/recover.ts')
    const { password, passwordEndsAt, file, codes, passkeys } = await recover(config, { account, withoutFactors })
    log(
      `Sign in as ${account} with ${password} (also in ${file}) and choose your own; it ends ${passwordEndsAt.toISOString()}.`,
    )
    if (codes) log('The code of its second factor is still asked for; --without-factors removes that.')
    if (passkeys > 0) log(`It still has ${passkeys} ${passkeys === 1 ? 'passkey' : 'passkeys'}.`)
  })

program
  .command('login')
  .description('sign in; the session is kept in a file that you alone can read')
  .argument('[name]', 'the account (default: the first operator)')
  .option('--password-file <file>', 'read the password from a file; asked for when absent')
  .option('--new-password-file <file>', 'where the password was made for you: your own, read from a file')
  .action(async (given: string | undefined, options: LoginOptions) => {
    const config = configOf()
    await login(given ?? config.signIn.firstOperator, options, { config, log })
  })

program
  .command('logout')
  .description('end the session')
  .action(async () => {
    const config = configOf()
    await apiClient(config)
      .call({ method: 'DELETE', path: '/session' })
      .catch((error: unknown) => {
        if (!(error instanceof CommandFailure && error.exit === EXIT.unauthorised)) throw error
      })
    await forgetSession(config)
    log('Signed out.')
  })

program
  .command('inventory')
  .description('hardware')
  .command('import')
  .description('declare sites, servers, NICs, datapaths and attachments; what is there already is left alone')
  .argument('<file>', 'YAML or JSON; `-` for standard input')
  .addOption(new Option('-o, --output <format>', 'How to write the answer').choices([...FORMATS]).default('table'))
  .action(async (file: string, { output }: { output: Format }) => {
    const text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8')
    const fields = parse(text) as Record<string, unknown>
    const answer = await apiClient(configOf()).call({ method: 'POST', path: '/inventory/import', fields })
    around.write(`${format(answer, output)}\n`)
  })

const nouns = cliProcedures()
for (const [noun, verbs] of nouns) {
  const command = program.command(noun).description(NOUN_WORDS[noun] ?? noun)
  for (const procedure of verbs.values()) command.addCommand(procedureCommand(procedure, nouns, around))
  if (noun === 'audit') {
    command.addCommand(auditVerifyCommand(nouns, around))
    command.addCommand(auditExportCommand(around))
  }
}
program.addCommand(openflowCommand())

/** Commands that were added as they are neither throw nor know of `showHelpAfterError` by themselves. */
function inherit(command: Command): void {
  for (const below of command.commands) {
    below.copyInheritedSettings(command)
    inherit(below)
  }
}
inherit(program)

/** How a failure ends the command: its words on standard error, and its number. */
function exitOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  const say = (words: string) => process.stderr.write(`${words}\n`)
  if (error instanceof CommandFailure) {
    say(error.message)
    return error.exit
  }
  if (error instanceof ConfigError) {
    say(error.message)
    return EXIT.usage
  }
  say(error instanceof Error ? error.message : String(error))
  return EXIT.fault
}

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitOf(error)
}
