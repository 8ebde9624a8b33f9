import { diff, tally } from '#server/engine/program/difference.ts'
import { entry } from '#server/engine/program/entry.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { type Difference, EMPTY_PROGRAM, type Program } from '#server/engine/program/program.ts'
import { writeDifference } from '#server/engine/program/serialise.ts'
import { createNursery, type Ending } from './child.ts'
import type { ChangeOrder } from './engine.ts'
import type { Books, Draft, Ground, Switch } from './ground.ts'
import { type KillPoint, nameOf } from './kill.ts'
import { type Random, randomOf, wander, way } from './random.ts'

const WAVES = 3
const EDITS = 10

const sides = ['before', 'after', 'amid'] as const
const journalPoints = (call: string, count: number): KillPoint[] =>
  Array.from({ length: count }, (_, i) => sides.map((side) => ({ call: `journal.${call}`, nth: i + 1, side }))).flat()
const driverPoints = (call: string, count: number): KillPoint[] =>
  Array.from({ length: count }, (_, i) => sides.map((side) => ({ call: `driver.${call}`, nth: i + 1, side }))).flat()

/** A moment to be killed at, and whether the change is one that a switch refuses, so that it is being undone then. */
interface Scene {
  readonly point: KillPoint
  readonly refused: boolean
}

/** Every step that a change takes in the journal, once before and once after it is written. */
const JOURNAL: readonly Scene[] = [
  ...[...journalPoints('prepare', 1), ...journalPoints('decide', 1), ...journalPoints('wave', WAVES)].map(going),
  ...journalPoints('finish', 1).map(going),
  ...[...journalPoints('abort', 1), ...journalPoints('finish', 1)].map(returning),
]
const DRIVER: readonly Scene[] = [
  ...[...driverPoints('read', 4), ...driverPoints('stage', 2 * WAVES), ...driverPoints('commit', 2 * WAVES)].map(going),
  ...[...driverPoints('converge', 3), ...driverPoints('read', 6)].map(returning),
]
function going(point: KillPoint): Scene {
  return { point, refused: false }
}
function returning(point: KillPoint): Scene {
  return { point, refused: true }
}

const written = ({ point }: Scene): boolean => point.side !== 'amid'

/** The moment that a seed is killed at: first those around the journal's steps, then all others, then any. */
function sceneOf(seed: number, random: Random): Scene {
  const others = [...JOURNAL.filter((scene) => !written(scene)), ...DRIVER]
  const mixed = randomOf(7)
  const shuffled = others.map((scene) => ({ scene, at: mixed.below(2 ** 30) })).sort((a, b) => a.at - b.at)
  const all = [...JOURNAL.filter(written), ...shuffled.map(({ scene }) => scene)]
  const { point, refused } = all[seed - 1] ?? random.pick(all)
  return { refused, point: { ...point, delay_ms: random.below(6) } }
}

/** The first seeds are killed just before and just after each of these, one by one. */
export const journalSteps = (): string[] => JOURNAL.filter(written).map(({ point }) => nameOf(point))

const RECOVERY: readonly KillPoint[] = [
  ...[...journalPoints('unfinished', 1), ...journalPoints('abort', 1), ...journalPoints('finish', 1)],
  ...[...driverPoints('read', 4), ...driverPoints('converge', 4)],
]

/** What one seed came to. */
export interface Tale {
  readonly seed: number
  /** Moments at which engines were really killed, in order. */
  readonly killed: readonly string[]
  readonly end: 'there' | 'absent'
  /** Everything that is not as it must be; empty is good. */
  readonly faults: readonly string[]
}

/** The same two switches and database through any number of changes, each with an engine that is killed. */
export interface Stage {
  play(seed: number): Promise<Tale>
  close(): void
}

interface Programs {
  readonly before: readonly Program[]
  readonly after: readonly Program[]
  readonly waves: ChangeOrder['waves']
}

/** An entry that no switch takes, since its group does not exist: known at the commit, not earlier. */
const REFUSED = entry({
  table: 3,
  priority: 1,
  match: [],
  instructions: [{ type: 'apply_actions', actions: [{ type: 'group', group: 99 }] }],
})

function spoilt(difference: Difference): Difference {
  return { ...difference, entries: [...difference.entries, { after: REFUSED }] }
}

/** Random programs for both switches, reached in waves that may touch one place again and again. */
function programsOf(before: readonly Program[], ids: readonly string[], refused: boolean, random: Random): Programs {
  let now = before
  const bad = refused ? { wave: random.below(WAVES), side: random.below(2) } : undefined
  const waves = Array.from({ length: WAVES }, (_, wave) => {
    const next = now.map((program) => wander(program, random.below(EDITS), random))
    const parts = ids.map((id, side) => {
      const difference = way(now[side] as Program, next[side] as Program, random.chance(0.5))
      const spoil = bad?.wave === wave && bad.side === side
      return [id, textOf(spoil ? spoilt(difference) : difference)] as const
    })
    now = next
    return { name: `wave-${wave}`, parts }
  })
  return { before, after: now, waves }
}

const textOf = (difference: Difference): string => Buffer.concat(writeDifference(difference)).toString('ascii')

const hashOf = (program: Program): string => hashProgram(program).all

/** Compares what the switches hold, cookies too, with one of two ends. */
async function standOf(switches: readonly Switch[], { before, after }: Programs): Promise<[Tale['end'], string[]]> {
  const held = await Promise.all(switches.map((one) => one.held()))
  const isAt = (programs: readonly Program[]) =>
    held.map((program, i) => hashOf(program) === hashOf(programs[i] as Program))
  const end = isAt(after).every(Boolean) ? 'there' : 'absent'
  const wanted = end === 'there' ? after : before
  const faults = isAt(wanted).flatMap((right, i) => (right ? [] : [`${switches[i]?.name} is in between`]))
  for (const [i, program] of held.entries()) {
    const { provenance } = tally(diff(wanted[i] as Program, program))
    if (provenance > 0) faults.push(`${switches[i]?.name}: ${provenance} cookies are wrong`)
  }
  return [end, faults]
}

/** What is committed so far, as the test itself keeps it. */
interface Account {
  programs: readonly Program[]
  networks: readonly string[]
  grants: readonly string[]
}

const sorted = (texts: Iterable<string>): string => [...texts].sort().join(' ')

function bookFaults(books: Books, account: Account, end: Tale['end'], switches: readonly Switch[]): string[] {
  const faults: string[] = []
  const want = (what: string, is: unknown, wanted: unknown) => {
    if (is !== wanted) faults.push(`${what}: ${is} instead of ${wanted}`)
  }
  const states = end === 'there' ? ['committed'] : ['undone', 'discarded']
  if (!states.includes(books.state)) faults.push(`the change is ${books.state} and ${end} on the switches`)
  want('networks', sorted(books.networks), sorted(account.networks))
  want('numbers', sorted(books.grants), sorted(account.grants))
  want('claims', books.claims, 0)
  want('unfinished records', books.unfinished, 0)
  want('audit', books.audit.join(), books.state === 'discarded' ? '' : `change.${books.state}`)
  for (const [i, one] of switches.entries()) {
    const program = account.programs[i] as Program
    const hash = books.hashes.get(one.id) ?? hashOf(EMPTY_PROGRAM)
    want(`hash of ${one.name}`, hash, hashOf(program))
  }
  return faults
}

function accountAfter(account: Account, draft: Draft, programs: Programs): Account {
  const { makes, removes, granted, released } = draft
  return {
    programs: programs.after,
    networks: [...account.networks.filter((id) => id !== removes), ...(makes ? [makes] : [])],
    grants: [...account.grants.filter((key) => !released.includes(key)), ...granted.map(({ key }) => key)],
  }
}

/** Sets the stage: the switches are empty, and nothing is committed. */
export function createStage(ground: Ground): Stage {
  const { database, switches } = ground
  const nursery = createNursery()
  const urls = { app: database.url('weft_app'), engine: database.url('weft_engine') }
  let account: Account = { programs: [EMPTY_PROGRAM, EMPTY_PROGRAM], networks: [], grants: [] }
  let engines = 0

  const live = (kill: KillPoint | undefined, commit?: ChangeOrder): Promise<Ending> => {
    const socket = `e${++engines}.sock`
    const addresses = switches.map(({ id, name, datapathId, peer }) => {
      return { id, name, datapathId, socket: `${peer.dir}/${socket}` }
    })
    const admit = async () => {
      await Promise.all(switches.map((one) => one.admit(socket)))
    }
    return nursery.run({ urls, addresses, ...(commit && { commit }), ...(kill && { kill }) }, admit)
  }

  const draftOf = (random: Random): Promise<Draft> =>
    ground.draft({
      granted: random.below(3),
      ...(account.networks.length > 0 && random.chance(0.5) && { removes: random.pick(account.networks) }),
      released: account.grants.filter(() => random.chance(0.2)),
    })

  return {
    async play(seed) {
      const random = randomOf(seed)
      const { point, refused } = sceneOf(seed, random)
      const draft = await draftOf(random)
      const programs = programsOf(
        account.programs,
        switches.map(({ id }) => id),
        refused,
        random,
      )
      const { change, granted, released } = draft
      const killed: string[] = []
      const life = async (kill: KillPoint | undefined, commit?: ChangeOrder) => {
        if ((await live(kill, commit)).killed && kill) killed.push(nameOf(kill))
      }
      await life(point, { change, granted, released, waves: programs.waves })
      if (random.chance(0.5)) await life({ ...random.pick(RECOVERY), delay_ms: random.below(6) })
      await life(undefined)
      const [end, faults] = await standOf(switches, programs)
      if ((await ground.books(change)).state === 'draft') await ground.discard(change)
      if (end === 'there') account = accountAfter(account, draft, programs)
      faults.push(...bookFaults(await ground.books(change), account, end, switches))
      return { seed, killed, end, faults }
    },
    close: nursery.close,
  }
}
