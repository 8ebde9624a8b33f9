import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TokenOptions } from '#server/keys/token/protocol.ts'

const MODULES = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so']
const CONFIGURATION = 'SOFTHSM2_CONF'

export interface SoftHsm extends TokenOptions {
  /** Takes the token away, as if it were pulled out. */
  pull(): void
  /** Puts it back. */
  plug(): void
  /** Removes the token and its folder. */
  close(): void
}

/** A PKCS#11 token in software, in a temporary folder. One in a process at a time: the library reads the environment. */
export function startSoftHsm(label = 'weft-test'): SoftHsm {
  const module = MODULES.find(existsSync)
  if (!module) throw new Error('SoftHSM is missing (Debian: apt-get install softhsm2)')
  const home = mkdtempSync(path.join(tmpdir(), 'weft-hsm-'))
  const [tokens, away, configuration] = ['tokens', 'away', 'softhsm2.conf'].map((name) => path.join(home, name)) as [
    ...[string, string, string],
  ]
  mkdirSync(tokens)
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  process.env[CONFIGURATION] = configuration
  const pin = 'weft-1234'
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, '--pin', pin, '--so-pin', 'weft-5678'])
  return {
    ...{ module, label, pin },
    pull: () => renameSync(tokens, away),
    plug: () => renameSync(away, tokens),
    close() {
      delete process.env[CONFIGURATION]
      rmSync(home, { recursive: true, force: true })
    },
  }
}
