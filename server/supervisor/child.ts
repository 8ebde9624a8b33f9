import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that ends when this one does, even by SIGKILL. */
export interface Child {
  readonly pid: number
  /** Resolves with the reason, in words, when it has ended. */
  readonly ended: Promise<string>
  readonly running: () => boolean
  /** The last of what it wrote, for when it fails. */
  readonly tail: () => string
  /** Asks it to end, and after `grace_ms` makes it. */
  stop(signal?: NodeJS.Signals, grace_ms?: number): Promise<void>
}

export interface ChildOptions {
  readonly env: NodeJS.ProcessEnv
  readonly cwd?: string
  /** What it is sent when this process dies. */
  readonly deathSignal: 'INT' | 'TERM' | 'KILL'
  readonly uid?: number
  readonly gid?: number
  /** Put before `setpriv`: what enters a namespace, since that forgets the signal. */
  readonly enter?: readonly string[]
  /** Takes its output, line by line. */
  readonly line?: (text: string) => void
}

const TAIL_BYTES = 4000

function listen(child: ChildProcess, line: ((text: string) => void) | undefined): () => string {
  let tail = ''
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-TAIL_BYTES)
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      if (line) for (const one of lines) line(one)
    })
  }
  return () => tail.trimEnd()
}

/** Starts a process tied to the life of this one. Rejects when it cannot be started. */
export async function startChild(argv: readonly string[], options: ChildOptions): Promise<Child> {
  const { env, cwd, deathSignal, uid, gid, enter = [], line } = options
  const [command, ...args] = [...enter, 'setpriv', '--pdeathsig', deathSignal, '--', ...argv]
  const child = spawn(command as string, args, {
    ...{ env, cwd, uid, gid, stdio: ['ignore', 'pipe', 'pipe'] },
    // A session of its own: Ctrl-C reaches the supervisor alone, which ends its children in order.
    detached: true,
  })
  const tail = listen(child, line)
  let running = true
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      running = false
      resolve(signal === null ? `ended with ${code}` : `ended by ${signal}`)
    })
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  return {
    pid: child.pid as number,
    ...{ ended, tail },
    running: () => running,
    async stop(signal = 'SIGTERM', grace_ms = 10_000) {
      if (!running) return
      child.kill(signal)
      const timeout = new AbortController()
      await Promise.race([
        ended,
        sleep(grace_ms, undefined, { signal: timeout.signal }).then(
          () => child.kill('SIGKILL'),
          () => undefined,
        ),
      ])
      timeout.abort()
      await ended
    },
  }
}
