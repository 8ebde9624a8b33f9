import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLab, type Lab, labObstacles, openLab, sweepLab } from '#server/lab/index.ts'
import { until } from './openvswitch.ts'

const INSTANCE = 'ltest'
const state = mkdtempSync(path.join(tmpdir(), 'weft-lab-test-'))
const dir = path.join(state, 'lab')

/** Everything on this machine that carries the instance's name: namespaces, processes, temporary files. */
function traces(): string[] {
  const list = (folder: string) => (existsSync(folder) ? readdirSync(folder) : [])
  const processes = list('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${dir}/s`)
    } catch {
      return false
    }
  })
  const namespaces = list('/run/netns').filter((name) => name.startsWith(`w${INSTANCE}-`))
  const files = list(tmpdir()).filter((name) => name.startsWith(`weft-${INSTANCE}-`))
  return [...processes, ...namespaces, ...files, ...list(dir)]
}

/** Lets every host of a server reach the first host of the other, in one VNI, by hand-written entries. */
async function joinFirstHosts(lab: Lab, vni: number): Promise<void> {
  const { servers } = lab.inventory()
  for (const [place, server] of servers.entries()) {
    const other = servers[1 - place] as (typeof servers)[number]
    const add = (bridge: string, flow: string) => lab.ofctl(server.name, 'add-flow', bridge, flow)
    await add('br-nic', 'in_port=1,actions=output:10')
    await add('br-nic', 'in_port=10,actions=output:1')
    await add('br-srv', `in_port=1,actions=set_field:${vni}->tunnel_id,set_field:${other.vtep}->tun_dst,output:2`)
    await add('br-srv', `in_port=2,tunnel_id=${vni},actions=output:1`)
  }
}

afterAll(async () => {
  await sweepLab(INSTANCE, dir)
  rmSync(state, { recursive: true, force: true })
})

describe('a lab that is up', () => {
  let lab: Lab
  beforeAll(async () => {
    expect(labObstacles()).toEqual([])
    lab = await createLab({ instance: INSTANCE, dir })
  })
  afterAll(() => lab.destroy())

  it('has the datapath ids, bridges and port numbers that its inventory says', async () => {
    const { datapaths, attachments, links } = lab.inventory()
    for (const { server, bridge, datapathId } of datapaths)
      expect(await lab.ofctl(server, 'show', bridge)).toContain(`dpid:${datapathId}`)
    for (const { datapath, port, ofport, mac, name } of attachments) {
      const server = datapaths.find((one) => one.name === datapath)?.server ?? ''
      expect((await lab.vsctl(server, 'get', 'interface', port, 'ofport')).trim()).toBe(`${ofport}`)
      expect(await lab.host(name).exec(['ip', 'link', 'show', 'eth0'])).toContain(mac)
    }
    for (const end of links.flatMap(({ from, to }) => [from, to])) {
      const server = datapaths.find((one) => one.name === end.datapath)?.server ?? ''
      expect((await lab.vsctl(server, 'get', 'interface', end.port, 'ofport')).trim()).toBe(`${end.ofport}`)
    }
  })

  it('lets nothing through before somebody programs it', async () => {
    await lab.host('h1').dress('10.0.0.1', 24)
    await lab.host('h2').dress('10.0.0.2', 24)
    expect(await lab.host('h1').ping('10.0.0.2', { count: 2 })).toMatchObject({ sent: 2, received: 0, missing: [1, 2] })
    await lab.host('h2').undress()
    await expect(lab.host('h2').ping('10.0.0.1')).rejects.toThrow(/unreachable/)
  })

  it('carries hosts across its underlay in the VNI that the entries say, and in no other', async () => {
    await joinFirstHosts(lab, 7001)
    await lab.host('h4').dress('10.0.0.4', 24)
    const capture = await lab.captureUnderlay('srv-1')
    await until(
      'the first answer across',
      async () => (await lab.host('h1').ping('10.0.0.4', { count: 1 })).received === 1,
    )
    expect(await lab.host('h1').ping('10.0.0.4', { count: 10, interval_ms: 10 })).toEqual({
      sent: 10,
      received: 10,
      missing: [],
    })
    const frames = await capture.stop()
    expect(frames.length).toBeGreaterThanOrEqual(20)
    expect(new Set(frames.map((frame) => frame.vni))).toEqual(new Set([7001]))
    expect(new Set(frames.map((frame) => frame.outerSource))).toEqual(new Set(['192.0.2.11', '192.0.2.12']))
  })

  it('counts the gaps of a numbered stream, and empties a switch by restarting it', async () => {
    await joinFirstHosts(lab, 7001)
    const stream = await lab.host('h1').stream('10.0.0.4', { interval_ms: 10 })
    await until(
      'half a second of stream',
      async () => (await lab.host('h1').ping('10.0.0.4', { count: 20, interval_ms: 20 })).sent === 20,
    )
    expect((await stream.stop()).missing).toEqual([])
    const broken = await lab.host('h1').stream('10.0.0.4', { interval_ms: 10 })
    await lab.restartSwitch('srv-2')
    const dump = await lab.ofctl('srv-2', 'dump-flows', 'br-srv')
    expect(dump).not.toContain('tunnel_id')
    expect(dump).not.toContain('actions=')
    expect((await lab.vsctl('srv-2', 'get', 'interface', 'vx0', 'ofport')).trim()).toBe('2')
    const { sent, received, missing } = await broken.stop()
    expect(missing.length).toBeGreaterThan(0)
    expect(received).toBeLessThan(sent)
  })

  it('is there for another process that knows its directory', async () => {
    const view = await openLab(dir)
    expect(view.inventory()).toEqual(lab.inventory())
    expect(await view.host('h1').exec(['ip', '-br', 'addr', 'show', 'eth0'])).toContain('10.0.0.1/24')
    expect(() => view.host('h9')).toThrow('the lab has no h9')
    await expect(openLab(state)).rejects.toThrow('no lab runs from')
  })
})

describe('a lab that is gone', () => {
  it('leaves nothing behind when it is destroyed', async () => {
    const lab = await createLab({ instance: INSTANCE, dir })
    expect(traces().length).toBeGreaterThan(10)
    await lab.destroy()
    expect(traces()).toEqual([])
  })

  it('leaves no process when its owner is killed, and nothing at all after a sweep', async () => {
    const code = `import { createLab } from '#server/lab/index.ts'
      await createLab({ instance: '${INSTANCE}', dir: '${dir}' })
      console.log('up')
      setInterval(() => undefined, 1000)`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(owner.stdout, 'data')
    owner.kill('SIGKILL')
    await once(owner, 'close')
    await until('the switches to end with their owner', () => traces().every((trace) => !/^\d+$/.test(trace)))
    expect(traces()).toContain(`w${INSTANCE}-s1`)
    await sweepLab(INSTANCE, dir)
    expect(traces()).toEqual([])
  })

  it('puts its sockets elsewhere when its directory is too deep for them', async () => {
    const deep = path.join(state, 'a'.repeat(90), 'lab')
    const lab = await createLab({ instance: INSTANCE, dir: deep })
    expect(lab.runDir.startsWith(path.join(tmpdir(), `weft-${INSTANCE}-`))).toBe(true)
    for (const { ovsdb, controller } of lab.inventory().datapaths)
      for (const socket of [ovsdb, controller]) expect(socket.length - 'unix:'.length).toBeLessThanOrEqual(107)
    await lab.destroy()
    expect(traces()).toEqual([])
    expect(existsSync(deep)).toBe(false)
  })
})
