import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { entry } from '#server/engine/program/entry.ts'
import { type Difference, EMPTY_DIFFERENCE } from '#server/engine/program/program.ts'
import { adding, commit, type DrivenBridge, driveConnected, setController } from './openflow.ts'
import { type Openvswitch, startPeer, stopPeersAfterAll, until } from './openvswitch.ts'

stopPeersAfterAll()

const address = (side: number) => `192.0.2.${side}`
const TENANT_PORT = 1
const TUNNEL_PORT = 2

let peers: Openvswitch[]
let driven: DrivenBridge[]

/** As after 900 s without use. An answer to ARP that the fast path knows would not be looked at again: that goes too. */
async function forget(peer: Openvswitch): Promise<void> {
  await peer.appctl('tnl/neigh/flush')
  await peer.appctl('dpctl/del-flows')
}

/** A server: an underlay bridge with the cable, a bridge with the tunnel, and a tenant's interface. */
async function build(peer: Openvswitch, side: number, cable: string): Promise<void> {
  const ip = (...args: string[]) => peer.exec(['ip', ...args])
  // Nothing but the test's own packets may go through the tunnel.
  await peer.exec(['sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'])
  await ip('link', 'set', cable, 'up')
  await peer.addBridge('und', { failMode: 'standalone' })
  await peer.vsctl('add-port', 'und', cable)
  await ip('addr', 'add', `${address(side)}/24`, 'dev', 'und')
  await ip('link', 'set', 'und', 'up')
  await peer.addBridge('br0', { datapathId: `000000000000000${side}` })
  await peer.vsctl(
    ...['add-port', 'br0', 'vx0', '--', 'set', 'interface', 'vx0', 'type=vxlan', `ofport_request=${TUNNEL_PORT}`],
    ...['options:remote_ip=flow', 'options:key=flow'],
    ...['--', 'add-port', 'br0', 'host', '--', 'set', 'interface', 'host', 'type=internal'],
    ...[`ofport_request=${TENANT_PORT}`, `mac="52:54:00:00:00:0${side}"`],
  )
  await ip('link', 'set', 'host', 'mtu', '1400', 'up')
  await ip('addr', 'add', `10.0.0.${side}/24`, 'dev', 'host')
  const other = 3 - side
  await ip('neigh', 'add', `10.0.0.${other}`, 'lladdr', `52:54:00:00:00:0${other}`, 'dev', 'host')
}

beforeAll(async () => {
  peers = await Promise.all([startPeer(), startPeer()])
  const [one, two] = peers as [Openvswitch, Openvswitch]
  const pid = /\/proc\/(\d+)\//.exec(two.namespace ?? '')?.[1] as string
  await one.exec(['ip', 'link', 'add', 'cable1', 'type', 'veth', 'peer', 'name', 'cable2', 'netns', pid])
  await Promise.all([build(one, 1, 'cable1'), build(two, 2, 'cable2')])
})

beforeEach(async () => {
  driven = await Promise.all(
    peers.map((peer, i) => driveConnected(peer, 'br0', { datapathId: `000000000000000${i + 1}`, tunnel: 'vx0' })),
  )
  for (const peer of peers) await forget(peer)
})

afterEach(async () => {
  for (const peer of peers) await peer.ofctl('del-flows', 'br0')
  for (const one of driven) await one.close()
})

/** Everything of the tenant goes to the other side, and comes from there. */
function across(side: number, neighbours: Difference['neighbours']): Difference {
  const remote = 0xc0000200n + BigInt(3 - side)
  const out = entry({
    ...{ table: 0, priority: 1, match: [{ field: 'in_port', value: BigInt(TENANT_PORT) }] },
    instructions: [
      {
        type: 'apply_actions',
        actions: [
          { type: 'set_field', field: 'tunnel_id', value: 5000n },
          { type: 'set_field', field: 'tun_dst', value: remote },
          { type: 'output', port: TUNNEL_PORT },
        ],
      },
    ],
  })
  const back = entry({
    ...{ table: 0, priority: 1 },
    match: [
      { field: 'in_port', value: BigInt(TUNNEL_PORT) },
      { field: 'tunnel_id', value: 5000n },
    ],
    instructions: [{ type: 'apply_actions', actions: [{ type: 'output', port: TENANT_PORT }] }],
  })
  return { ...adding([out, back]), neighbours }
}

const firstPing = () =>
  (peers[0] as Openvswitch).exec(['ping', '-c', '1', '-W', '1', '10.0.0.2']).then(
    () => 'answered',
    () => 'lost',
  )
const commitBoth = (withNeighbours: boolean) =>
  Promise.all(
    driven.map(({ datapath }, i) => {
      const neighbours = withNeighbours ? [{ after: { address: address(2 - i) } }] : []
      return commit(datapath, across(i + 1, neighbours))
    }),
  )

describe('tunnel neighbours', () => {
  it('that nobody resolved cost the first packet', async () => {
    await commitBoth(false)
    expect(await firstPing()).toBe('lost')
  })

  it('are resolved before entries point to them: the first packet arrives', async () => {
    await commitBoth(true)
    expect(await firstPing()).toBe('answered')
  })

  it('are held by the driver, told when it is read, and resolved again after a restart', async () => {
    await commitBoth(true)
    const [{ datapath }, peer] = [driven[0] as DrivenBridge, peers[0] as Openvswitch]
    expect([...(await datapath.read()).program.neighbours.keys()]).toEqual([address(2)])
    await peer.vsctl('del-controller', 'br0')
    await until('the switch to be gone', () => !datapath.connected)
    await forget(peer)
    await setController(peer, 'br0')
    await until('the neighbour to be known again', async () =>
      (await peer.appctl('tnl/neigh/show')).includes(address(2)),
    )
    await commit(datapath, { ...EMPTY_DIFFERENCE, neighbours: [{ before: { address: address(2) } }] })
    expect((await datapath.read()).program.neighbours.size).toBe(0)
  })

  it('that do not answer hold nothing up', async () => {
    const { datapath } = driven[0] as DrivenBridge
    const start = performance.now()
    await commit(datapath, across(1, [{ after: { address: '192.0.2.99' } }]))
    expect(performance.now() - start).toBeLessThan(500)
  })

  it('are announced as an ability of a switch that has the tunnel port', async () => {
    expect((await (driven[0] as DrivenBridge).datapath.describe()).features).toContain('tunnel')
  })
})
