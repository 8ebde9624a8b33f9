import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Config } from '#server/config.ts'
import { endProcess, isAlive, markOf, type ProcessMark } from './process-table.ts'

/** Who runs an instance: its supervisor and the processes that it keeps. */
interface Record {
  readonly supervisor: ProcessMark
  readonly children: readonly (ProcessMark & { readonly name: string })[]
}

export interface Claim {
  /** Writes down which process a service is now. */
  note(name: string, pid: number): void
  /** Gives the instance back. */
  release(): void
}

const recordFile = ({ state }: Pick<Config, 'state'>) => path.join(state, 'processes.json')

function readRecord(config: Pick<Config, 'state'>): Record | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(config), 'utf8')) as Record
  } catch {
    return undefined
  }
}

/** The supervisor that runs this instance; undefined when none does. */
export function runningSupervisor(config: Pick<Config, 'state'>): ProcessMark | undefined {
  const { supervisor } = readRecord(config) ?? {}
  return supervisor && isAlive(supervisor) ? supervisor : undefined
}

/** Ends what an earlier supervisor left running, and removes its sockets. The data stays. */
export async function sweepInstance(config: Config, grace_ms = 3000): Promise<void> {
  const { children = [] } = readRecord(config) ?? {}
  await Promise.all(children.map((child) => endProcess(child, grace_ms)))
  await rm(config.run, { recursive: true, force: true })
  await rm(recordFile(config), { force: true })
}

/** Writes a file so that nobody ever reads half of it. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Takes an instance for this process. Throws when another one has it. */
export async function claimInstance(config: Config): Promise<Claim> {
  mkdirSync(config.state, { recursive: true, mode: 0o700 })
  const door = path.join(config.state, 'starting')
  const mine = markOf(process.pid) as ProcessMark
  passDoor(door, config.instance)
  try {
    const other = runningSupervisor(config)
    if (other)
      throw new Error(`${config.instance} is running already, as process ${other.pid}; \`./weft down\` ends it`)
    await sweepInstance(config)
    // Under the temporary folder somebody else may have made it: such a one is not used.
    mkdirSync(config.run, { mode: 0o700 })
    replace(recordFile(config), JSON.stringify({ supervisor: mine, children: [] }))
  } finally {
    rmSync(door, { force: true })
  }
  const children = new Map<string, ProcessMark & { name: string }>()
  return {
    note(name, pid) {
      const mark = markOf(pid)
      if (mark) children.set(name, { ...mark, name })
      replace(recordFile(config), JSON.stringify({ supervisor: mine, children: [...children.values()] }))
    },
    release: () => rmSync(recordFile(config), { force: true }),
  }
}

/** One starts at a time. A door left behind by a process that is gone is open. */
function passDoor(door: string, instance: string): void {
  for (let tries = 0; tries < 2; tries++) {
    try {
      const file = openSync(door, 'wx', 0o600)
      writeSync(file, JSON.stringify(markOf(process.pid)))
      closeSync(file)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (isAlive(whoHolds(door))) throw new Error(`${instance} is being started by another process`)
      rmSync(door, { force: true })
    }
  }
}

function whoHolds(door: string): ProcessMark {
  try {
    return JSON.parse(readFileSync(door, 'utf8')) as ProcessMark
  } catch {
    return { pid: 0, began: '' }
  }
}
