import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { checkpointBytes, fromShipped, isSignedBy } from '#server/identity/audit/checkpoint.ts'
import { checkpointKeeper } from '#server/identity/audit/checkpoints.ts'
import { type LinkedLine, lineOf, link } from '#server/identity/audit/line.ts'
import { fileDestination, readCheckpoints } from '#server/identity/audit/shipping/file.ts'
import {
  auditShipper,
  type Destination,
  type Shipped,
  type ShippingSource,
} from '#server/identity/audit/shipping/shipper.ts'
import { keysOf, testSigner } from './signer.ts'

const KEY = testSigner()
const CHAINS = ['operators', '0190a0a0-0000-7000-8000-000000000001']

/** Lines and checkpoints that grow in memory. */
function memoryLog() {
  const lines: LinkedLine[] = []
  const checkpoints: Awaited<ReturnType<ShippingSource['checkpoints']>> = []
  const endOf = (chain: string) => lines.findLast((line) => line.chain === chain)
  const source: ShippingSource = {
    ends: async () => new Map(CHAINS.map((chain) => [chain, endOf(chain)?.sequence ?? 0])),
    lines: async (chain, after, limit) =>
      lines.filter((line) => line.chain === chain && line.sequence > after).slice(0, limit),
    checkpoints: async (after, limit) => checkpoints.filter(({ id }) => id > after).slice(0, limit),
  }
  return {
    source,
    write(chain: string, count: number) {
      const loose = Array.from({ length: count }, () => ({
        ...lineOf(
          {
            ...{ actor: 'olga', address: '', action: 'x', outcome: 'done', subject: null, tenantId: null },
            ...{ changeId: null, detail: '' },
          },
          1,
        ),
        chain,
      }))
      const end = endOf(chain)
      lines.push(...link(loose, new Map(end ? [[chain, end]] : [])).linked)
    },
    async sign(chain: string) {
      const end = endOf(chain)
      if (!end) throw new Error('nothing to sign')
      const unsigned = { chain, sequence: end.sequence, hash: end.hash, at_ms: 1000 }
      const signature = await KEY.sign(checkpointBytes(unsigned))
      checkpoints.push({ ...unsigned, keyId: KEY.keyId, signature, id: checkpoints.length + 1 })
    },
  }
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'weft-ship-'))
  return () => rmSync(folder, { recursive: true })
})

const [A, B] = CHAINS as [string, string]
const faults: string[] = []
beforeEach(() => void faults.splice(0))

function shipperTo(log: ReturnType<typeof memoryLog>, ...destinations: Destination[]) {
  return auditShipper({
    ...{ source: log.source, keys: keysOf(KEY), destinations, file: path.join(folder, 'positions') },
    onFault: (to, { message }) => faults.push(`${to}: ${message}`),
  })
}

const records = (file: string): Shipped[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Shipped)
const placesIn = (file: string) => records(file).map(({ type, chain, sequence }) => [type, chain, sequence])

describe('a file', () => {
  test('gets checkpoints that anybody can check, and is one’s own', async () => {
    const log = memoryLog()
    const file = path.join(folder, 'out')
    log.write(A, 3)
    await log.sign(A)
    const shipper = shipperTo(log, fileDestination(file, false))
    await shipper.start()
    await shipper.close()
    expect(placesIn(file)).toEqual([['checkpoint', A, 3]])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const [checkpoint] = await readCheckpoints(file)
    expect(checkpoint && isSignedBy(fromShipped(checkpoint), checkpoint.publicKey)).toBe(true)
  })

  test('gets every line where that is asked for, once, in order, also after a restart', async () => {
    const log = memoryLog()
    const file = path.join(folder, 'out')
    log.write(A, 1203)
    log.write(B, 2)
    for (let run = 0; run < 2; run++) {
      const shipper = shipperTo(log, fileDestination(file, true))
      await shipper.start()
      await shipper.close()
    }
    log.write(B, 1)
    await log.sign(B)
    const shipper = shipperTo(log, fileDestination(file, true))
    await shipper.start()
    await shipper.close()
    const places = placesIn(file)
    expect(places).toHaveLength(1203 + 3 + 1)
    expect(places.filter(([, chain]) => chain === A).map(([, , sequence]) => sequence)).toEqual(
      Array.from({ length: 1203 }, (_, i) => i + 1),
    )
    expect(places.slice(-2)).toEqual([
      ['line', B, 3],
      ['checkpoint', B, 3],
    ])
    expect(records(file)[0]).not.toHaveProperty('at_ms')
  })

  test('that was moved away is begun anew', async () => {
    const log = memoryLog()
    const file = path.join(folder, 'out')
    const shipper = shipperTo(log, fileDestination(file, true))
    await shipper.start()
    log.write(A, 1)
    shipper.wake()
    await vi.waitFor(() => expect(placesIn(file)).toHaveLength(1))
    renameSync(file, `${file}.1`)
    log.write(A, 1)
    await shipper.close()
    expect(placesIn(file)).toEqual([['line', A, 2]])
  })

  test('is read for the newest checkpoints of each chain, past whatever else is in it', async () => {
    const log = memoryLog()
    const file = path.join(folder, 'out')
    for (let i = 0; i < 30; i++) {
      log.write(A, 1)
      await log.sign(A)
    }
    log.write(B, 1)
    await log.sign(B)
    const destination = fileDestination(file, true)
    const shipper = shipperTo(log, destination)
    await shipper.start()
    await shipper.close()
    appendFileSync(file, '{"type":"checkpoint"}\n"checkpoint\n')
    const found = await readCheckpoints(file)
    expect(found.filter(({ chain }) => chain === A).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 20 }, (_, i) => 11 + i),
    )
    expect(found.filter(({ chain }) => chain === B)).toHaveLength(1)
  })
})

describe('a destination that is away', () => {
  test('gets everything later, and does not hold up another; it is said once', async () => {
    const log = memoryLog()
    const file = path.join(folder, 'out')
    const got: Shipped[] = []
    let away = true
    const other: Destination = {
      ...{ to: 'other', lines: true, close: async () => undefined },
      async send(more) {
        if (away) throw new Error('not there')
        got.push(...more)
      },
    }
    const shipper = shipperTo(log, other, fileDestination(file, true))
    await shipper.start()
    log.write(A, 5)
    shipper.wake()
    await vi.waitFor(() => expect(placesIn(file)).toHaveLength(5))
    await vi.waitFor(() =>
      expect(shipper.state()).toMatchObject([
        { to: 'other', problem: 'not there', at: null },
        { to: `file:${file}`, problem: null, at: expect.any(String) },
      ]),
    )
    log.write(A, 1)
    shipper.wake()
    await vi.waitFor(() => expect(placesIn(file)).toHaveLength(6))
    expect(faults).toEqual(['other: not there'])
    away = false
    await shipper.close()
    expect(got.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6])
    expect(shipper.state()[0]?.problem).toBeNull()
  })
})

describe('checkpoints', () => {
  const keeper = (more: { lines: number; interval_ms: number }) => {
    const kept: number[] = []
    let end = 0
    const parts = {
      store: {
        unsigned: async () =>
          end > (kept.at(-1) ?? 0) ? [{ chain: A, sequence: end, hash: Buffer.alloc(32, end) }] : [],
        keep: async (all: readonly { sequence: number }[]) => void kept.push(...all.map(({ sequence }) => sequence)),
      },
      keys: keysOf(KEY),
      onKept: () => undefined,
      onFault: ({ message }: Error) => void faults.push(message),
    }
    const made = checkpointKeeper({ ...parts, ...more })
    return {
      kept,
      made,
      write(count: number) {
        end += count
        made.stored(count)
      },
    }
  }

  test('are made after so many lines', async () => {
    const { kept, made, write } = keeper({ lines: 10, interval_ms: 60_000 })
    write(9)
    await made.now()
    expect(kept).toEqual([9])
    write(9)
    write(1)
    await vi.waitFor(() => expect(kept).toEqual([9, 19]))
  })

  test('are made after some time, where something was written', async () => {
    const { kept, made, write } = keeper({ lines: 1000, interval_ms: 20 })
    made.start()
    write(1)
    await vi.waitFor(() => expect(kept).toEqual([1]))
    write(1)
    await vi.waitFor(() => expect(kept).toEqual([1, 2]))
    await made.close()
    expect(kept).toEqual([1, 2])
  })

  test('are made at the end', async () => {
    const { kept, made, write } = keeper({ lines: 1000, interval_ms: 60_000 })
    made.start()
    write(3)
    await made.close()
    expect(kept).toEqual([3])
  })

  test('that cannot be signed are told, and tried again', async () => {
    const signer = testSigner()
    let broken = true
    const kept: unknown[] = []
    const made = checkpointKeeper({
      store: {
        unsigned: async () => [{ chain: A, sequence: 1, hash: Buffer.alloc(32) }],
        keep: async (all) => void kept.push(...all),
      },
      keys: {
        signer: async () => {
          if (broken) throw new Error('the token is away')
          return signer
        },
      },
      ...{ lines: 1, interval_ms: 60_000, onKept: () => undefined },
      onFault: ({ message }) => void faults.push(message),
    })
    await made.now()
    expect([faults, kept]).toEqual([['the token is away'], []])
    broken = false
    await made.now()
    expect(kept).toHaveLength(1)
  })
})
