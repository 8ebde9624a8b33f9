import { call } from '@orpc/server'
import { expect, test } from 'vitest'
import { inventoryHandlers } from '#server/api/inventory.ts'
import type { InventoryFile } from '#server/contract/inventory.ts'
import type { InfrastructureStore } from '#server/inventory/infrastructure.ts'
import { type Outbound, outbound } from '#server/outbound/guard.ts'
import { callerIn } from './ground.ts'

/** Switches whose databases are where it is said, and what became of their import. */
async function importing(places: Outbound, ...databases: string[]) {
  const imported: InventoryFile[] = []
  const infrastructure = {
    async import(_: unknown, file: InventoryFile) {
      imported.push(file)
      return { created: 0, updated: 0, unchanged: 0 }
    },
  } as unknown as InfrastructureStore
  const handlers = inventoryHandlers({ infrastructure, publish: () => undefined, outbound: places })
  const datapaths = databases.map((ovsdb, index) => ({
    ...{ name: `s${index}`, server: 'one', role: 'fabric' as const, datapathId: '0'.repeat(16), bridge: 'br0' },
    ...{ ovsdb, controller: 'tcp:127.0.0.1:6653' },
  }))
  const file = { sites: [], servers: [], nics: [], datapaths, attachments: [] }
  const refused = await call(handlers.import, file, callerIn('operator')).then(
    () => undefined,
    (error: { errors: unknown[] }) => error.errors,
  )
  return { imported, refused }
}

test('switches whose databases are none of the places are refused, all at once, and nothing is declared', async () => {
  const confined = outbound([{ range: '10.0.0.0/8', port: 6640 }])
  const wrong = ['tcp:10.0.0.1:6640', 'tcp:192.0.2.1:6640', 'ssl:10.0.0.1:22', 'unix:/run/db.sock', 'listen']
  const { imported, refused } = await importing(confined, ...wrong, 'tcp:10.0.0.1:99999')
  expect(imported).toEqual([])
  expect(refused).toMatchObject([
    { pointer: '/datapaths/1/ovsdb', rule: 'outbound', mend: expect.stringContaining('WEFT_OUTBOUND') },
    { pointer: '/datapaths/2/ovsdb', rule: 'outbound' },
    { pointer: '/datapaths/5/ovsdb', rule: 'endpoint', message: expect.stringContaining('ssl:HOST:PORT is expected') },
  ])
  const right = await importing(confined, 'ssl:10.0.0.1:6640', 'unix:/run/db.sock', 'listen')
  expect([right.refused, right.imported.length]).toEqual([undefined, 1])
})
