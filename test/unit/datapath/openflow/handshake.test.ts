import { type Duplex, duplexPair } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { framer } from '#server/codec/openflow/framer.ts'
import { helloOf } from '#server/codec/openflow/hello.ts'
import { decode, type Message } from '#server/codec/openflow/message.ts'
import { type Greeting, greet } from '#server/datapath/openflow/handshake.ts'
import type { Result } from '#server/kernel/result.ts'
import { type FakeSwitchOptions, fakeSwitch } from './fake-switch.ts'

const meet = (socket: Duplex, deadline_ms = 1000) =>
  new Promise<Result<Greeting, string>>((resolve) => greet(socket, 'peer', deadline_ms, resolve))
const meetSwitch = (options: FakeSwitchOptions = {}) => meet(fakeSwitch(options).socket)

/** Two ends of a stream; nobody says anything at the far one. */
function silentPair() {
  const [near, far] = duplexPair()
  far.resume()
  far.on('error', () => undefined)
  return { near, far }
}

const refusal = (outcome: Result<Greeting, string>): string => {
  if (outcome.ok) throw new Error('was greeted')
  return outcome.error
}

describe('a handshake', () => {
  it.each([4, 5, 6] as const)('agrees on version %i, whatever the pieces that the bytes come in', async (version) => {
    for (const chunk of [1, 3, 7, 1000]) {
      const outcome = await meetSwitch({ version, chunk, datapathId: 0x1234n })
      expect(outcome).toMatchObject({ ok: true, value: { version, datapathId: '0000000000001234' } })
    }
  })

  it('takes the highest version that both speak', async () => {
    const far = fakeSwitch({ speaks: [4, 5, 6] })
    expect(await meet(far.socket)).toMatchObject({ ok: true, value: { version: 6 } })
    expect(far.heard[0]).toMatchObject({ type: 'hello', version: 6, ...helloOf([4, 5, 6]) })
  })

  it('says why to a peer that speaks no common version', async () => {
    const { near, far } = silentPair()
    const said: Message[] = []
    const frames = framer()
    far.on('data', (bytes) => {
      const cut = frames.push(bytes)
      for (const frame of cut.ok ? cut.value : []) {
        const message = decode(frame)
        if (message.ok) said.push(message.value)
      }
    })
    const outcome = meet(near)
    far.write(Uint8Array.of(1, 0, 0, 8, 0, 0, 0, 7))
    expect(refusal(await outcome)).toBe('no common version: 1.3 to 1.5 are spoken here')
    expect(said.at(-1)).toMatchObject({ type: 'error', xid: 7, error_type: 'hello_failed', code: 'incompatible' })
  })

  it.each([
    ['that is silent', [], 'no handshake within 30 ms'],
    ['that says something else first', [6, 10, 0, 8, 0, 0, 0, 1], 'sent what is not OpenFlow'],
    ['that sends a length below a header', [6, 0, 0, 4, 0, 0, 0, 1], 'sent what is not OpenFlow'],
    ['that sends text', [...new TextEncoder().encode('GET / HTTP/1.1\r\n')], 'sent what is not OpenFlow'],
    ['that says hello and stays silent', [6, 0, 0, 8, 0, 0, 0, 1], 'no handshake within 30 ms'],
    ['that goes away', undefined, 'closed by the peer'],
  ])('closes a peer %s', async (_who, bytes, reason) => {
    const { near, far } = silentPair()
    const outcome = meet(near, 30)
    if (bytes) far.write(Uint8Array.from(bytes))
    else far.destroy()
    expect(refusal(await outcome)).toContain(reason)
    expect(near.destroyed).toBe(true)
  })

  it('refuses an auxiliary connection', async () => {
    const features = { type: 'features_reply', datapath_id: 1n, n_buffers: 0, n_tables: 1, auxiliary_id: 3 } as const
    const outcome = await meetSwitch({
      script: (m) => (m.type === 'features_request' ? [{ ...features, capabilities: 0, reserved: 0 }] : undefined),
    })
    expect(refusal(outcome)).toBe('auxiliary connections are not served')
  })

  it('ends once, in time, for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), async (chunks) => {
        const { near, far } = silentPair()
        let times = 0
        await new Promise<void>((resolve) => {
          greet(near, 'peer', 5, () => {
            times++
            setImmediate(resolve)
          })
          for (const chunk of chunks) far.write(chunk)
        })
        expect(times).toBe(1)
        expect(near.destroyed).toBe(true)
      }),
      { numRuns: 50 },
    )
  })
})
