import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { LabHost } from '#server/lab/index.ts'
import { attend, type Resident } from '#server/lab/residents.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Hosts that note what happens to them; `fails` makes one of these fail once. */
function ground() {
  const log: string[] = []
  let wanted: readonly Resident[] = []
  let failing: string | undefined
  const note = async (line: string) => {
    if (failing !== undefined && line.startsWith(failing)) {
      failing = undefined
      throw new Error('busy')
    }
    log.push(line)
  }
  const host = (name: string) =>
    ({
      dress: (address: string, length: number) => note(`${name} + ${address}/${length}`),
      undress: () => note(`${name} -`),
      stream: async (peer: string) => {
        await note(`${name} > ${peer}`)
        return { stop: () => note(`${name} silent`) }
      },
    }) as unknown as LabHost
  const attending = attend({ host }, async () => wanted)
  return {
    log,
    attending,
    fails: (line: string) => {
      failing = line
    },
    live: async (...now: readonly Resident[]) => {
      wanted = now
      log.length = 0
      await vi.advanceTimersByTimeAsync(2001)
      return [...log]
    },
  }
}

const anna: Resident = { host: 'a', addresses: ['10.0.0.1/24'], peer: '10.0.0.2' }

test('people move in with their addresses, move when these do, and move out', async () => {
  const { live, attending } = ground()
  expect(await live(anna)).toEqual(['a + 10.0.0.1/24', 'a > 10.0.0.2'])
  expect(await live(anna)).toEqual([])
  expect(await live({ host: 'a', addresses: ['fd00::1/64'] })).toEqual(['a silent', 'a -', 'a + fd00::1/64'])
  expect(await live()).toEqual(['a -'])
  await attending.stop()
})

test('what fails is tried again', async () => {
  const { live, attending, fails } = ground()
  fails('a >')
  expect(await live(anna)).toEqual(['a + 10.0.0.1/24'])
  expect(await live(anna)).toEqual(['a + 10.0.0.1/24', 'a > 10.0.0.2'])
  fails('a -')
  expect(await live()).toEqual(['a silent'])
  expect(await live()).toEqual(['a silent', 'a -'])
  await attending.stop()
})

test('after the stop nobody talks, and nobody looks', async () => {
  const { live, attending, log } = ground()
  await live(anna)
  await attending.stop()
  expect(log.at(-1)).toBe('a silent')
  expect(await live()).toEqual([])
})
