import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '#server/config.ts'
import { claimInstance, sweepInstance } from '#server/supervisor/instance.ts'

/** An instance with a short state folder of its own, or with one whose sockets go under the temporary folder. */
function instance(deep = '') {
  const home = mkdtempSync(path.join(tmpdir(), 'weft-instance-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  return readConfig({}, { WEFT_STATE: path.join(home, deep) })
}

test.each([
  ['in the state folder', ''],
  ['under the temporary folder', 'deep/'.repeat(30)],
])(
  'sockets get a folder for this user alone, without what a killed supervisor left there: %s',
  async (_where, deep) => {
    const config = instance(deep)
    mkdirSync(config.run, { recursive: true, mode: 0o777 })
    const stale = path.join(config.run, 'web.sock')
    writeFileSync(stale, '')
    const claim = await claimInstance(config)
    expect(existsSync(stale)).toBe(false)
    expect(statSync(config.run).mode & 0o777).toBe(0o700)
    claim.release()
    await sweepInstance(config)
    expect(existsSync(config.run)).toBe(false)
  },
)
