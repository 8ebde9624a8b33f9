import { execFile, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { until } from '#server/lab/until.ts'

const PREFIX = 'weft-peer-'
const folders = new Set<string>()

// The last resort of a run that is interrupted: the processes die with this one, their folders are left to remove.
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder for one peer, named after this process: what a killed run left behind is removed by the next one. */
export function makePeerFolder(name: string): string {
  for (const found of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(found)?.[1]
    if (owner && !existsSync(`/proc/${owner}`)) rmSync(path.join(tmpdir(), found), { recursive: true, force: true })
  }
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), `${PREFIX}${process.pid}-${name}-`)))
  folders.add(folder)
  return folder
}

export function removePeerFolder(folder: string): void {
  folders.delete(folder)
  rmSync(folder, { recursive: true, force: true })
}

/** A TCP port of `address` that nobody listened on a moment ago. */
export function freePort(address = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, address, () => {
      const bound = server.address()
      server.close(() => (bound && typeof bound === 'object' ? resolve(bound.port) : reject(new Error('no port'))))
    })
  })
}

export interface KeyPair {
  /** PEM, PKCS#8. */
  readonly privateKey: string
  /** PEM, self-signed. */
  readonly certificate: string
  readonly keyFile: string
  readonly certificateFile: string
}

/** An RSA key of 3072 bits and a certificate for it, valid for a year, as `NAME.key` and `NAME.crt` in the folder. */
export async function makeKeyPair(folder: string, name: string): Promise<KeyPair> {
  const keyFile = path.join(folder, `${name}.key`)
  const certificateFile = path.join(folder, `${name}.crt`)
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:3072', '-nodes', '-sha256', '-days', '365', '-subj', `/CN=${name}.test`],
    ...['-keyout', keyFile, '-out', certificateFile],
  ])
  return {
    privateKey: readFileSync(keyFile, 'utf8'),
    certificate: readFileSync(certificateFile, 'utf8'),
    keyFile,
    certificateFile,
  }
}

export interface PeerProcess {
  /** Process ids as the caller sees them: the outermost first, none once it has ended. */
  pids(): number[]
  running(): boolean
  /** What the process and its children have printed. */
  log(): string
  /** Ends the process and all its children, at once; they are gone, and their ports free, when it resolves. */
  stop(): Promise<void>
}

const childrenOf = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

const descendantsOf = (pid: number): number[] => childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])

/**
 * Starts a daemon, with whatever processes it forks, in a PID namespace of its own: they die together, by `stop` or with
 * this process, however it ends. `ready` is asked until it answers true.
 */
export async function startPeerProcess(
  argv: readonly string[],
  options: {
    readonly folder: string
    readonly env?: Readonly<Record<string, string>>
    readonly ready: () => Promise<boolean>
  },
): Promise<PeerProcess> {
  const logFile = path.join(options.folder, 'output.log')
  writeFileSync(logFile, '', { flag: 'a' })
  const output = openSync(logFile, 'a')
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', 'unshare', '--pid', '--fork', '--kill-child=KILL', '--', ...argv],
    {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...options.env } as unknown as NodeJS.ProcessEnv,
      stdio: ['ignore', output, output],
    },
  )
  closeSync(output)
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const running = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null
  const log = () => readFileSync(logFile, 'utf8')
  const stop = async () => {
    if (!running()) return
    // The namespace's first process is reaped only when all others in it are gone.
    const [first] = childrenOf(child.pid as number)
    if (first === undefined) child.kill('SIGKILL')
    else process.kill(first, 'SIGKILL')
    await ended
  }
  const peer: PeerProcess = {
    pids: () => (running() ? [child.pid as number, ...descendantsOf(child.pid as number)] : []),
    running,
    log,
    stop,
  }
  try {
    await until(
      argv[0] as string,
      () => {
        if (!running()) throw new Error(`it ended: ${log()}`)
        return options.ready()
      },
      { deadline_ms: 20_000, interval_ms: 10 },
    )
  } catch (error) {
    await stop()
    throw error
  }
  return peer
}

/** Whether something answers HTTP there, with whatever status. */
export const answers = async (url: string): Promise<boolean> => {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5000) })
  await response.body?.cancel()
  return response.status < 500
}
