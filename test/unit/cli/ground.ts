import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished, vi } from 'vitest'
import { childEnvironment, ROOT } from '#server/config.ts'
import { startConsole } from '../http/ground.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000 })

/** A console, and the command line as people start it, with a state folder of its own. */
export async function ground(
  more: Parameters<typeof startConsole>[1] = {},
  environment: Readonly<Record<string, string>> = {},
) {
  const console = await startConsole(environment, more)
  const state = mkdtempSync(path.join(tmpdir(), 'weft-cli-'))
  onTestFinished(() => rmSync(state, { recursive: true }))
  const env = childEnvironment({ WEFT_STATE: state, WEFT_PORT: String(console.port) })
  const run = (more: Record<string, string>, ...args: string[]) =>
    new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
      const child = spawn(process.execPath, ['server/cli/main.ts', ...args], {
        cwd: ROOT,
        env: { ...env, ...more },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let [out, err] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        err += text
      })
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, out, err }))
    })
  const weft = (...args: string[]) => run({}, ...args)
  const file = (name: string, text: string) => {
    writeFileSync(path.join(state, name), text)
    return path.join(state, name)
  }
  const login = () => weft('login', '--password-file', file('password', `${console.password}\n`))
  return { ...console, state, env, run, weft, file, login }
}
