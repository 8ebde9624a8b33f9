import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '#server/kernel/clock.ts'
import type { Step } from '../saml/result.ts'
import type { Attributes, Granted } from './ports.ts'

/** What a test sign-in found: what was checked, and what the rules would make of the person. */
export interface TestOutcome {
  readonly state: 'waiting' | 'passed' | 'refused'
  readonly reason: string | null
  readonly steps: readonly Step[]
  readonly subject: string | null
  readonly attributes: Attributes
  readonly granted: Granted | null
}

interface Test {
  readonly providerId: string
  readonly accountId: string
  readonly expiresAt_ms: number
  outcome: TestOutcome
}

/** Sign-ins that are only tried: they begin no session and make no account. Kept in memory, for a short time. */
export interface TestSignIns {
  /** Answers the test's name, by which the sign-in is begun and its outcome read. */
  begin(providerId: string, accountId: string): string
  find(test: string): { readonly providerId: string; readonly accountId: string } | undefined
  keep(test: string, outcome: TestOutcome): void
  read(test: string, providerId: string): TestOutcome | undefined
}

const LIFE_MS = 30 * 60_000
const TESTS_MAX = 200
const WAITING: TestOutcome = {
  ...{ state: 'waiting', reason: null, steps: [], subject: null, attributes: {}, granted: null },
}

export function testSignIns(clock: Clock = systemClock): TestSignIns {
  const tests = new Map<string, Test>()
  const live = (test: string) => {
    const found = tests.get(test)
    return found && found.expiresAt_ms > clock.now_ms() ? found : undefined
  }
  /** Those that are over, and the oldest where there are too many. */
  const makeRoom = () => {
    for (const name of [...tests.keys()]) if (!live(name) || tests.size >= TESTS_MAX) tests.delete(name)
  }
  return {
    begin(providerId, accountId) {
      makeRoom()
      const name = randomBytes(16).toString('base64url')
      tests.set(name, { providerId, accountId, expiresAt_ms: clock.now_ms() + LIFE_MS, outcome: WAITING })
      return name
    },
    find: live,
    keep(test, outcome) {
      const found = live(test)
      if (found) found.outcome = outcome
    },
    read(test, providerId) {
      const found = live(test)
      return found?.providerId === providerId ? found.outcome : undefined
    },
  }
}
