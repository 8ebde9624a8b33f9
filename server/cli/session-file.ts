import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { Config } from '#server/config.ts'

const Kept = z.object({ url: z.string(), id: z.string() })

/** The instance's own session has a file of its own; those of consoles elsewhere are told apart by host and port. */
function fileFor({ state, url, http }: Config): string {
  const name = url === http.origin ? 'session' : `session-${new URL(url).host.replaceAll(':', '_')}`
  return path.join(state, name)
}

/** Keeps a session id where its owner alone may read it. */
export async function keepSession(config: Config, id: string): Promise<void> {
  await mkdir(config.state, { recursive: true, mode: 0o700 })
  const file = fileFor(config)
  await rm(file, { force: true })
  await writeFile(file, JSON.stringify({ url: config.url, id }), { mode: 0o600 })
}

/** The session id to send; undefined when nobody is signed in there. */
export async function keptSession(config: Config): Promise<string | undefined> {
  const text = await readFile(fileFor(config), 'utf8').catch(() => undefined)
  const kept = text === undefined ? undefined : Kept.safeParse(JSON.parse(text)).data
  return kept?.url === config.url ? kept.id : undefined
}

export const forgetSession = (config: Config): Promise<void> => rm(fileFor(config), { force: true })
