import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { call } from '@orpc/server'
import { pino } from 'pino'
import { vi } from 'vitest'
import { InventoryFile } from '#server/contract/inventory.ts'
import type { TlsSetting } from '#server/datapath/connection/transport.ts'
import { createFleet } from '#server/datapath/fleet.ts'
import { serveSwitches } from '#server/datapath/openflow/switches.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { datapathStore } from '#server/inventory/facts.ts'
import { infrastructureStore } from '#server/inventory/infrastructure.ts'
import { systemClock } from '#server/kernel/clock.ts'
import { ANYWHERE } from '#server/outbound/guard.ts'
import { openSwitchTls } from '#server/wiring-switches.ts'
import { callerIn } from '../unit/api/ground.ts'
import { memoryStore, openWith } from '../unit/keys/ground.ts'
import { until } from './openvswitch.ts'
import { startTestDatabase } from './postgres.ts'
import { type Files, request } from './switch-files.ts'

// What is borrowed of unit tests has their shorter times.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** A port of loopback that nobody has now. */
export const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })

export interface TlsGroundOptions {
  readonly setting?: TlsSetting
  /** How the declared addresses begin; default `tcp:`. */
  readonly scheme?: 'tcp' | 'ssl'
}

/**
 * Weft's side of two switches' connections, by TCP on loopback: `a` and `b` are datapaths of two servers, `a` with the
 * bridge `br-a` and so on.
 */
export async function tlsGround({ setting = 'required', scheme = 'tcp' }: TlsGroundOptions = {}) {
  const database = await startTestDatabase()
  const [openflow, ovsdb] = [await freePort(), await freePort()]
  const declare = (name: string, n: number, at: string) => ({
    ...{ name, server: `server-${name}`, role: 'fabric', datapathId: `00000000000000a${n}`, bridge: `br-${name}` },
    ...{ ovsdb: at, controller: `${scheme}:127.0.0.1:${openflow}` },
  })
  const infrastructure = infrastructureStore(database)
  const inventory = (ofA: string) =>
    infrastructure.import(
      EVERYTHING,
      InventoryFile.parse({
        ...{ sites: [{ name: 'lab' }], nics: [], attachments: [] },
        servers: ['a', 'b'].map((name, n) => ({ name: `server-${name}`, site: 'lab', vtep: `172.16.0.${n + 1}` })),
        datapaths: ['a', 'b'].map((name, n) => declare(name, n, name === 'a' ? ofA : 'listen')),
      }),
    )
  await inventory('listen')
  const datapaths = datapathStore(database)
  const keys = await openWith({ store: memoryStore(), clock: systemClock })
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const config = { switchTls: { setting, files: undefined }, instance: 'test' }
  const product = { name: 'Weft', version: '1' }
  const tls = await openSwitchTls({ config: { ...config, product }, database, datapaths, keys, log })
  const fleet = createFleet(systemClock)
  const switches = serveSwitches({
    ...{ fleet, store: datapaths, log, gate: tls.gate, outbound: ANYWHERE },
    openflow: { type: 'tcp', host: '127.0.0.1', port: openflow },
    ovsdb: { type: 'tcp', host: '127.0.0.1', port: ovsdb },
  })
  await switches.start()
  await switches.sync()
  const ids = new Map((await datapaths.all()).map(({ name, id }) => [name, id]))
  const idOf = (name: string) => ids.get(name) as string
  const handlers = tls.handlers(() => undefined)
  const operator = callerIn('operator')

  const enrol = async (folder: string, name: string): Promise<Files & { readonly id: string }> => {
    const { key, csr } = await request(folder)
    const { id, certificate, authorities } = await call(handlers.enrol, { id: idOf(name), csr }, operator)
    const files = { key, certificate: key.replace('.pem', '-cert.pem'), authority: key.replace('.pem', '-ca.pem') }
    await writeFile(files.certificate, certificate)
    await writeFile(files.authority, authorities)
    return { ...files, id }
  }
  return {
    ...{ database, keys, lines, fleet, switches, handlers, operator, enrol, idOf, tls, ports: { openflow, ovsdb } },
    /** Declares `a` anew, with another address of its database. */
    async move(at: string) {
      await inventory(at)
      await switches.sync()
    },
    /** Waits until the database of `a` is connected by that. */
    databaseBy: (type: 'tcp' | 'tls') =>
      until(`the database of a by ${type}`, () => switches.database(idOf('a')).transport?.type === type, {
        deadline_ms: 15_000,
      }),
    revoke: (name: string, certificateId: string) => call(handlers.revoke, { id: idOf(name), certificateId }, operator),
    connected: (name: string, is = true) =>
      until(`${name} to be ${is ? 'connected' : 'away'}`, () => fleet.connection(idOf(name)).connected === is, {
        deadline_ms: 15_000,
      }),
    reason: (name: string, text: string) =>
      until(`the reason of ${name} to say ${text}`, () => fleet.connection(idOf(name)).reason?.includes(text), {
        deadline_ms: 15_000,
      }),
    logged: (text: string) =>
      until(`the log to say ${text}`, () => lines.some((line) => line.includes(text)), { deadline_ms: 15_000 }),
    async close() {
      tls.close()
      await switches.close()
      await fleet.close()
      await keys.close()
      await database.close()
    },
  }
}
export type TlsGround = Awaited<ReturnType<typeof tlsGround>>
