import { describe, expect, test } from 'vitest'
import { createFleet } from '#server/datapath/fleet.ts'
import { createDevice } from '../engine/change/fake-driver.ts'
import { outputs, program } from '../engine/change/world.ts'

/** A fleet of one device, in time that passes by hand. */
function ground(read_ms = 0) {
  let at_ms = 1000
  const clock = { now_ms: () => at_ms, monotonic_ms: () => at_ms }
  const sleep = async () => {
    at_ms += read_ms
  }
  const device = createDevice('nic-1', { sleep })
  const fleet = createFleet(clock)
  fleet.add('nic-1', device.driver, null)
  const pass = (ms: number) => {
    at_ms += ms
  }
  const reads = () => device.log.filter((line) => line === 'read').length
  return { fleet, device, pass, reads }
}

describe('a reading', () => {
  test('is shared by all who ask at one moment, and kept as long as each asks', async () => {
    const { fleet, reads, pass } = ground()
    const both = await Promise.all([fleet.reading('nic-1', 0), fleet.reading('nic-1', 0)])
    expect(both[0]).toBe(both[1])
    pass(100)
    await fleet.reading('nic-1', 100)
    expect(reads()).toBe(1)
    await fleet.reading('nic-1', 99)
    expect(reads()).toBe(2)
  })

  test('is kept for nine times what it took, so that large tables are not read without end', async () => {
    const { fleet, reads, pass } = ground(2000)
    await fleet.reading('nic-1', 0)
    pass(18_000)
    await fleet.reading('nic-1', 0)
    expect(reads()).toBe(1)
    pass(1)
    await fleet.reading('nic-1', 0)
    expect(reads()).toBe(2)
  })

  test('is the last one where the datapath is away, undefined where there never was one', async () => {
    const { fleet, device } = ground()
    device.program = program([outputs(1, 2)])
    device.disconnect()
    expect(await fleet.reading('nic-1', 0)).toBeUndefined()
    device.connect()
    const seen = await fleet.reading('nic-1', 0)
    device.disconnect()
    expect(await fleet.reading('nic-1', 0)).toBe(seen)
    expect(seen?.held.program.entries.size).toBe(1)
  })

  test.each(['close', 'refuse'] as const)(
    'never rejects: a read that ends with %s leaves the last one',
    async (fault) => {
      const { fleet, device, pass } = ground()
      const seen = await fleet.reading('nic-1', 0)
      pass(1)
      device.faults = () => fault
      expect(await fleet.reading('nic-1', 0)).toBe(seen)
    },
  )

  test('of before a connection is not taken for one of after it', async () => {
    const { fleet, device, reads } = ground()
    await fleet.reading('nic-1', 60_000)
    device.restart()
    device.connect()
    expect(fleet.last('nic-1')).toBeUndefined()
    await fleet.reading('nic-1', 60_000)
    expect(reads()).toBe(2)
  })
})

describe('a connection', () => {
  test('tells since when, and why not', () => {
    const { fleet, device, pass } = ground()
    expect(fleet.connection('nic-1')).toMatchObject({ connected: false, since_ms: null, reason: 'has never connected' })
    device.disconnect()
    device.connect()
    pass(5)
    device.disconnect('the cable is out')
    expect(fleet.connection('nic-1')).toMatchObject({ connected: false, since_ms: 1005, reason: 'the cable is out' })
    expect(fleet.connection('nic-1').description?.product).toBe('device in memory')
    expect(fleet.connection('nic-9').connected).toBe(false)
  })

  test('is told to whoever listens, until it is removed', async () => {
    const { fleet, device } = ground()
    const heard: string[] = []
    const end = fleet.subscribe((id, { type }) => heard.push(`${id} ${type}`))
    device.disconnect()
    end()
    device.connect()
    expect(heard).toEqual(['nic-1 disconnected'])
    await fleet.remove('nic-1')
    expect([fleet.ids, fleet.driver('nic-1')]).toEqual([[], undefined])
    expect(await fleet.reading('nic-1', 0)).toBeUndefined()
  })
})
