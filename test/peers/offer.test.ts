import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

/** What Debian's packages bring; one that is missing is enough for the offer. */
const SWITCH = execFileSync('sh', ['-c', 'command -v ovs-vswitchd'], { encoding: 'utf8' }).trim()

let folder: string
const asked = () => path.join(folder, 'asked')

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'weft-offer-'))
  // Stands in for apt-get: writes down what it is asked, and to install is to uncover the program.
  const apt = `#!/bin/sh\necho "$*" >> ${asked()}\ncase "$*" in *install*) umount ${SWITCH} ;; esac\n`
  writeFileSync(path.join(folder, 'apt-get'), apt)
  chmodSync(path.join(folder, 'apt-get'), 0o755)
  const offer = path.resolve('server/supervisor/packages.ts')
  const obstacles = path.resolve('server/lab/obstacles.ts')
  writeFileSync(
    path.join(folder, 'main.ts'),
    `import { offerLabPackages } from ${JSON.stringify(offer)}
import { labObstacles } from ${JSON.stringify(obstacles)}
await offerLabPackages({ yes: process.argv.includes('--yes'), log: console.log })
console.log(labObstacles().join() || 'nothing is missing')
`,
  )
})

afterEach(() => rmSync(folder, { recursive: true }))

/** Makes the offer where Open vSwitch is missing: hidden in a mount namespace of its own. `typed`: at a terminal. */
function offer({ typed, args = '' }: { typed?: string; args?: string }) {
  const main = `${process.execPath} ${path.join(folder, 'main.ts')} ${args}`
  const hidden = [
    `mount --bind /dev/null ${SWITCH}`,
    `mount --bind ${path.join(folder, 'apt-get')} /usr/bin/apt-get`,
    typed === undefined ? main : `script --quiet --return --command "${main}" /dev/null`,
  ].join(' && ')
  const { stdout, status } = spawnSync('unshare', ['--mount', 'sh', '-c', hidden], {
    ...{ input: typed ?? '', encoding: 'utf8', timeout: 20_000 },
  })
  const commands = existsSync(asked()) ? readFileSync(asked(), 'utf8').trim().split('\n') : []
  return { said: stdout, status, installs: commands.filter((line) => / install /.test(line)), commands }
}

const QUESTION = 'Install it through apt? [y/N]'

describe('Open vSwitch is offered', () => {
  test.each(['y', 'Yes'])('on a terminal, and installed on %s', (answer) => {
    const { said, status, installs, commands } = offer({ typed: `${answer}\n` })
    expect(said).toContain(QUESTION)
    expect(said).toContain('nothing is missing')
    expect(commands).toHaveLength(2)
    expect(installs[0]).toMatch(/install -y --no-install-recommends openvswitch-switch /)
    expect(status).toBe(0)
  })

  test.each(['n', '', 'perhaps'])('on a terminal, and not installed on “%s”', (answer) => {
    const { said, status, commands } = offer({ typed: `${answer}\n` })
    expect(said).toContain(QUESTION)
    expect(said).toContain('not installed: ovs-vswitchd')
    expect(commands).toEqual([])
    expect(status).toBe(0)
  })

  test('and installed unasked with --yes', () => {
    const { said, installs } = offer({ args: '--yes' })
    expect(said).not.toContain(QUESTION)
    expect(said).toContain('nothing is missing')
    expect(installs).toHaveLength(1)
  })

  test('in words where nobody can answer', () => {
    const { said, commands } = offer({})
    expect(said).not.toContain(QUESTION)
    expect(said).toMatch(/the lab needs more: not installed: ovs-vswitchd .*; `--yes` installs it/)
    expect(commands).toEqual([])
  })
})
