import { pino } from 'pino'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parseEndpoint } from '#server/datapath/connection/endpoint.ts'
import type { Description } from '#server/datapath/driver.ts'
import { createFleet } from '#server/datapath/fleet.ts'
import { type DeclaredBridge, serveSwitches } from '#server/datapath/openflow/switches.ts'
import { systemClock } from '#server/kernel/clock.ts'
import { ANYWHERE } from '#server/outbound/guard.ts'
import { type Openvswitch, startPeer, stopPeersAfterAll, until } from './openvswitch.ts'

stopPeersAfterAll()

let peer: Openvswitch
let tests = 0
beforeAll(async () => {
  peer = await startPeer({ datapath: 'dummy' })
})

let generation = 0n

/** Switches in service for an inventory in memory, with a bridge of the test's own that knows of nobody yet. */
async function ground(wishes: Partial<DeclaredBridge> = {}) {
  tests += 1
  const bridge = `br${tests}`
  await peer.addBridge(bridge)
  const socket = (name: string) => `unix:${peer.dir}/${name}${tests}`
  const declared: DeclaredBridge = {
    ...{ id: `id-${tests}`, name: `nic-${tests}`, datapathId: tests.toString(16).padStart(16, '0'), bridge },
    ...{ serverId: 's1', ovsdb: `unix:${peer.database}`, controller: socket('of'), tunnel: null, description: null },
    ...wishes,
  }
  let rows: readonly DeclaredBridge[] = [declared]
  const descriptions: Description[] = []
  const lines: string[] = []
  const fleet = createFleet(systemClock)
  const switches = serveSwitches({
    ...{ fleet, outbound: ANYWHERE, openflow: parseEndpoint(socket('any')), ovsdb: parseEndpoint(socket('ovsdb')) },
    store: {
      all: async () => rows,
      describe: async (_, description) => void descriptions.push(description),
      nextGeneration: async () => ++generation,
    },
    log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
  })
  onTestFinished(async () => {
    await switches.close()
    await fleet.close()
    await peer.vsctl('--if-exists', 'del-br', bridge)
  })
  await switches.start()
  await switches.sync()
  return {
    ...{ switches, fleet, declared, bridge, descriptions, lines, socket },
    declare: async (...now: readonly DeclaredBridge[]) => {
      rows = now
      await switches.sync()
    },
    connected: (id = declared.id) => until('it to connect', () => fleet.connection(id).connected),
    controllers: async () => (await peer.vsctl('get-controller', bridge)).split('\n').filter((line) => line !== ''),
    logged: (text: string) => until(`the log to say ${text}`, () => lines.some((line) => line.includes(text))),
  }
}

describe('a declared bridge', () => {
  it('is configured through its database, connects, and says what it is', async () => {
    const { connected, controllers, declared, descriptions, fleet } = await ground()
    await connected()
    expect(await controllers()).toEqual([declared.controller])
    expect(fleet.ids).toEqual([declared.id])
    await until('it to be described', () => descriptions.length > 0)
    expect(descriptions[0]).toMatchObject({ datapathId: declared.datapathId, protocol: 'OpenFlow 1.5' })
    expect((await fleet.reading(declared.id, 0))?.held.program.entries.size).toBe(0)
  })

  it('moves to another address when that is declared', async () => {
    const { connected, controllers, declared, declare, fleet, socket } = await ground()
    await connected()
    const before = fleet.driver(declared.id)
    await declare({ ...declared, controller: socket('new') })
    expect(fleet.driver(declared.id)).not.toBe(before)
    await connected()
    expect(await controllers()).toEqual([socket('new')])
  })

  it('stays as it is when nothing but its name or description moved', async () => {
    const { connected, declared, declare, fleet } = await ground()
    await connected()
    const before = fleet.driver(declared.id)
    await declare({ ...declared, name: 'other' })
    expect(fleet.driver(declared.id)).toBe(before)
    expect(before?.connected).toBe(true)
  })

  it('is retired when it is declared no more', async () => {
    const { connected, declared, declare, fleet } = await ground()
    await connected()
    const driver = fleet.driver(declared.id)
    await declare()
    expect([fleet.ids, driver?.connected]).toEqual([[], false])
  })

  it('that cannot be served keeps no other from it, and is tried again', async () => {
    const { declared, declare, fleet, connected, logged } = await ground()
    await connected()
    const wrong = { ...declared, id: 'wrong', name: 'wrong', datapathId: '00000000000000ff', controller: 'tcp:nowhere' }
    const other = { ...declared, id: 'other', ovsdb: 'nonsense', datapathId: '00000000000000fe' }
    await declare(wrong, other, declared)
    await logged('A datapath cannot be served.')
    expect(fleet.ids).toEqual([declared.id])
    await declare({ ...wrong, controller: declared.controller }, declared)
    expect(fleet.ids).toContain('wrong')
    expect(fleet.connection(declared.id).connected).toBe(true)
  })

  it('whose switch goes away and comes back is read anew', async () => {
    const { connected, declared, fleet } = await ground()
    await connected()
    const before = await fleet.reading(declared.id, 60_000)
    await peer.stopForwarding()
    await until('it to be away', () => !fleet.connection(declared.id).connected)
    expect(await fleet.reading(declared.id, 0)).toBe(before)
    expect(fleet.connection(declared.id)).toMatchObject({ reason: expect.any(String), since_ms: expect.any(Number) })
    await peer.startForwarding()
    await connected()
    expect(await fleet.reading(declared.id, 60_000)).not.toBe(before)
  })
})

describe('the open addresses', () => {
  it('serve a switch whose database dials in', async () => {
    const { connected, controllers, declared, socket } = await ground({ ovsdb: 'listen' })
    await peer.vsctl('set', 'bridge', declared.bridge, `other-config:datapath-id=${declared.datapathId}`)
    await peer.vsctl('set-manager', socket('ovsdb'))
    onTestFinished(async () => void (await peer.vsctl('del-manager')))
    await connected()
    expect(await controllers()).toEqual([declared.controller])
  })

  it('serve a switch that was told to dial by hand', async () => {
    const { connected, declared, declare, fleet, socket } = await ground()
    await connected()
    await declare({ ...declared, controller: socket('any') })
    await connected()
    expect(fleet.connection(declared.id).reason).toBeNull()
  })

  it('refuse a datapath that is not declared, and say which', async () => {
    const { declared, declare, socket, logged, fleet } = await ground()
    await declare()
    await peer.vsctl('set', 'bridge', declared.bridge, 'other-config:datapath-id=00000000000000dd')
    await peer.vsctl('set-controller', declared.bridge, socket('any'))
    await logged('00000000000000dd is not known here')
    expect(fleet.ids).toEqual([])
  })
})
