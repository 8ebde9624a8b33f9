/**
 * Idle memory of a running instance: engine, web and database with all of their processes, as proportional set size
 * (memory that several share is counted once). `node test/bench/memory.ts [instance]`; without a name it starts one of
 * its own with `./weft up`, opens a page, and lets it rest.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'

const LIMIT_MB = 700
const REST_MS = 20_000
const OWN = 'bench'
const ROOT = path.resolve(import.meta.dirname, '../..')

interface Child {
  readonly pid: number
  readonly name: string
}

/** Processes by their parent. */
function families(): Map<number, number[]> {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = parentOf(name)
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  return children
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}

const pssOf = (pid: number): number => {
  const kB = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]
  return Number(kB) / 1024
}

function sumOf(pid: number, children: ReadonlyMap<number, number[]>): number {
  return (children.get(pid) ?? []).reduce((sum, child) => sum + sumOf(child, children), pssOf(pid))
}

function measure(instance: string): boolean {
  const file = path.join(ROOT, '.weft', instance, 'processes.json')
  const { children } = JSON.parse(readFileSync(file, 'utf8')) as { children: readonly Child[] }
  const all = families()
  const sizes = children.map(({ name, pid }) => ({ name, MB: sumOf(pid, all) }))
  const total = sizes.reduce((sum, { MB }) => sum + MB, 0)
  const words = sizes.map(({ name, MB }) => `${name} ${MB.toFixed(0)} MB`).join(', ')
  console.log(`${words}: ${total.toFixed(0)} MB of ${LIMIT_MB}`)
  return total <= LIMIT_MB
}

/** Runs `./weft …`; resolves when it prints the console's address, or ends. */
function weft(...args: string[]) {
  const child = spawn(path.join(ROOT, 'weft'), [...args, '--instance', OWN], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const address = new Promise<string>((resolve, reject) => {
    let text = ''
    const hear = (chunk: Buffer) => {
      text += chunk.toString()
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0]
      if (found) resolve(found)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('exit', (code) => reject(new Error(`./weft ${args.join(' ')} ended with ${code}:\n${text}`)))
  })
  return { child, address, ended }
}

async function measureOwn(): Promise<boolean> {
  const { child, address, ended } = weft('up')
  try {
    const page = await fetch(`${await address}/sign-in`)
    await page.text()
    await rest(REST_MS)
    return measure(OWN)
  } finally {
    child.kill('SIGINT')
    await ended
    rmSync(path.join(ROOT, '.weft', OWN), { recursive: true, force: true })
  }
}

const [instance] = process.argv.slice(2)
const within = instance === undefined ? await measureOwn() : measure(instance)
process.exitCode = within ? 0 : 1
