import { beforeAll, describe, expect, it } from 'vitest'
import { entry, group } from '#server/engine/program/entry.ts'
import { dumpNotation, groupNotation } from '#server/engine/program/notation.ts'
import { EMPTY_PROGRAM } from '#server/engine/program/program.ts'
import { build, intentOf, site } from '../unit/engine/network/site.ts'
import { everyKindOfEntry, everyKindOfGroup } from '../unit/engine/program/specimens.ts'
import { type Openvswitch, startPeer, stopPeersAfterAll } from './openvswitch.ts'

stopPeersAfterAll()

describe('the notation of entries and groups', () => {
  let peer: Openvswitch
  beforeAll(async () => {
    peer = await startPeer({ datapath: 'dummy' })
    await peer.addBridge('br0')
  })

  it('is what ovs-ofctl reads and prints', async () => {
    for (const one of everyKindOfGroup.map(group)) await peer.ofctl('add-group', 'br0', groupNotation(one))
    const entries = everyKindOfEntry.map(entry)
    for (const one of entries) await peer.ofctl('add-flow', 'br0', dumpNotation(one).trim())
    const printed = await peer.ofctl('--no-names', '--no-stats', 'dump-flows', 'br0')
    expect(printed.trimEnd().split('\n').sort()).toEqual(entries.map(dumpNotation).sort())
    const groups = await peer.ofctl('-O', 'OpenFlow13', 'dump-groups', 'br0')
    expect(groups.trimEnd().split('\n').slice(1).sort()).toEqual(
      everyKindOfGroup.map((one) => ` ${groupNotation(group(one))}`).sort(),
    )
  })
})

describe('the programs of tenant networks', () => {
  const infrastructure = site()
  const intent = intentOf(
    { red: 10101, blue: 10102 },
    [
      { at: 'h11', in: 'red', addresses: ['10.0.0.11', '2001:db8::11'] },
      { at: 'h12', in: 'red', vlan: 100 },
      { at: 'h13', in: 'blue' },
      { at: 'h15', in: 'red' },
      { at: 'h21', in: 'red' },
    ],
    { subnets: [{ id: 'red-6', networkId: 'red', prefix: '2001:db8::/64', gateway: null }] },
  )
  const { datapaths } = build(intent, infrastructure)

  it.each(['nic1', 'srv1'])('are taken by a real switch, which gives the same back: %s', async (id) => {
    const program = datapaths.get(id)?.program ?? EMPTY_PROGRAM
    const peer = await startPeer()
    await peer.addBridge('br0')
    for (const one of program.groups.values()) await peer.ofctl('add-group', 'br0', groupNotation(one))
    const wanted = [...program.entries.values()].map(dumpNotation)
    await peer.ofctlWith(wanted.map((line) => line.trim()).join('\n'), 'add-flows', 'br0', '-')
    const printed = await peer.ofctl('--no-names', '--no-stats', 'dump-flows', 'br0')
    expect(printed.trimEnd().split('\n').sort()).toEqual(wanted.sort())
  })
})
