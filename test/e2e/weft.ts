import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const OWN_PASSWORD = 'harbour-willow-quartz-19'

export interface RunningWeft {
  readonly instance: string
  readonly address: string
  /** Of `admin`: made at the first start, and the own one that takes its place. */
  readonly firstPassword: string
  readonly password: string
  /** A file with the latter. */
  readonly passwordFile: string
  /** Runs `./weft …` against this instance; answers its standard output. Throws with `code`, `stdout` and `stderr` when it fails. */
  cli(...args: string[]): Promise<string>
  stop(): Promise<void>
}

function addressOf(child: ChildProcess, deadline_ms: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(
      () => reject(new Error(`./weft up printed no address in ${deadline_ms} ms:\n${text}`)),
      deadline_ms,
    )
    const hear = (chunk: Buffer) => {
      text += chunk.toString()
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0]
      if (!address) return
      clearTimeout(timer)
      resolve(address)
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('exit', (code) => reject(new Error(`./weft up ended with ${code}:\n${text}`)))
  })
}

/**
 * Starts the product as a newcomer does, under its own instance name: with the demo's lab unless `lab` is false; `bare`:
 * without its first network; `environment`: settings beside those of the instance; `settled`: `admin` has chosen a password, and
 * the command line is signed in.
 */
export async function startWeft(
  instance: string,
  { bare = true, lab = true, environment = {} as Readonly<Record<string, string>>, settled = true } = {},
): Promise<RunningWeft> {
  await run('./weft', ['down', '--instance', instance])
  await run('rm', ['-rf', `.weft/${instance}`])
  const child = spawn(
    './weft',
    ['up', ...(lab ? ['--demo', ...(bare ? ['--bare'] : [])] : []), '--instance', instance],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
  )
  const address = await addressOf(child, 200_000)
  const firstFile = `.weft/${instance}/admin-password`
  const firstPassword = (await readFile(firstFile, 'utf8')).trim()
  const passwordFile = `.weft/${instance}/chosen`
  await writeFile(passwordFile, OWN_PASSWORD, { mode: 0o600 })
  const cli = async (...args: string[]) =>
    (await run('./weft', [...args, '--instance', instance], { maxBuffer: 64 << 20 })).stdout
  if (settled) await cli('login', 'admin', '--password-file', firstFile, '--new-password-file', passwordFile)
  return {
    ...{ instance, address, firstPassword, password: OWN_PASSWORD, passwordFile, cli },
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGINT')
      await ended
    },
  }
}
