import { chmod, mkdir, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import path from 'node:path'

/**
 * Listens on a UNIX socket that this user alone may open, in a folder that this user alone may enter. A file that a killed
 * process left there makes room: an instance is run by one supervisor at a time.
 */
export async function listenOnSocket(server: Server, file: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  await rm(file, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(file, () => {
      server.off('error', reject)
      resolve()
    })
  })
  await chmod(file, 0o600)
}
