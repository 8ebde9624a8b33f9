import { rm } from 'node:fs/promises'
import type { Config } from '#server/config.ts'
import { sweepLab } from '#server/lab/index.ts'
import { labFolder, labInventoryFile } from './demo.ts'
import { runningSupervisor, sweepInstance } from './instance.ts'
import { endProcess } from './process-table.ts'

const GRACE_MS = 60_000

/**
 * Ends an instance and removes what it leaves: processes, namespaces, interfaces, sockets, temporary files. Works as
 * well after its supervisor was killed. Its data stays. Answers whether there was one.
 */
export async function down(config: Config, log: (line: string) => void): Promise<boolean> {
  const supervisor = runningSupervisor(config)
  if (supervisor) {
    log(`ending ${config.instance} (process ${supervisor.pid}) …`)
    await endProcess(supervisor, GRACE_MS)
  }
  await sweepInstance(config)
  // Namespaces are made by root alone.
  if (process.getuid?.() === 0) await sweepLab(config.instance, labFolder(config))
  await rm(labInventoryFile(config), { force: true })
  return supervisor !== undefined
}
