import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { childEnvironment } from '#server/config.ts'
import { labObstacles } from '#server/lab/index.ts'

/** What the lab is made of, as Debian names it. */
const PACKAGES = ['openvswitch-switch', 'iproute2', 'iputils-ping', 'ethtool', 'tcpdump', 'procps'] as const
/** Keeps freshly installed daemons from starting by themselves (invoke-rc.d(8)). */
const POLICY = '/usr/sbin/policy-rc.d'

export interface OfferOptions {
  /** Install without asking. */
  readonly yes: boolean
  readonly log: (line: string) => void
}

function apt(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = childEnvironment({ DEBIAN_FRONTEND: 'noninteractive' })
    const child = spawn('apt-get', ['-o', 'DPkg::Lock::Timeout=600', '-qq', ...args], { env })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4000)
      })
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(output.trim() || `apt-get ended with ${code}`)),
    )
  })
}

async function install(log: (line: string) => void): Promise<void> {
  const ours = !existsSync(POLICY)
  if (ours) {
    await writeFile(POLICY, '#!/bin/sh\nexit 101\n')
    await chmod(POLICY, 0o755)
  }
  try {
    log(`installing ${PACKAGES.join(', ')} …`)
    await apt(['update'])
    await apt(['install', '-y', '--no-install-recommends', ...PACKAGES])
  } finally {
    if (ours) await rm(POLICY, { force: true })
  }
}

async function agreed(question: string): Promise<boolean> {
  const line = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(es)?$/i.test((await line.question(question)).trim())
  } finally {
    line.close()
  }
}

/** Installs what the lab misses, if that can be done and is agreed to. Says what it does. Throws only when the question is broken off. */
export async function offerLabPackages({ yes, log }: OfferOptions): Promise<void> {
  const missing = labObstacles().find((obstacle) => obstacle.startsWith('not installed'))
  if (missing === undefined) return
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    log(`the lab needs more: ${missing}`)
    return
  }
  const terminal = process.stdin.isTTY && process.stdout.isTTY
  if (!yes && !terminal) {
    log(`the lab needs more: ${missing}; \`--yes\` installs it`)
    return
  }
  if (!yes && !(await agreed(`The lab needs Open vSwitch (${PACKAGES.join(', ')}). Install it through apt? [y/N] `)))
    return
  await install(log).catch((error: Error) => log(`apt-get failed: ${error.message}`))
}
