import { beforeAll, describe, expect, it } from 'vitest'
import { entry, group } from '#server/engine/program/entry.ts'
import { dumpNotation, groupNotation } from '#server/engine/program/notation.ts'
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
