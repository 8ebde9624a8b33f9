import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { startPeer, stopPeers, stopPeersAfterAll } from './openvswitch.ts'

stopPeersAfterAll()

describe('the Open vSwitch that peers tests talk to', () => {
  it('starts, holds flows, loses them by a restart and leaves nothing behind', async () => {
    const peer = await startPeer()
    await peer.addBridge('br-alone', { datapathId: '00000000000000aa' })
    await peer.ofctl('add-flow', 'br-alone', 'table=3,priority=7,ip,actions=drop')
    expect(await peer.ofctl('dump-flows', 'br-alone')).toContain('table=3')
    expect(await peer.ofctl('show', 'br-alone')).toContain('dpid:00000000000000aa')
    await peer.restart()
    // The bridge's socket comes a moment after the switch says that it is there.
    const dump = await vi.waitFor(() => peer.ofctl('dump-flows', 'br-alone'), { timeout: 10_000 })
    expect(dump).not.toContain('table=3')
    const pids = peer.pids()
    expect(pids).toHaveLength(2)
    await stopPeers()
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
    expect(existsSync(peer.dir)).toBe(false)
    expect(readdirSync('/sys/class/net').filter((name) => name === 'br-alone')).toEqual([])
  })

  it('runs two switches with bridges of the same name side by side', async () => {
    const [one, two] = await Promise.all([startPeer(), startPeer({ datapath: 'dummy' })])
    await Promise.all([one.addBridge('br0', { datapathId: '0000000000000001' }), two.addBridge('br0')])
    expect(await one.vsctl('get', 'bridge', 'br0', 'datapath_id')).toContain('0000000000000001')
    expect(await two.vsctl('get', 'bridge', 'br0', 'datapath_type')).toContain('dummy')
  })
})
