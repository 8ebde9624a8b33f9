import type { FieldName } from '#server/kernel/field.ts'
import { type FieldMatch, fullMask } from '#server/kernel/match.ts'
import type { Finding } from '../../finding.ts'
import type { Entry } from '../../program/entry.ts'
import { entryNotation } from '../../program/notation.ts'
import { sameInstructions } from '../../program/same.ts'
import type { Composed } from '../compose.ts'

/** Bits of fields that entries look at. */
type Bits = ReadonlyMap<FieldName, bigint>

const maskOf = ({ field, mask }: FieldMatch): bigint => mask ?? fullMask(field)
const bitsOf = ({ match }: Entry): Bits => new Map(match.map((one) => [one.field, maskOf(one)]))

const shapeOf = ({ match }: Entry): string =>
  match.map((one) => (one.mask === undefined ? one.field : `${one.field}/${one.mask.toString(16)}`)).join()

/** The bits that both look at: entries overlap exactly when they agree in them. */
function common(a: Bits, b: Bits): Bits {
  const shared = new Map<FieldName, bigint>()
  for (const [field, mask] of a) {
    const both = mask & (b.get(field) ?? 0n)
    if (both !== 0n) shared.set(field, both)
  }
  return shared
}

/** What an entry wants to see in these bits. Matches list their fields in one order, so texts can be compared. */
function seenThrough(bits: Bits, { match }: Entry): string {
  let text = ''
  for (const { field, value } of match) {
    const mask = bits.get(field)
    if (mask !== undefined) text += `${(value & mask).toString(36)},`
  }
  return text
}

/** The first two entries of two shapes that take one packet and do different things with it. */
function overlapOf(some: readonly Entry[], others: readonly Entry[]): readonly [Entry, Entry] | undefined {
  const [one, other] = [some[0], others[0]]
  if (one === undefined || other === undefined) return undefined
  const bits = common(bitsOf(one), bitsOf(other))
  const seen = Map.groupBy(some, (entry) => seenThrough(bits, entry))
  for (const entry of others) {
    const rival = seen
      .get(seenThrough(bits, entry))
      ?.find((each) => !sameInstructions(each.instructions, entry.instructions))
    if (rival) return [rival, entry]
  }
  return undefined
}

function overlapsAmong(entries: readonly Entry[]): (readonly [Entry, Entry])[] {
  const shapes = [...Map.groupBy(entries, shapeOf).values()]
  return shapes.flatMap((some, i) =>
    shapes.slice(i + 1).flatMap((others) => {
      const found = overlapOf(some, others)
      return found ? [found] : []
    }),
  )
}

/**
 * Entries of one table and priority that take the same packet and do different things with it: which of them wins is
 * not defined. Entries of one shape cannot: so shapes are compared pair by pair, each pair by one hash join.
 */
export function checkOverlap({ datapathId, program, origins }: Composed, name: string): readonly Finding[] {
  const places = Map.groupBy(program.entries.values(), ({ table, priority }) => `${table}/${priority}`)
  return [...places.values()].flatMap((entries) =>
    overlapsAmong(entries).map(([a, b]): Finding => {
      const subject = origins.get(b.key)?.because[0]
      return {
        ...{ severity: 'error', rule: 'check.overlap', datapathId, ...(subject === undefined ? {} : { subject }) },
        message: `On ${name} two entries of one priority take the same packets: ${entryNotation(a)} and ${entryNotation(b)}.`,
        mend: 'This is a fault of the capabilities that wrote them; nothing was changed.',
      }
    }),
  )
}
