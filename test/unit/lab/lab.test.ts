import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { readPcap, readVxlan } from '#server/lab/capture.ts'
import { run } from '#server/lab/command.ts'
import { readPing } from '#server/lab/host.ts'
import { describeLab } from '#server/lab/inventory.ts'
import { fitsSockets } from '#server/lab/openvswitch.ts'
import { planLab } from '#server/lab/topology.ts'

const plan = planLab('alpha', '/tmp/weft-alpha')

describe('the plan of a lab', () => {
  it('gives every thing a name, id, address and MAC of its own', () => {
    const hosts = plan.servers.flatMap((server) => server.hosts)
    const names = [...plan.servers, ...hosts].map(({ namespace }) => namespace)
    const ids = plan.servers.flatMap((server) => [server.serverDatapath, server.nicDatapath])
    const macs = [...hosts.map(({ mac }) => mac), ...plan.servers.map(({ vtepMac }) => vtepMac)]
    for (const all of [names, ids, macs]) expect(new Set(all).size).toBe(all.length)
    expect(hosts).toHaveLength(6)
    expect(ids.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true)
    expect(names.every((name) => name.startsWith('walpha-'))).toBe(true)
  })

  it('takes instances of 1 to 5 letters and digits alone', () => {
    for (const name of ['', 'sixsix', 'A', 'a-b', '../x']) expect(() => planLab(name, '/tmp')).toThrow('1 to 5')
  })

  it('is an inventory that YAML keeps', () => {
    const inventory = describeLab(plan)
    expect(parse(stringify(inventory))).toEqual(inventory)
    expect(inventory.datapaths.map(({ name, kind, bridge }) => `${name} ${kind} ${bridge}`)).toEqual([
      'nic-1 nic br-nic',
      'srv-1 server br-srv',
      'nic-2 nic br-nic',
      'srv-2 server br-srv',
    ])
    expect(inventory.links[0]).toEqual({
      from: { datapath: 'nic-1', port: 'pnic', ofport: 10 },
      to: { datapath: 'srv-1', port: 'psrv', ofport: 1 },
    })
  })

  it('knows when a directory is too deep for sockets', () => {
    expect(fitsSockets('/tmp/weft-alpha/s1')).toBe(true)
    expect(fitsSockets(`/tmp/${'x'.repeat(90)}`)).toBe(false)
  })
})

describe('what ping prints', () => {
  const line = (number: number) => `64 bytes from 10.0.0.4: icmp_seq=${number} ttl=64 time=0.5 ms\n`
  it('tells which requests were never answered', () => {
    const text = `${line(1)}From 10.0.0.1 icmp_seq=2 Destination Host Unreachable\n${line(4)}\n4 packets transmitted, 2 received, 50% packet loss\n`
    expect(readPing(text)).toEqual({ sent: 4, received: 2, missing: [2, 3] })
  })
  it('is a failure when there is no summary', () => {
    expect(() => readPing('ping: connect: Network is unreachable')).toThrow('unreachable')
  })
})

describe('a capture of the underlay', () => {
  const frame = (type: number, port: number) => {
    const bytes = new Uint8Array(14 + 20 + 8 + 8 + 4)
    const view = new DataView(bytes.buffer)
    view.setUint16(12, type)
    view.setUint8(14, 0x45)
    view.setUint8(23, 17)
    bytes.set([192, 0, 2, 11, 192, 0, 2, 12], 26)
    view.setUint16(36, port)
    view.setUint32(46, 5001 << 8)
    bytes.set([1, 2, 3, 4], 50)
    return bytes
  }
  const pcap = (...frames: Uint8Array[]) => {
    const file = [new Uint8Array(24), ...frames.flatMap((one) => [new Uint8Array(16), one])]
    new DataView(file[0]?.buffer as ArrayBuffer).setUint32(0, 0xa1b2c3d4, true)
    for (const [place, one] of frames.entries())
      new DataView(file[1 + 2 * place]?.buffer as ArrayBuffer).setUint32(8, one.length, true)
    return Uint8Array.from(file.flatMap((part) => [...part]))
  }

  it('is read frame by frame, to the last whole one', () => {
    const [one, two] = [frame(0x0800, 4789), frame(0x0800, 53)]
    expect(readPcap(pcap(one, two))).toEqual([one, two])
    expect(readPcap(pcap(one, two).subarray(0, -1))).toEqual([one])
    expect(() => readPcap(new Uint8Array(30))).toThrow('not a pcap file')
  })

  it('shows VNI, VTEPs and inner frame of VXLAN, and nothing else', () => {
    expect(readVxlan(frame(0x0800, 4789))).toEqual({
      ...{ outerSource: '192.0.2.11', outerDestination: '192.0.2.12', vni: 5001 },
      inner: Uint8Array.of(1, 2, 3, 4),
    })
    expect(readVxlan(frame(0x0800, 53))).toBeUndefined()
    expect(readVxlan(frame(0x86dd, 4789))).toBeUndefined()
    expect(readVxlan(new Uint8Array(40))).toBeUndefined()
  })
})

describe('a command', () => {
  it('gets a path and what it is given, and nothing of our own environment', async () => {
    const lines = await run(['env'], { env: { ONLY: 'this' } })
    expect(lines.trim().split('\n').sort()).toEqual(['ONLY=this', expect.stringMatching(/^PATH=/)])
  })
  it('fails with what it said', async () => {
    await expect(run(['sh', '-c', 'echo no >&2; exit 3'])).rejects.toMatchObject({
      code: 3,
      message: expect.stringContaining('no'),
    })
    await expect(run(['sleep', '5'], { timeout_ms: 20 })).rejects.toThrow()
    await expect(run(['no-such-command'])).rejects.toThrow('ENOENT')
  })
})
