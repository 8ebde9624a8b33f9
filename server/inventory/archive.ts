import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { systemTimer } from '#server/engine/change/deadline.ts'
import { inTurns } from '#server/engine/change/turns.ts'
import { readDifference, readProgram } from '#server/engine/program/deserialise.ts'
import type { Difference, Program } from '#server/engine/program/program.ts'
import { writingDifference, writingProgram } from '#server/engine/program/serialise.ts'
import type { Result } from '#server/kernel/result.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** Level 1: a journal is written while switches wait, and its texts repeat themselves enough for any level. */
const pack = (pieces: readonly Uint8Array[]): Promise<Buffer> =>
  compress(Buffer.concat(pieces), { params: { [constants.ZSTD_c_compressionLevel]: 1 } })

/** Large values are written in turns with all else that the process does. */
const packInTurns = async (work: Generator<void, readonly Uint8Array[]>): Promise<Buffer> =>
  pack(await inTurns(work, systemTimer))

const LINE_END = Buffer.from('\n')

const unpack = async (bytes: Uint8Array): Promise<string> => (await decompress(bytes)).toString('latin1')

/** What was written by ourselves is read back or the store is broken: there is no sensible way on. */
function sound<T>(read: Result<T, string>, what: string): T {
  if (!read.ok) throw new Error(`The stored ${what} cannot be read: ${read.error}`)
  return read.value
}

/** A program as one compressed value. */
export const packProgram = (program: Program): Promise<Buffer> => packInTurns(writingProgram(program))

export const unpackProgram = async (bytes: Uint8Array): Promise<Program> =>
  sound(readProgram(await unpack(bytes)), 'program')

/** A difference as one compressed value. */
export const packDifference = (difference: Difference): Promise<Buffer> => packInTurns(writingDifference(difference))

export const unpackDifference = async (bytes: Uint8Array): Promise<Difference> =>
  sound(readDifference(await unpack(bytes)), 'difference')

/** The waves of one datapath as one compressed value, a line each. */
export const packWaves = (waves: readonly Difference[]): Promise<Buffer> => packInTurns(writingWaves(waves))

function* writingWaves(waves: readonly Difference[]): Generator<void, Uint8Array[]> {
  const lines: Uint8Array[][] = []
  for (const wave of waves) lines.push(yield* writingDifference(wave))
  return lines.flatMap((line, n) => (n === 0 ? line : [LINE_END, ...line]))
}

export async function unpackWaves(bytes: Uint8Array): Promise<Difference[]> {
  const text = await unpack(bytes)
  return text === '' ? [] : text.split('\n').map((line) => sound(readDifference(line), 'difference'))
}
