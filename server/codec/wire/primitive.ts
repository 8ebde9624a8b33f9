import type { Codec, Hidden, Inline, Shape } from './codec.ts'
import { type Reader, take } from './reader.ts'
import { reserve, type Writer } from './writer.ts'

function uint(bits: 8 | 16 | 32): Codec<number> {
  const size = bits / 8
  const get = `getUint${bits}` as const
  const set = `setUint${bits}` as const
  return {
    shape: { kind: 'uint', bits },
    read: (r) => r.view[get](take(r, size)),
    write: (w, value) => {
      const at = reserve(w, size)
      w.view[set](at, value)
    },
    inline: { size, read: (at) => `view.${get}(${at})`, write: (at, v) => `view.${set}(${at}, ${v})` },
  }
}

export const u8 = uint(8)
export const u16 = uint(16)
export const u32 = uint(32)

function big(style: 'decimal' | 'hex'): Codec<bigint> {
  return {
    shape: { kind: 'bigint', bits: 64, style },
    read: (r) => r.view.getBigUint64(take(r, 8)),
    write: (w, value) => {
      const at = reserve(w, 8)
      w.view.setBigUint64(at, value)
    },
    inline: { size: 8, read: (at) => `view.getBigUint64(${at})`, write: (at, v) => `view.setBigUint64(${at}, ${v})` },
  }
}

/** A 64-bit count, written in decimal for people. */
export const u64 = big('decimal')
/** A 64-bit pattern (mask, datapath id), written in hexadecimal for people. */
export const x64 = big('hex')

const readMac = (view: DataView, at: number): bigint =>
  BigInt(view.getUint16(at) * 0x1_0000_0000 + view.getUint32(at + 2))
function writeMac(view: DataView, at: number, mac: bigint): void {
  const n = Number(mac)
  view.setUint16(at, Math.floor(n / 0x1_0000_0000))
  view.setUint32(at + 2, n >>> 0)
}

interface MacCodec extends Codec<bigint> {
  get(view: DataView, at: number): bigint
  put(view: DataView, at: number, mac: bigint): void
}

/** A 48-bit Ethernet address. */
export const mac: MacCodec = {
  shape: { kind: 'mac' },
  get: readMac,
  put: writeMac,
  read: (r) => readMac(r.view, take(r, 6)),
  write: (w, value) => {
    const at = reserve(w, 6)
    writeMac(w.view, at, value)
  },
  inline: {
    size: 6,
    read: (at, self) => `${self}.get(view, ${at})`,
    write: (at, v, self) => `${self}.put(view, ${at}, ${v})`,
  },
}

const zeros = (size: number, at: string): string => {
  const out: string[] = []
  let i = 0
  for (; i + 4 <= size; i += 4) out.push(`view.setUint32(${at} + ${i}, 0)`)
  for (; i < size; i++) out.push(`view.setUint8(${at} + ${i}, 0)`)
  return out.join('; ')
}

const skipped = (size: number): Pick<Codec<undefined>, 'read' | 'write'> => ({
  read: (r: Reader) => {
    take(r, size)
    return undefined
  },
  write: (w: Writer) => {
    const at = reserve(w, size)
    w.bytes.fill(0, at, at + size)
  },
})

/** Bytes of no meaning: written as zeros, ignored when read. */
export const padding = (size: number): Hidden => ({
  shape: { kind: 'nothing' },
  role: 'padding',
  ...skipped(size),
  inline: { size, read: () => '', write: (at) => zeros(size, at) },
})

const length16 = (role: 'extent' | 'length_of', of?: string): Hidden => ({
  shape: { kind: 'nothing' },
  role,
  ...(of === undefined ? {} : { of }),
  ...skipped(2),
  inline: { size: 2, read: (at) => `view.getUint16(${at})`, write: (at) => `view.setUint16(${at}, 0)` },
})

/** The length in bytes of the whole struct around it. */
export const extent: Hidden = length16('extent')
/** The length in bytes of a later field of the same struct. */
export const lengthOf = (field: string): Hidden => length16('length_of', field)

/** A field that this version has as padding only: always `value`. */
export const absent = (size: number, value: number): Codec<number> => ({
  shape: { kind: 'literal', value },
  read: (r) => {
    take(r, size)
    return value
  },
  write: (w) => skipped(size).write(w, undefined),
  inline: { size, read: () => `${value}`, write: (at) => zeros(size, at) },
})

interface Mapped<T> extends Codec<T> {
  from(raw: number): T
  to(value: T): number
}

function mapped<T>(base: Codec<number>, shape: Shape, from: (raw: number) => T, to: (value: T) => number): Mapped<T> {
  const inline = base.inline as Inline
  return {
    shape,
    from,
    to,
    read: (r) => from(base.read(r)),
    write: (w, value) => base.write(w, to(value)),
    inline: {
      size: inline.size,
      read: (at, self) => `${self}.from(${inline.read(at, self)})`,
      write: (at, v, self) => inline.write(at, `${self}.to(${v})`, self),
    },
  }
}

/** A number with names; one without a name stays a number. */
export function choice<const N extends Readonly<Record<string, number>>>(
  base: Codec<number>,
  names: N,
): Codec<(keyof N & string) | number> {
  type Name = (keyof N & string) | number
  const byCode = new Map<number, Name>(Object.entries(names).map(([name, code]) => [code, name as Name]))
  const byName = new Map<Name, number>(Object.entries(names).map(([name, code]) => [name as Name, code]))
  const shape: Shape = { kind: 'choice', bits: (base.inline as Inline).size * 8, names }
  return mapped<Name>(
    base,
    shape,
    (raw) => byCode.get(raw) ?? raw,
    (value) => byName.get(value) ?? (value as number),
  )
}

/** A flag that is bit 0 of a number whose other bits are reserved. */
export const flag = (base: Codec<number>): Codec<boolean> =>
  mapped(base, { kind: 'boolean' }, (raw) => (raw & 1) === 1, Number)

/** A codec followed by `size` bytes of padding. */
export const padded = <T>(codec: Codec<T>, size: number): Codec<T> => ({
  shape: codec.shape,
  read: (r) => {
    const value = codec.read(r)
    take(r, size)
    return value
  },
  write: (w, value) => {
    codec.write(w, value)
    const at = reserve(w, size)
    w.bytes.fill(0, at, at + size)
  },
})
