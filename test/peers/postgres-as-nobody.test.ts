import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let state: string

beforeEach(() => {
  state = mkdtempSync(path.join(tmpdir(), 'weft-nobody-'))
  chmodSync(state, 0o711)
})

afterEach(() => {
  // Empty, or the machine itself would be below it.
  if (existsSync(path.join(state, 'root'))) rmdirSync(path.join(state, 'root'))
  rmSync(state, { recursive: true })
})

/** Runs a program where no user namespace can be made: below a changed root. */
function withoutUserNamespaces(program: string) {
  const root = path.join(state, 'root')
  mkdirSync(root)
  const main = path.join(state, 'main.ts')
  writeFileSync(main, program)
  const command = `mount --rbind / ${root} && exec chroot ${root} ${process.execPath} ${main}`
  return spawnSync('unshare', ['--mount', 'sh', '-c', command], { encoding: 'utf8', timeout: 60_000 })
}

/** As `./weft up` does: the folder of all instances, that of one, then the database's. */
test('root without user namespaces runs PostgreSQL as nobody, in folders that it made for itself alone', () => {
  const { stdout, stderr } = withoutUserNamespaces(`
    import { readFileSync } from 'node:fs'
    import { startPostgres } from ${JSON.stringify(path.resolve('server/supervisor/postgres.ts'))}
    const folder = ${JSON.stringify(path.join(state, 'instances', 'main'))}
    const server = await startPostgres({ data: folder + '/database', run: folder + '/run' })
    const status = readFileSync('/proc/' + server.pid + '/status', 'utf8')
    console.log('uid ' + /^Uid:\\s+(\\d+)/m.exec(status)[1])
    await server.stop()
  `)
  expect(stderr).toBe('')
  expect(stdout.trim()).toBe('uid 65534')
})
