import { readdirSync } from 'node:fs'
import { rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { run } from './command.ts'
import { isInstanceName, namespacePrefix, planLab } from './topology.ts'
import { until } from './until.ts'

/** Says, in a lab's directory, where its sockets are. */
export const LAB_FILE = 'lab.json'

/** The prefix of the directories that a lab makes under the system's temporary folder. */
export const temporaryPrefix = (instance: string): string => path.join(tmpdir(), `weft-${instance}-`)

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The namespaces of one instance's lab. */
export function labNamespaces(instance: string): string[] {
  const prefix = namespacePrefix(instance)
  return entries('/run/netns').filter((name) => name.startsWith(prefix) && /^[sh]\d+$/.test(name.slice(prefix.length)))
}

async function pidsIn(namespace: string): Promise<number[]> {
  const text = await run(['ip', 'netns', 'pids', namespace])
  return text.split('\n').filter(Boolean).map(Number)
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL') {
  try {
    process.kill(pid, name)
  } catch {
    // Gone in the meantime: that is what was wanted.
  }
}

/** Ends every process of a namespace: whatever runs inside a lab's namespace belongs to the lab. */
async function emptyNamespace(namespace: string): Promise<void> {
  for (const pid of await pidsIn(namespace)) signal(pid, 'SIGTERM')
  const gone = async () => (await pidsIn(namespace)).length === 0
  await until(`processes of ${namespace} to end`, gone, { deadline_ms: 2000 }).catch(async () => {
    for (const pid of await pidsIn(namespace)) signal(pid, 'SIGKILL')
    await until(`killed processes of ${namespace} to end`, gone)
  })
}

async function removeFiles(instance: string, dir: string): Promise<void> {
  for (const server of planLab(instance, dir).servers) await rm(server.dir, { recursive: true, force: true })
  await rm(path.join(dir, LAB_FILE), { force: true })
  // Somebody else's files may be there too: then the directory stays.
  await rmdir(dir).catch(() => undefined)
}

/**
 * Removes what a lab of this name left behind, alive or dead: processes in its namespaces, the namespaces with their
 * interfaces and taps, its temporary directories and, when named, its files in `dir`. Safe to call when there is nothing.
 * A lab that still runs under that name is taken down too: one process at a time owns an instance.
 */
export async function sweepLab(instance: string, dir?: string): Promise<void> {
  if (!isInstanceName(instance)) throw new Error(`${instance}: not the name of an instance`)
  const namespaces = labNamespaces(instance)
  await Promise.all(namespaces.map(emptyNamespace))
  for (const namespace of namespaces) await run(['ip', 'netns', 'del', namespace])
  const prefix = temporaryPrefix(instance)
  for (const name of entries(path.dirname(prefix)))
    if (name.startsWith(path.basename(prefix)))
      await rm(path.join(path.dirname(prefix), name), { recursive: true, force: true })
  if (dir !== undefined) await removeFiles(instance, path.resolve(dir))
}
