import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT, toolEnvironment } from '#server/config.ts'
import { isAlive, markOf, type ProcessMark } from './process-table.ts'

/** Something made from sources, made again when one of them has changed. */
interface Artefact {
  readonly name: string
  readonly sources: readonly string[]
  /** Holds the hash of the sources that it was made from. */
  readonly stamp: string
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const CLIENT: Artefact = {
  name: 'database client',
  sources: ['prisma/schema.prisma', 'prisma.config.ts', 'package-lock.json'],
  stamp: 'server/inventory/generated/.stamp',
  command: ['node_modules/.bin/prisma', 'generate'],
  // `generate` needs no engine, but the command line looks for one and would download it. Never set where migrations run.
  env: { PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' },
}

const PAGES: Artefact = {
  name: 'pages',
  sources: [
    ...['app/**', 'components/**', 'public/**', 'server/contract/**'],
    ...['next.config.ts', 'postcss.config.*', 'tsconfig.json', 'package-lock.json'],
  ],
  stamp: '.next/.stamp',
  command: ['node_modules/.bin/next', 'build'],
  env: { NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' },
}

function hashOf({ sources }: Artefact): string {
  const hash = createHash('sha256')
  const files = globSync(sources as string[], { cwd: ROOT }).sort()
  for (const file of files) {
    const whole = path.join(ROOT, file)
    if (statSync(whole).isFile()) hash.update(`${file}\0`).update(readFileSync(whole)).update('\0')
  }
  return hash.digest('hex')
}

const stampOf = ({ stamp }: Artefact): Promise<string> => readFile(path.join(ROOT, stamp), 'utf8').catch(() => '')

/** Runs a command to its end; throws with what it wrote when it fails. */
function run(command: readonly string[], env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  const [file, ...args] = command
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(ROOT, file as string), args, { cwd: ROOT, env: toolEnvironment(env), signal })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-20_000)
      })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${command.join(' ')} ended with ${code}:\n${output.trim()}`))
    })
  })
}

/** One process makes a thing at a time; another one waits and then finds it made. */
async function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
  const folder = path.join(ROOT, '.weft')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lock = path.join(folder, `${name.replaceAll(' ', '-')}.lock`)
  for (;;) {
    try {
      await writeFile(lock, JSON.stringify(markOf(process.pid)), { flag: 'wx' })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const holder = await readFile(lock, 'utf8').then(
        (text) => JSON.parse(text || 'null') as ProcessMark | null,
        () => null,
      )
      if (holder && !isAlive(holder)) await rm(lock, { force: true })
      else await sleep(100)
    }
  }
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

async function make(artefact: Artefact, log: (line: string) => void, signal: AbortSignal): Promise<void> {
  if ((await stampOf(artefact)) === hashOf(artefact)) return
  await alone(artefact.name, async () => {
    const hash = hashOf(artefact)
    if ((await stampOf(artefact)) === hash) return
    log(`making the ${artefact.name} …`)
    const start_ms = performance.now()
    await run(artefact.command, artefact.env, signal)
    await writeFile(path.join(ROOT, artefact.stamp), hash)
    log(`made the ${artefact.name} in ${((performance.now() - start_ms) / 1000).toFixed(1)} s`)
  })
}

/** Generates the database client where the schema has changed since. */
export const makeClient = (log: (line: string) => void, signal: AbortSignal): Promise<void> => make(CLIENT, log, signal)

/** Builds the pages where their sources have changed since. */
export const makePages = (log: (line: string) => void, signal: AbortSignal): Promise<void> => make(PAGES, log, signal)
