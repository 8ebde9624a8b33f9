import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ROOT } from '#server/config.ts'

/** Logs as the engine does when its supervisor has been killed: lines wait behind one that is being written, then it ends. */
const LAST_WORDS = `
  import { pino } from 'pino'
  const log = pino()
  process.stdin.once('end', () => {
    for (let line = 0; line < 3; line++) log.info('to nobody')
    END
  }).resume()
`

test.each([
  ['a fault', "log.fatal('unforeseen'); process.exit(3)"],
  ['an end in order', 'process.exit(3)'],
])('%s ends a process whose log nobody reads any more', async (_, end) => {
  const node = path.join(ROOT, 'node_modules/.bin/node')
  const child = spawn(node, ['--input-type=module', '--eval', LAST_WORDS.replace('END', end)], { cwd: ROOT })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  child.stdout.destroy()
  await once(child.stdout, 'close')
  child.stdin.end()
  const [code] = await once(child, 'exit')
  expect(code).toBe(3)
})
