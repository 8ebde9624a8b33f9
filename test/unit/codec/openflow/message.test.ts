import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageFromJson, messageToJson } from '#server/codec/openflow/json.ts'
import { decode, encode, encodeInto, MAX_MESSAGE_BYTES, type Message, typesOf } from '#server/codec/openflow/message.ts'
import { VERSIONS } from '#server/codec/openflow/version.ts'
import { fromHex, toHex } from '#server/codec/wire/hex.ts'
import { writerOf } from '#server/codec/wire/writer.ts'
import { arbitraryMessage } from './arbitrary.ts'

const value = (bytes: Uint8Array, exact = false): Message => {
  const decoded = decode(bytes, { exact })
  if (!decoded.ok) throw new Error(`${decoded.error.code} at ${decoded.error.offset}: ${decoded.error.message}`)
  return decoded.value
}

for (const version of VERSIONS) {
  describe(`version ${version}`, () => {
    for (const type of [...typesOf(version), 'unknown']) {
      const message = arbitraryMessage(version, type).map((m) => (m.type === 'unknown' ? { ...m, code: 99 } : m))

      it(`${type}: what is written reads back as the same value`, () => {
        fc.assert(
          fc.property(message, (m) => {
            expect(value(encode(m))).toEqual(m)
          }),
          { numRuns: 60 },
        )
      })

      it(`${type}: JSON reads back as the same value`, () => {
        fc.assert(
          fc.property(message, (m) => {
            expect(messageFromJson(JSON.parse(JSON.stringify(messageToJson(m))))).toEqual({ ok: true, value: m })
          }),
          { numRuns: 30 },
        )
      })
    }

    it('a message cut short anywhere is an error, never an exception', () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...typesOf(version)).chain((type) => arbitraryMessage(version, type)),
          (m) => {
            const bytes = encode(m)
            for (let size = 0; size < bytes.length; size++) expect(decode(bytes.subarray(0, size)).ok).toBe(false)
          },
        ),
        { numRuns: 100 },
      )
    })
  })
}

const header = (version: number, type: number, length: number) =>
  new Uint8Array([version, type, length >> 8, length & 0xff, 0, 0, 0, 1])

describe('bytes from anybody', () => {
  it('random bodies never throw, and what decodes encodes and decodes to the same', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...VERSIONS),
        fc.integer({ min: 0, max: 36 }),
        fc.uint8Array({ maxLength: 200 }),
        fc.boolean(),
        (version, type, body, exact) => {
          const bytes = new Uint8Array([...header(version, type, 8 + body.length), ...body])
          const decoded = decode(bytes, { exact })
          if (!decoded.ok) {
            expect(decoded.error.offset).toBeLessThanOrEqual(bytes.length)
            return
          }
          expect(value(encode(decoded.value), exact)).toEqual(decoded.value)
        },
      ),
      { numRuns: 5000 },
    )
  })

  it('an unknown version is refused, but for hello, error and echo', () => {
    expect(decode(header(9, 5, 8))).toMatchObject({ ok: false, error: { code: 'version', offset: 0 } })
    expect(value(header(9, 0, 8))).toEqual({ version: 9, xid: 1, type: 'hello', elements: [] })
    expect(value(header(1, 2, 8))).toMatchObject({ type: 'echo_request' })
  })

  it('a header that says another length than there is', () => {
    expect(decode(header(6, 5, 9))).toMatchObject({ ok: false, error: { code: 'truncated' } })
    expect(decode(header(6, 5, 7))).toMatchObject({ ok: false, error: { code: 'length' } })
    expect(decode(new Uint8Array([...header(6, 5, 8), 0]))).toMatchObject({
      ok: false,
      error: { code: 'length', offset: 2 },
    })
  })

  it('bytes after what is known are kept', () => {
    const bytes = new Uint8Array([...header(6, 20, 11), 1, 2, 3])
    expect(value(bytes)).toEqual({ version: 6, xid: 1, type: 'barrier_request', trailing: '010203' })
    expect(encode(value(bytes))).toEqual(bytes)
  })

  it('messages inside messages end at two', () => {
    const wrap = (inside: Message): Message => ({ version: 6, xid: 1, type: 'requestforward', message: inside })
    const barrier: Message = { version: 6, xid: 1, type: 'barrier_request' }
    expect(decode(encode(wrap(wrap(barrier)))).ok).toBe(true)
    expect(decode(encode(wrap(wrap(wrap(barrier)))))).toMatchObject({ ok: false, error: { code: 'depth' } })
  })
})

describe('actions and fields without a name', () => {
  const flowMod = (match: string, actions: string) => {
    const body = `${'00'.repeat(16)}0100${'0000'.repeat(2)}0064${'ffffffff'.repeat(3)}00000000`
    const padded = match.padEnd(Math.ceil(match.length / 16) * 16, '0')
    const size = 4 + match.length / 2
    const oxm = `0001${size.toString(16).padStart(4, '0')}${match}`.padEnd(
      Math.ceil((8 + padded.length) / 16) * 16,
      '0',
    )
    const fixed = oxm.slice(0, Math.ceil(size / 8) * 16)
    const apply = `0004${(8 + actions.length / 2).toString(16).padStart(4, '0')}00000000${actions}`
    const whole = body + fixed + apply
    return fromHex(`060e${(8 + whole.length / 2).toString(16).padStart(4, '0')}00000001${whole}`)
  }
  const METADATA = '800004080000000000000005'
  const IN_PORT = '8000000400000001'
  const CT_STATE = '0001d3080000002200000022'
  const RESUBMIT = 'ffff001000002320000efff803000000'

  it('an unknown field keeps its place, an unknown action its bytes', () => {
    const bytes = flowMod(CT_STATE + METADATA + IN_PORT, RESUBMIT)
    const exact = value(bytes, true)
    expect(exact).toMatchObject({
      match: [
        { field: 'metadata', value: 5n },
        { field: 'in_port', value: 1n },
      ],
      unknown_oxm: [{ at: 0, hex: CT_STATE }],
      instructions: [{ type: 'apply_actions', actions: [{ type: 'unknown', hex: RESUBMIT }] }],
    })
    expect(toHex(encode(exact))).toBe(toHex(bytes))
  })

  it('without exactness the match is canonical: sorted, full masks gone, hidden bits cleared', () => {
    const masked = '80000510' + '00000000000000ff' + '000000000000000f'
    expect(value(flowMod(masked + IN_PORT, RESUBMIT))).toMatchObject({
      match: [
        { field: 'in_port', value: 1n },
        { field: 'metadata', value: 15n, mask: 15n },
      ],
    })
  })

  it('a value with more bits than its field has is not passed off as that field', () => {
    const vlanWithFourteenBits = '80000c022001'
    const m = value(flowMod(vlanWithFourteenBits, RESUBMIT))
    expect(m).toMatchObject({ match: [], unknown_oxm: [{ at: 0, hex: vlanWithFourteenBits }] })
    expect(toHex(encode(m))).toBe(toHex(flowMod(vlanWithFourteenBits, RESUBMIT)))
  })

  it('an action that is longer than its kind is kept whole', () => {
    const longPop = '001200100000000000000000deadbeef'
    expect(value(flowMod(IN_PORT, longPop))).toMatchObject({
      instructions: [{ type: 'apply_actions', actions: [{ type: 'unknown', hex: longPop }] }],
    })
  })
})

describe('the writer', () => {
  it('refuses a message that its length field cannot hold', () => {
    const data = new Uint8Array(MAX_MESSAGE_BYTES)
    expect(() => encode({ version: 6, xid: 1, type: 'echo_request', data })).toThrow(RangeError)
    const largest = encode({ version: 6, xid: 1, type: 'echo_request', data: data.subarray(8) })
    expect(value(largest)).toMatchObject({ type: 'echo_request' })
  })

  it('puts many messages behind one another', () => {
    const w = writerOf(4)
    const barrier: Message = { version: 6, xid: 7, type: 'barrier_request' }
    for (let i = 0; i < 5; i++) encodeInto(w, barrier)
    expect(toHex(w.bytes.subarray(0, w.at))).toBe('0614000800000007'.repeat(5))
  })

  it('leaves no bytes of an earlier message in padding', () => {
    encode({ version: 6, xid: 1, type: 'echo_request', data: new Uint8Array(200).fill(255) })
    const desc = { type: 'desc', manufacturer: 'a', hardware: '', software: '', serial: '', datapath: '' } as const
    const bytes = encode({ version: 6, xid: 0, type: 'multipart_reply', more: false, body: desc })
    expect(bytes.filter((byte) => byte !== 0).length).toBe(5)
  })
})

describe('hostile JSON', () => {
  const refused = (json: unknown) => {
    const read = messageFromJson(json)
    expect(read.ok).toBe(false)
    return read.ok ? '' : read.error.message
  }

  it('names the path of what is wrong', () => {
    const echo = { version: 6, xid: 1, type: 'echo_request', data: '00' }
    expect(messageFromJson(echo).ok).toBe(true)
    expect(refused({ ...echo, xid: -1 })).toContain('/xid')
    expect(refused({ ...echo, xid: 1.5 })).toContain('/xid')
    expect(refused({ ...echo, xid: '1' })).toContain('/xid')
    expect(refused({ ...echo, data: '0' })).toContain('/data')
    expect(refused({ ...echo, data: 'zz' })).toContain('/data')
    expect(refused({ ...echo, more: 1 })).toContain('/more')
    expect(refused({ version: 6, xid: 1, type: 'echo_request' })).toContain('/data: is missing')
    expect(refused({ ...echo, type: 'constructor' })).toContain('not a known message')
    expect(refused({ ...echo, type: 'bundle_control', version: 3 })).toContain('not a known message')
    expect(refused(JSON.parse('{"version":6,"xid":1,"type":"echo_request","data":"","__proto__":{}}'))).toContain(
      '__proto__',
    )
  })

  it('refuses values that do not fit their field', () => {
    const out = (field: unknown) => ({
      version: 6,
      xid: 1,
      type: 'packet_out',
      buffer_id: 0,
      match: [field],
      actions: [],
      data: '',
    })
    expect(messageFromJson(out({ field: 'vlan_pcp', value: '0x7' })).ok).toBe(true)
    expect(refused(out({ field: 'vlan_pcp', value: '0x8' }))).toContain('/match/0')
    expect(refused(out({ field: 'vlan_pcp', value: '0x1', mask: '0xff' }))).toContain('/match/0')
    expect(refused(out({ field: 'toString', value: '0x1' }))).toContain('/field')
    const set = (value: string) => ({
      ...out({ field: 'in_port', value: '1' }),
      actions: [{ type: 'set_field', field: 'ip_dscp', value }],
    })
    expect(messageFromJson(set('0x3f')).ok).toBe(true)
    expect(refused(set('0x40'))).toContain('/actions/0')
  })

  it('refuses elements whose length is not theirs', () => {
    const out = (hex: string) => ({
      version: 6,
      xid: 1,
      type: 'packet_out',
      buffer_id: 0,
      match: [],
      actions: [{ type: 'unknown', hex }],
      data: '',
    })
    expect(messageFromJson(out('ffff000800000000')).ok).toBe(true)
    expect(refused(out('ffff001000000000'))).toContain('/hex')
    expect(refused(out('ffff0004'))).toContain('/hex')
    expect(refused(out(''))).toContain('/hex')
  })

  it('ends at a depth', () => {
    let json: unknown = { version: 6, xid: 1, type: 'barrier_request' }
    for (let i = 0; i < 5000; i++) json = { version: 6, xid: 1, type: 'requestforward', message: json }
    expect(refused(json)).toContain('too deep')
  })

  it('any JSON at all gives an answer', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...typesOf(6)), (junk, type) => {
        const mixed = typeof junk === 'object' && junk !== null ? { version: 6, xid: 1, type, ...junk } : junk
        expect(messageFromJson(mixed)).toHaveProperty('ok')
      }),
      { numRuns: 2000 },
    )
  })
})
