import { hashingProgram } from '../program/hash.ts'
import { type Difference, EMPTY_DIFFERENCE, EMPTY_PROGRAM, type Program } from '../program/program.ts'
import { type Before, programAfter } from './commitment.ts'
import { drifted, emptied, Stop } from './failure.ts'
import type { JournalPart, JournalRecord } from './journal.ts'
import { readProgram } from './observe.ts'
import { connected, type RunPorts } from './run.ts'
import { inTurns } from './turns.ts'
import { firstDrift, isEmptied, withImages } from './waves.ts'

/** One wave of a change over all datapaths. */
export interface RunWave {
  readonly name: string
  /** What it does, by datapath; datapaths that it leaves alone may be left out. */
  readonly parts: ReadonlyMap<string, Difference>
  /** Milliseconds to wait before the next wave, so that packets under way meet one program only. */
  readonly settle_ms?: number
}

/** A change that is compiled, checked and confirmed. */
export interface ChangeRun
  extends Pick<JournalRecord, 'change' | 'revision' | 'compilerVersion' | 'granted' | 'released'> {
  readonly waves: readonly RunWave[]
  /** Committed programs of the datapaths that it touches: what the waves start from. */
  readonly before: Before
  /** Go on although datapaths are away: their parts stay pending. */
  readonly forced: boolean
  /** Milliseconds from now in which it must be true. */
  readonly within_ms: number
}

/** A datapath as the change finds it. */
export interface Found {
  readonly datapathId: string
  /** It is away, and the change is forced. */
  readonly pending: boolean
  readonly held: Program
}

/** What each wave does on one datapath. */
export const wavesOf = (input: ChangeRun, datapathId: string): Difference[] =>
  input.waves.map((wave) => wave.parts.get(datapathId) ?? EMPTY_DIFFERENCE)

const wantedOn = (input: ChangeRun, datapathId: string): Program =>
  input.before.get(datapathId)?.program ?? EMPTY_PROGRAM

async function findOne(datapathId: string, pending: boolean, input: ChangeRun, ports: RunPorts): Promise<Found> {
  const wanted = wantedOn(input, datapathId)
  const held = pending ? wanted : await readProgram(ports, datapathId, wanted)
  if (isEmptied(held, wanted)) throw new Stop(emptied(datapathId))
  const drift = firstDrift(held, wanted, wavesOf(input, datapathId))
  if (drift) throw new Stop(drifted(datapathId, drift, ports.notation))
  return { datapathId, pending, held }
}

/**
 * Reads every datapath that a change touches, in the order of their ids, and compares. Throws `Stop` for one that is away
 * (unless the change is forced) or differs from what is wanted of it where the change touches it.
 */
export function findAll(input: ChangeRun, ports: RunPorts): Promise<Found[]> {
  const ids = [...new Set(input.waves.flatMap((wave) => [...wave.parts.keys()]))].sort()
  const away = ids.filter((id) => !ports.datapaths.driver(id)?.connected)
  if (!input.forced) for (const id of away) connected(ports, id)
  return Promise.all(ids.map((id) => findOne(id, away.includes(id), input, ports)))
}

async function partOf({ datapathId, pending, held }: Found, input: ChangeRun, ports: RunPorts): Promise<JournalPart> {
  const part = { datapathId, pending, waves: withImages(held, wavesOf(input, datapathId)) }
  const hash = async (program: Program) => (await inTurns(hashingProgram(program), ports.timer)).all
  return {
    ...part,
    hashBefore: input.before.get(datapathId)?.hash ?? (await hash(EMPTY_PROGRAM)),
    hashAfter: await hash(programAfter(part, input.before)),
  }
}

/** What the journal keeps of a change. */
export async function recordOf(input: ChangeRun, found: readonly Found[], ports: RunPorts): Promise<JournalRecord> {
  const prepared_ms = ports.timer.now_ms()
  return {
    change: input.change,
    revision: input.revision,
    compilerVersion: input.compilerVersion,
    prepared_ms,
    deadline_ms: prepared_ms + input.within_ms,
    waves: input.waves.map((wave) => wave.name),
    parts: await Promise.all(found.map((one) => partOf(one, input, ports))),
    granted: input.granted,
    released: input.released,
  }
}
