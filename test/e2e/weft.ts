import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface RunningWeft {
  readonly instance: string
  readonly address: string
  readonly password: string
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
 * without its first network; `environment`: settings beside those of the instance.
 */
export async function startWeft(
  instance: string,
  { bare = true, lab = true, environment = {} as Readonly<Record<string, string>> } = {},
): Promise<RunningWeft> {
  await run('./weft', ['down', '--instance', instance])
  await run('rm', ['-rf', `.weft/${instance}`])
  const child = spawn(
    './weft',
    ['up', ...(lab ? ['--demo', ...(bare ? ['--bare'] : [])] : []), '--instance', instance],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
  )
  const address = await addressOf(child, 200_000)
  const password = (await readFile(`.weft/${instance}/admin-password`, 'utf8')).trim()
  const cli = async (...args: string[]) =>
    (await run('./weft', [...args, '--instance', instance], { maxBuffer: 64 << 20 })).stdout
  return {
    instance,
    address,
    password,
    cli,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGINT')
      await ended
    },
  }
}
