import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { childEnvironment, ROOT, readConfig } from '#server/config.ts'
import { labObstacles } from '#server/lab/index.ts'
import { isAlive, markOf, type ProcessMark } from '#server/supervisor/process-table.ts'

const INSTANCE = 'upt'
const config = readConfig({ instance: INSTANCE }, {})
const lab = labObstacles().length === 0
const demo = lab ? ['--demo'] : []
const node = path.join(ROOT, 'node_modules/.bin/node')

interface Up {
  readonly child: ChildProcess
  readonly output: () => string
  readonly ended: Promise<number | null>
}

/** What is set beside, in a test. */
let variables: Readonly<Record<string, string>> = {}

const weft = (...args: string[]) => {
  const argv = ['server/cli/main.ts', '--instance', INSTANCE, ...args]
  const child = spawn(node, argv, { cwd: ROOT, env: childEnvironment(variables), stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, output: () => output, ended }
}

async function until<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const deadline_ms = performance.now() + 90_000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline_ms) throw new Error(`waited in vain for ${what}`)
    await sleep(50)
  }
}

const up = async (...args: string[]): Promise<Up> => {
  const started = weft('up', ...args)
  await until(`readiness; it said: ${started.output()}`, () => {
    if (started.child.exitCode !== null) throw new Error(started.output())
    return started.output().includes('Ctrl-C')
  })
  return started
}

const children = (): Map<string, ProcessMark> => {
  const record = JSON.parse(readFileSync(path.join(config.state, 'processes.json'), 'utf8')) as {
    children: (ProcessMark & { name: string })[]
  }
  return new Map(record.children.map(({ name, ...mark }) => [name, mark]))
}
const healthy = () =>
  fetch(`${config.url}/health`).then(
    ({ ok }) => ok,
    () => false,
  )
/** The sign-in page by way of the engine, which says so while the web server is away. */
const pages = () =>
  fetch(`${config.url}/sign-in`).then(
    ({ ok }) => ok,
    () => false,
  )
/** TCP ports on which a process listens. */
function listening({ pid }: ProcessMark): number[] {
  const folder = `/proc/${pid}/fd`
  const own = new Set(readdirSync(folder).map((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(path.join(folder, fd)))?.[1]))
  return ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && own.has(inode))
      .map(([, local]) => Number.parseInt(local?.split(':')[1] ?? '', 16)),
  )
}
function linkOf(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
const namespaces = () =>
  (existsSync('/run/netns') ? readdirSync('/run/netns') : []).filter((name) => name.startsWith(`w${INSTANCE}-`))
/** Every process that names the instance's folder, but for the one that asks. */
const processes = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(config.state) && markOf(Number(pid)) !== undefined
      } catch {
        return false
      }
    })
const expectNothingLeft = async () => {
  await until('processes to be gone', () => processes().length === 0)
  expect(namespaces()).toEqual([])
  expect(existsSync(config.run)).toBe(false)
  expect(existsSync(path.join(config.state, 'processes.json'))).toBe(false)
}

afterEach(async () => {
  variables = {}
  await weft('down').ended
})
afterAll(() => rmSync(config.state, { recursive: true, force: true }))

describe('up', () => {
  test('tells the first operator’s password, takes it at sign-in, and ends without a trace on Ctrl-C', async () => {
    const { child, output, ended } = await up(...demo)
    const file = path.join(config.state, 'admin-password')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(output()).toContain(readFileSync(file, 'utf8').trim())
    expect(namespaces().length).toBe(lab ? 8 : 0)

    const first = weft('login', '--password-file', file)
    expect(await first.ended).toBe(4)
    expect(first.output()).toContain('--new-password-file')
    const own = path.join(config.state, 'chosen')
    writeFileSync(own, 'harbour-willow-quartz-19')
    expect(await weft('login', '--password-file', file, '--new-password-file', own).ended).toBe(0)
    expect(existsSync(file), 'of no use to anybody any more').toBe(false)
    const session = weft('session', 'show', '-o', 'json')
    expect(await session.ended).toBe(0)
    expect(JSON.parse(session.output())).toMatchObject({ account: { name: 'admin' } })
    expect(statSync(path.join(config.state, 'session')).mode & 0o777).toBe(0o600)

    child.kill('SIGINT')
    expect(await ended).toBe(0)
    await expectNothingLeft()
  })

  test('each part that is killed comes back alone, the others stay', async () => {
    await up(...demo)
    for (const name of ['engine', 'web', 'PostgreSQL']) {
      const before = children()
      process.kill(before.get(name)?.pid as number, 'SIGKILL')
      await until(`${name} again`, () => children().get(name)?.pid !== before.get(name)?.pid)
      for (const [other, mark] of before) if (other !== name) expect(isAlive(mark)).toBe(true)
      await until('health', healthy)
      await until('pages', pages)
    }
  })

  test('listens on the ports that are named, and its parts reach each other by sockets of its user alone', async () => {
    await up()
    const byPart = [...children()].map(([name, mark]) => [name, listening(mark).sort()])
    const { http, openflow, ovsdb } = config
    const ports = [http.port, openflow.port, ovsdb.port].sort()
    expect(Object.fromEntries(byPart)).toEqual({ engine: ports, web: [], PostgreSQL: [] })
    expect([http.socket, config.web.socket].map((socket) => statSync(socket).mode & 0o777)).toEqual([0o600, 0o600])
    expect(statSync(config.run).mode & 0o777).toBe(0o700)
  })

  test('starts in 5 s when everything is there', async () => {
    const start_ms = performance.now()
    await up(...demo)
    expect(performance.now() - start_ms).toBeLessThan(5000)
  })

  test('a second one of the same name is refused', async () => {
    await up(...demo)
    const second = weft('up')
    expect(await second.ended).toBe(1)
    expect(second.output()).toContain('is running already')
    expect(await healthy()).toBe(true)
  })
})

describe('down', () => {
  test('ends an instance that runs elsewhere', async () => {
    const { ended } = await up(...demo)
    const down = weft('down')
    expect(await down.ended).toBe(0)
    expect(await ended).toBe(0)
    await expectNothingLeft()
  })

  test('removes what a killed supervisor left; nothing of it runs on', async () => {
    const { child, ended } = await up(...demo)
    const marks = [...children().values()]
    child.kill('SIGKILL')
    await ended
    await until('its children to end', () => marks.every((mark) => !isAlive(mark)))
    expect(await weft('down').ended).toBe(0)
    await expectNothingLeft()
  })
})

describe('the first operator', () => {
  test('is called as the installer says, and another name later makes no second one', async () => {
    rmSync(config.state, { recursive: true, force: true })
    variables = { WEFT_FIRST_OPERATOR: 'ines' }
    const first = await up()
    const file = path.join(config.state, 'ines-password')
    expect(first.output()).toContain(`Sign in as ines with ${readFileSync(file, 'utf8').trim()}`)
    first.child.kill('SIGINT')
    expect(await first.ended).toBe(0)

    variables = {}
    expect((await up()).output()).toContain('Sign in as ines with ')
    const own = path.join(config.state, 'chosen')
    writeFileSync(own, 'harbour-willow-quartz-19')
    const login = weft('login', 'ines', '--password-file', file, '--new-password-file', own)
    expect(await login.ended, login.output()).toBe(0)
    const users = weft('user', 'list', '-o', 'json')
    expect(await users.ended).toBe(0)
    expect(JSON.parse(users.output())).toMatchObject({ items: [{ name: 'ines' }], next: null })
  })
})
