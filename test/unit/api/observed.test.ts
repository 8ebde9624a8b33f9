import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Driver, EntryCounters } from '#server/datapath/driver.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { networkViews } from '#server/inventory/views.ts'
import { describeAll } from '../inventory/fixture.ts'
import { twoTenants } from './ground.ts'

let ground: Awaited<ReturnType<typeof twoTenants>>
beforeAll(async () => {
  ground = await twoTenants()
}, 60_000)
afterAll(() => ground?.database.close())

const ALL = { conditions: [], limit: 100 }

/** Has every entry of a datapath count so many packets. */
function counting(name: string, packets: bigint): Driver {
  const device = ground.devices.get(name)
  if (!device) throw new Error(name)
  const counters = new Map<string, EntryCounters>(
    [...device.program.entries.keys()].map((key) => [key, { packets, bytes: 0n, age_ms: 0 }]),
  )
  device.driver.read = async () => ({ program: device.program, counters })
  return device.driver
}

describe('what is observed', () => {
  test('is there for the first who asks: states, and spoofed packets by port', async () => {
    counting('nic-1', 5n)
    counting('nic-2', 7n)
    const views = ground.observed.fresh(networkViews(ground.database))
    const { items } = await views.ports(EVERYTHING, ALL, {})
    const shown = items.map(({ id, attachmentName }) => [attachmentName, ground.observed.spoofed(id)])
    expect(shown.sort()).toEqual([
      ['host-1-1', '5'],
      ['host-1-2', '5'],
      ['host-2-1', '7'],
    ])
    expect(ground.observed.networkState(ground.red.networkId)).toMatchObject({ state: 'held' })
    expect(ground.observed.portState('unknown').state).toBe('pending')
  })

  test('sums spoofed packets over what the scope may know of', async () => {
    const { observed, red, blue } = ground
    expect(await observed.spoofedTotal(EVERYTHING)).toBe(17n)
    expect(await observed.spoofedTotal({ tenantId: red.id })).toBe(12n)
    expect(await observed.spoofedTotal({ tenantId: blue.id })).toBe(5n)
  })

  test('is kept for a second, unless something is known to have moved', async () => {
    const { observed, conditions, idOf, red } = ground
    const state = async () => {
      await observed.spoofedTotal(EVERYTHING)
      return observed.networkState(red.networkId).state
    }
    ground.pass(2000)
    expect(await state()).toBe('held')
    conditions.set(idOf('nic-1'), { state: 'drifted' })
    expect(await state()).toBe('held')
    observed.forget()
    expect(await state()).toBe('drifted')
    conditions.clear()
    ground.pass(1001)
    expect(await state()).toBe('held')
  })

  test('is not taken from a look that began before something moved', async () => {
    const { observed, conditions, idOf, red } = ground
    observed.forget()
    const before = observed.spoofedTotal(EVERYTHING)
    conditions.set(idOf('nic-1'), { state: 'away' })
    observed.forget()
    await Promise.all([before, observed.spoofedTotal(EVERYTHING)])
    conditions.clear()
    expect(observed.networkState(red.networkId).state).toBe('pending')
  })

  test('follows a datapath that says which port is which, although no intent moved', async () => {
    const { observed, database, red } = ground
    const portId = (await networkViews(database).ports(EVERYTHING, ALL, { networkId: red.networkId })).items.find(
      ({ attachmentName }) => attachmentName === 'host-2-1',
    )?.id as string
    const look = async () => {
      observed.forget()
      await observed.spoofedTotal(EVERYTHING)
      return observed.portState(portId).state
    }
    await database.engine.query(
      `UPDATE datapath SET description = jsonb_set(description, '{ports}', '[]') WHERE name = 'nic-2'`,
    )
    expect(await look()).toBe('failed')
    await describeAll(database)
    expect(await look()).toBe('held')
  })
})
