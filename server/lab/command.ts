import { type ChildProcess, execFile, spawn } from 'node:child_process'

/** Where the system's network tools live; commands get this and nothing else of the caller's environment. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

// Next widens ProcessEnv with a NODE_ENV that must be there; these commands have no use for it.
const environment = (more: Readonly<Record<string, string>> | undefined) =>
  ({ PATH, ...more }) as unknown as NodeJS.ProcessEnv

export interface CommandOptions {
  /** Added to a minimal environment; the caller's own is not passed on. */
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** Default 15 s. */
  readonly timeout_ms?: number
  readonly signal?: AbortSignal
}

/** A command that ended badly: what was run, how it ended, and what it said. */
export class CommandError extends Error {
  readonly argv: readonly string[]
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
  constructor(argv: readonly string[], code: number | undefined, stdout: string, stderr: string) {
    super(`${argv.join(' ')}: ${stderr.trim() || stdout.trim() || `ended with ${code ?? 'no exit code'}`}`)
    this.argv = argv
    this.code = code
    this.stdout = stdout
    this.stderr = stderr
  }
}

/** Runs a command to its end and answers what it printed. Throws `CommandError` for a non-zero exit or a timeout. */
export function run(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const [file, ...args] = argv
  return new Promise((resolve, reject) => {
    const child = execFile(
      file as string,
      args,
      {
        env: environment(options.env),
        timeout: options.timeout_ms ?? 15_000,
        killSignal: 'SIGKILL',
        maxBuffer: 256 << 20,
        signal: options.signal,
      },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout)
        const code = typeof error.code === 'number' ? error.code : undefined
        reject(new CommandError(argv, code, stdout, stderr || (code === undefined ? error.message : '')))
      },
    )
    // A command that ends before it has read its input closes the pipe: its exit code tells more than EPIPE does.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input)
  })
}

/** Puts a command into a network namespace, named by a file such as `/run/netns/blue` or `/proc/123/ns/net`. */
export const inNamespace = (namespace: string | undefined, argv: readonly string[]): string[] =>
  namespace === undefined ? [...argv] : ['nsenter', `--net=${namespace}`, '--', ...argv]

/** A command that goes on running; it is told to end (SIGTERM) when this process dies, however that happens. */
export interface Daemon {
  readonly pid: number
  readonly child: ChildProcess
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>
  running(): boolean
  /** Asks with SIGTERM, insists with SIGKILL after `grace_ms`. */
  stop(grace_ms?: number): Promise<void>
}

export type DaemonOptions = {
  readonly env?: Readonly<Record<string, string>>
  readonly namespace?: string
  readonly stdout?: 'pipe' | 'ignore'
  readonly stderr?: 'pipe' | 'ignore'
}

/** Starts a daemon. Resolves once it runs; rejects when it cannot be executed. */
export function startDaemon(argv: readonly string[], options: DaemonOptions = {}): Promise<Daemon> {
  // setpriv comes last, just before the daemon: an exec that changes credentials would forget the signal.
  const [file, ...args] = inNamespace(options.namespace, ['setpriv', '--pdeathsig', 'TERM', '--', ...argv])
  const child = spawn(file as string, args, {
    env: environment(options.env),
    stdio: ['ignore', options.stdout ?? 'ignore', options.stderr ?? 'ignore'],
  })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const running = () => child.exitCode === null && child.signalCode === null
  const stop = async (grace_ms = 3000) => {
    if (!running()) return
    child.kill('SIGTERM')
    const insist = setTimeout(() => child.kill('SIGKILL'), grace_ms)
    await ended
    clearTimeout(insist)
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => resolve({ pid: child.pid as number, child, ended, running, stop }))
  })
}
