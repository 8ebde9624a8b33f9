import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect, type NetConnectOpts } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '#server/config.ts'
import type { PingStream } from '#server/lab/host.ts'
import { commit, until } from './api.ts'
import { addressOf, type RunningLab, startLab } from './running-lab.ts'

const INSTANCE = 'e2eh'
const MEBIBYTE = 1 << 20
/** What a garbage collector may leave lying about. */
const SLACK_BYTES = 64 * MEBIBYTE

let running: RunningLab
let stream: PingStream
let places: Readonly<Record<'openflow' | 'ovsdb' | 'socket', NetConnectOpts>>
let connectedSince: readonly (string | null)[]

beforeAll(async () => {
  running = await startLab(INSTANCE)
  const { openflow, ovsdb } = readConfig({ instance: INSTANCE }, {})
  places = { openflow, ovsdb, socket: { path: `${running.lab.runDir}/s1/nic.sock` } }
  const { id } = await running.draft('red')
  const red = await running.network(await running.tenant('red'), 'red-net', '10.0.0.0/24', id)
  const [near, far] = [(await running.plug(red, 'h1', id)).item, (await running.plug(red, 'h4', id)).item]
  await commit(running.api, id)
  await running.dress('h1', near)
  await running.dress('h4', far)
  connectedSince = (await running.datapaths()).map((one) => one.connectedSince)
  stream = await running.lab.host('h1').stream(addressOf(far), { interval_ms: 10 })
})

afterAll(() => running?.stop())

interface Ended {
  readonly after_ms: number
  readonly heard: number
}

/** Connects, says that, and waits to be closed. Throws when it is not, in time. */
function say(to: NetConnectOpts, chunks: Iterable<Uint8Array>, pace_ms = 0, within_ms = 9000): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const begun_ms = performance.now()
    const socket = connect(to)
    let heard = 0
    const patience = setTimeout(() => {
      socket.destroy()
      reject(new Error(`still open after ${within_ms} ms`))
    }, within_ms)
    const rest = chunks[Symbol.iterator]()
    const next = () => {
      const chunk = rest.next()
      if (chunk.done || socket.destroyed) return
      socket.write(chunk.value, () => setTimeout(next, pace_ms))
    }
    socket.on('connect', next)
    socket.on('data', (bytes) => {
      heard += bytes.length
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(patience)
      resolve({ after_ms: performance.now() - begun_ms, heard })
    })
  })
}

const memory = async (): Promise<number> => {
  const text = await (await fetch(`${running.weft.address}/metrics`)).text()
  return Number(/^weft_process_resident_memory_bytes (\d+)/m.exec(text)?.[1])
}

interface LogLine {
  readonly msg: string
  readonly peer?: string
  readonly reason?: string
}

/** What the engine has logged of refused peers. */
async function refusals(protocol: string): Promise<LogLine[]> {
  const text = await readFile(`.weft/${INSTANCE}/log/engine.log`, 'utf8')
  const lines = text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []))
  return lines.filter(({ msg }) => msg === `An ${protocol} peer was refused.`)
}

const HELLO = Buffer.from('0600000800000001', 'hex')
/** An answer to the question for features that claims to be that datapath. */
function features(datapathId: string): Buffer {
  const reply = Buffer.alloc(32)
  reply.set([6, 6, 0, 32, 0, 0, 0, 2])
  reply.set(Buffer.from(datapathId, 'hex'), 8)
  reply[20] = 254
  return reply
}

const megabytes = (text: string, count: number) => Array.from({ length: count }, () => Buffer.alloc(MEBIBYTE, text))

/** Begins as TLS does, and goes on as nothing does. */
const asTls = () => [Buffer.from('16030102000100', 'hex'), randomBytes(60_000)]

const ATTACKS = {
  openflow: {
    'what begins as TLS': asTls,
    'random bytes': () => [randomBytes(40_000)],
    'a header that lies about its length': () => [Buffer.from('0600000300000001', 'hex')],
    'a message before hello': () => [Buffer.from('060d001000000001ffffffff00000000', 'hex')],
    'hello and then random bytes': () => [HELLO, randomBytes(60_000)],
    'megabytes after hello': () => [HELLO, ...megabytes('\x06', 8)],
    'a datapath that nobody knows': () => [HELLO, features('00000000deadbeef')],
  },
  ovsdb: {
    'what begins as TLS': asTls,
    'random bytes': () => [randomBytes(40_000)],
    'brackets without end': () => megabytes('[', 4),
    'a string without end': () => [Buffer.from('{"id":"'), ...megabytes('a', 8)],
    'what is no JSON': () => [Buffer.from('GET / HTTP/1.1\r\nHost: weft\r\n\r\n')],
    'an answer to nothing': () => [Buffer.from('{"id":99,"result":[],"error":null}{"id":98}')],
    'another database': () => [Buffer.from('{"id":0,"error":"unknown database","result":null}')],
  },
} as const

const attacks = Object.entries(ATTACKS).flatMap(([place, kinds]) =>
  Object.entries(kinds).map(([name, make]) => [name, place as 'openflow' | 'ovsdb', make] as const),
)

describe('a stranger at the addresses for switches', () => {
  test.each(attacks)('who sends %s to %s is closed', async (_, place, make) => {
    const { after_ms } = await say(places[place], make())
    expect(after_ms).toBeLessThan(7000)
  })

  test('is refused with a reason in the log', async () => {
    const [openflow, ovsdb] = [await refusals('OpenFlow'), await refusals('OVSDB')]
    for (const line of [...openflow, ...ovsdb])
      expect(line).toMatchObject({ peer: expect.stringMatching(/\w/), reason: expect.stringMatching(/\w+ \w+/) })
    expect(openflow.map(({ reason }) => reason)).toContain('datapath 00000000deadbeef is not known here')
    expect(ovsdb.length).toBeGreaterThanOrEqual(4)
  })

  test('who claims to be a switch that is connected does not take its place', async () => {
    const { datapathId } = await running.datapath('nic-1')
    for (const place of [places.openflow, places.socket])
      expect((await say(place, [HELLO, features(datapathId)])).after_ms).toBeLessThan(7000)
    expect((await running.datapaths()).map((one) => one.connectedSince)).toEqual(connectedSince)
  })

  test('who says one byte now and then is closed, with all of his kind', async () => {
    /** The beginning of something that could be meant well, a byte at a time. */
    const drip = function* (text: string) {
      for (const byte of Buffer.from(text, 'latin1')) yield Buffer.from([byte])
    }
    const hello = `\x06\x00\x10\x00\x00\x00\x00\x01${'\x00'.repeat(100)}`
    const saying = { openflow: hello, socket: hello, ovsdb: `{"id":"${'a'.repeat(100)}` }
    const crowd = Object.entries(saying).flatMap(([place, text]) =>
      Array.from({ length: 40 }, () => say(places[place as keyof typeof places], drip(text), 200)),
    )
    const times = (await Promise.all(crowd)).map(({ after_ms }) => after_ms)
    expect(Math.min(...times)).toBeGreaterThan(4000)
    expect(Math.max(...times)).toBeLessThan(8000)
  })

  test('costs no memory, whatever he sends and however often', async () => {
    // What is only refused when its time is up costs a test nothing but time.
    const quick = attacks.filter(([name]) => name !== 'another database')
    const round = () =>
      Promise.all(
        quick.flatMap(([, place, make]) =>
          Array.from({ length: 8 }, () => say(places[place], make()).catch((error: Error) => error)),
        ),
      )
    await round()
    const before = await memory()
    for (let rounds = 0; rounds < 5; rounds++) expect((await round()).filter((one) => one instanceof Error)).toEqual([])
    await until('memory to be as before', async () => (await memory()) < before + SLACK_BYTES)
  })
})

describe('meanwhile', () => {
  test('no switch was lost, no packet either, and the console answers', async () => {
    const { sent, missing } = await stream.stop()
    expect(sent).toBeGreaterThan(1000)
    expect(missing).toEqual([])
    const now = await running.datapaths()
    expect(now.map((one) => one.connectedSince)).toEqual(connectedSince)
    expect(now.map(({ state }) => state)).toEqual(['held', 'held', 'held', 'held'])
  })
})
