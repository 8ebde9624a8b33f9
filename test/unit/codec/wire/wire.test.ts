import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hexRest, rest, text } from '#server/codec/wire/bytes.ts'
import type { Codec } from '#server/codec/wire/codec.ts'
import { fromHex, hexFault, toHex } from '#server/codec/wire/hex.ts'
import { fromJson, toJson } from '#server/codec/wire/json.ts'
import { list } from '#server/codec/wire/list.ts'
import {
  choice,
  extent,
  flag,
  lengthOf,
  mac,
  padded,
  padding,
  u8,
  u16,
  u32,
  u64,
  x64,
} from '#server/codec/wire/primitive.ts'
import { properties, property } from '#server/codec/wire/properties.ts'
import { readerOf, reading } from '#server/codec/wire/reader.ts'
import { struct } from '#server/codec/wire/struct.ts'
import { tagged, variant } from '#server/codec/wire/tagged.ts'
import { writerOf, written } from '#server/codec/wire/writer.ts'
import { arbitraryOf } from './arbitrary.ts'

const read = <T>(codec: Codec<T>, hex: string, exact = false) =>
  reading(() => codec.read(readerOf(fromHex(hex), 0, exact)))
const write = <T>(codec: Codec<T>, value: T) => {
  const w = writerOf(1)
  codec.write(w, value)
  return toHex(written(w))
}

describe('a struct', () => {
  const all = struct({
    length: extent,
    a: u8,
    gap: padding(3),
    b: u16,
    names_length: lengthOf('names'),
    c: u32,
    d: u64,
    e: mac,
    kind: choice(u8, { one: 1, two: 2 }),
    more: flag(u8),
    names: list(u16),
    data: rest,
  })

  it('writes fields in order and lengths where they belong', () => {
    const value = {
      a: 1,
      b: 2,
      c: 3,
      d: 4n,
      e: 5n,
      kind: 'two' as const,
      more: true,
      names: [6, 7],
      data: fromHex('0809'),
    }
    const hex =
      '0024' +
      '01000000' +
      '0002' +
      '0004' +
      '00000003' +
      '0000000000000004' +
      '000000000005' +
      '02' +
      '01' +
      '00060007' +
      '0809'
    expect(write(all, value)).toBe(hex.replace('0024', (hex.length / 2).toString(16).padStart(4, '0')))
    expect(read(all, write(all, value))).toEqual({ ok: true, value })
  })

  it('any value comes back, from the wire and from JSON', () => {
    fc.assert(
      fc.property(arbitraryOf(all.shape, {}), (value) => {
        expect(read(all, write(all, value as never))).toEqual({ ok: true, value })
        expect(fromJson(all.shape, JSON.parse(JSON.stringify(toJson(all.shape, value))), '')).toEqual(value)
      }),
    )
  })

  it('does not read past its own length, nor past the bytes', () => {
    const pair = struct({ length: extent, a: u16, b: u16 })
    expect(read(pair, '000600010002')).toEqual({ ok: true, value: { a: 1, b: 2 } })
    expect(read(pair, '000500010002')).toMatchObject({ ok: false, error: { code: 'length' } })
    expect(read(pair, '000700010002')).toMatchObject({ ok: false, error: { code: 'truncated' } })
    expect(read(pair, '00080001000200ff')).toMatchObject({ ok: false, error: { code: 'trailing', offset: 6 } })
    expect(read(pair, '00060001')).toMatchObject({ ok: false, error: { code: 'truncated', offset: 0 } })
  })

  it('refuses field names that are not names', () => {
    expect(() => struct({ 'a; alert(1)': u8 })).toThrow(TypeError)
  })
})

describe('numbers', () => {
  it('of 48 and 64 bits keep every bit', () => {
    const top = 0xfedcba987654n
    expect(write(mac, top)).toBe('fedcba987654')
    expect(read(mac, 'fedcba987654')).toEqual({ ok: true, value: top })
    expect(write(x64, 0xfedcba9876543210n)).toBe('fedcba9876543210')
  })

  it('with names keep the numbers that have none', () => {
    const kind = choice(u16, { one: 1 })
    expect(read(kind, '0001')).toEqual({ ok: true, value: 'one' })
    expect(read(kind, 'ffff')).toEqual({ ok: true, value: 0xffff })
    expect(write(kind, 0xffff)).toBe('ffff')
  })
})

describe('text', () => {
  it('is UTF-8, and bytes that are not come back as they were', () => {
    const name = text(4)
    expect(read(name, '6c6f0000')).toEqual({ ok: true, value: 'lo' })
    expect(read(name, 'c3bc6100')).toEqual({ ok: true, value: 'üa' })
    for (const hex of ['ff00fe61', '80000000', '61006200', 'c3c3c3c3', 'efbbbf00']) {
      const value = read(name, hex)
      expect(value.ok && write(name, value.value)).toBe(hex)
    }
  })
})

describe('tagged elements', () => {
  const shape = tagged({
    dot: variant(1, { at: u32 }),
    line: variant(2, { to: list(u16) }),
    own: variant(0xffff, { n: u16 }, { id: 0x2320, subtype: 6 }),
  })

  it('have a type by their code', () => {
    expect(read(shape, '0001000800000007')).toEqual({ ok: true, value: { type: 'dot', at: 7 } })
    expect(read(shape, '0002000800010002')).toEqual({ ok: true, value: { type: 'line', to: [1, 2] } })
    expect(read(shape, 'ffff000c0000232000060009')).toEqual({ ok: true, value: { type: 'own', n: 9 } })
  })

  it('are kept whole when unknown or longer than known', () => {
    for (const hex of [
      '0009000800000007',
      '0001000c0000000700000000',
      'ffff000c0000232000070009',
      'ffff000800002320',
    ]) {
      expect(read(shape, hex)).toEqual({ ok: true, value: { type: 'unknown', hex } })
      expect(write(shape, { type: 'unknown', hex })).toBe(hex)
    }
  })

  it('with impossible lengths are errors', () => {
    expect(read(shape, '00010003')).toMatchObject({ ok: false, error: { code: 'length', offset: 2 } })
    expect(read(shape, '0009000900000007')).toMatchObject({ ok: false, error: { code: 'truncated' } })
    expect(read(shape, '00010006ffff')).toMatchObject({ ok: false, error: { code: 'truncated' } })
    expect(read(shape, '0001')).toMatchObject({ ok: false, error: { code: 'truncated' } })
  })
})

describe('properties', () => {
  const port = struct({ n: u8, more: properties({ speed: property(0, u32), mode: property(5, padded(u16, 2)) }) })
  const SPEED = '0000000800000064'
  const MODE = '0005000800010000'
  const OWN = 'ffff0006aabb'
  const values = (hex: string, exact = true) => {
    const r = read(port, hex, exact)
    return r.ok ? r.value : r.error
  }

  it('become optional fields', () => {
    expect(values(`01${SPEED}${MODE}`)).toEqual({ n: 1, speed: 100, mode: 1 })
    expect(values('01')).toEqual({ n: 1 })
  })

  it('unknown, repeated or out of order come back at their places', () => {
    const own = `${OWN}0000`
    for (const body of [
      own + SPEED + MODE,
      SPEED + own + MODE,
      SPEED + MODE + own,
      MODE + SPEED,
      SPEED + SPEED + own + own,
    ]) {
      const value = values(`01${body}`)
      expect(value).toHaveProperty('properties')
      expect(write(port, value as never)).toBe(`01${body}`)
    }
  })

  it('in another order are known to a reader that is not exact', () => {
    expect(values(`01${MODE}${SPEED}`, false)).toEqual({ n: 1, speed: 100, mode: 1 })
  })
})

describe('hexadecimal digits', () => {
  it('come back as bytes, and say where they are wrong', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes)
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes)
      }),
    )
    expect(hexFault('00zz')).toBe(2)
    expect(hexFault('000')).toBe(3)
    expect(hexFault('0aF9')).toBe(-1)
    expect(write(hexRest, '0aF9')).toBe('0af9')
  })
})
