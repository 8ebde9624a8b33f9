import type { Demand } from '../capability.ts'
import type { Finding } from '../finding.ts'
import type { Grant } from './journal.ts'

/** What was granted for a set of demands. */
export interface Granting {
  /** Every demand's number, by key. */
  readonly numbers: ReadonlyMap<string, number>
  /** Those that were not granted before. */
  readonly taken: readonly Grant[]
  /** Keys of grants that nothing demands any longer. */
  readonly released: readonly string[]
  readonly findings: readonly Finding[]
}

/** Numbers in use, by pool. */
function usedByPool(granted: readonly Grant[]): Map<string, Set<number>> {
  const used = new Map<string, Set<number>>()
  for (const { pool, number } of granted) {
    const numbers = used.get(pool)
    if (numbers) numbers.add(number)
    else used.set(pool, new Set([number]))
  }
  return used
}

function lowestFree({ first, last }: Demand, used: ReadonlySet<number>, from: number): number | undefined {
  for (let number = Math.max(first, from); number <= last; number++) if (!used.has(number)) return number
  return undefined
}

const exhausted = ({ key, pool, first, last }: Demand): Finding => ({
  severity: 'error',
  rule: 'grants.exhausted',
  message: `All ${last - first + 1} numbers of ${pool} are in use; ${key} gets none.`,
  mend: 'Remove what holds one of them, or place the ports on another datapath.',
  limit: `${last - first + 1}`,
})

/**
 * Grants each demand a number of its pool: the one that it holds already, else the lowest free one. `granted` are all
 * numbers in use, by whomever; `mine` are the keys of those that this intent may give back.
 * A number that the same change releases is not granted again by it, so that old and new never share one.
 */
export function grant(demands: readonly Demand[], granted: readonly Grant[], mine: Iterable<string>): Granting {
  const held = new Map(granted.map(({ key, number }) => [key, number]))
  const used = usedByPool(granted)
  const from = new Map<string, number>()
  const numbers = new Map<string, number>()
  const taken: Grant[] = []
  const findings: Finding[] = []
  for (const demand of demands) {
    if (numbers.has(demand.key)) continue
    const { key, pool } = demand
    let number = held.get(key)
    if (number === undefined) {
      const inUse = used.get(pool) ?? new Set<number>()
      number = lowestFree(demand, inUse, from.get(pool) ?? demand.first)
      if (number === undefined) {
        findings.push(exhausted(demand))
        continue
      }
      used.set(pool, inUse.add(number))
      from.set(pool, number + 1)
      taken.push({ key, pool, number })
    }
    numbers.set(key, number)
  }
  return { numbers, taken, released: [...mine].filter((key) => held.has(key) && !numbers.has(key)), findings }
}
