import { expect, test, vi } from 'vitest'
import type { GatheredTries } from '#server/identity/notices/ports.ts'
import { gatherTries } from '#server/identity/notices/tries.ts'

const ANNA = '0190a0a0-0000-7000-8000-00000000000a'
const MINUTE_MS = 60_000

function ground(write?: (tries: readonly GatheredTries[]) => Promise<void>) {
  vi.useFakeTimers({ now: 1_000_000 })
  const written: GatheredTries[][] = []
  const faults: string[] = []
  const gathered = gatherTries({
    clock: { now_ms: () => Date.now() },
    write: write ?? (async (tries) => void written.push([...tries])),
    onFault: (error) => void faults.push(error.message),
  })
  return { gathered, written, faults }
}

test('a storm of tries is one row, and one statement a second', async () => {
  const { gathered, written } = ground()
  for (let round = 0; round < 5000; round++) gathered.failed({ name: 'anna' }, 'password', `192.0.2.${round % 200}`)
  await vi.advanceTimersByTimeAsync(1000)
  expect(written).toMatchObject([[{ whose: { name: 'anna' }, kind: 'sign-in.failed', times: 5000 }]])
  expect(written[0]?.[0]?.addresses).toHaveLength(8)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(written).toHaveLength(1)
})

test('of more names than a thousand at once the rest is left out', async () => {
  const { gathered, written } = ground()
  for (let round = 0; round < 3000; round++) gathered.failed({ name: `n${round}` }, 'password', '192.0.2.1')
  await gathered.flush()
  expect(written[0]).toHaveLength(1000)
})

test('names count in whatever letters they are typed', async () => {
  const { gathered, written } = ground()
  gathered.failed({ name: 'ANNA' }, 'password', '192.0.2.1')
  gathered.failed({ name: 'anna' }, 'code', '192.0.2.2')
  await gathered.flush()
  expect(written[0]).toMatchObject([{ times: 2, methods: ['password', 'code'], addresses: ['192.0.2.1', '192.0.2.2'] }])
})

test('a password without its code is told after five minutes, unless the code comes from there', async () => {
  const { gathered, written } = ground()
  gathered.half(ANNA, 'password', '192.0.2.1')
  gathered.half(ANNA, 'password', '198.51.100.9')
  gathered.proved(ANNA, '192.0.2.1')
  await vi.advanceTimersByTimeAsync(4 * MINUTE_MS)
  expect(written).toEqual([])
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
  expect(written).toMatchObject([[{ kind: 'sign-in.half', whose: { id: ANNA }, addresses: ['198.51.100.9'] }]])
})

test('when its person signs in, what is half done elsewhere is told at once', async () => {
  const { gathered, written } = ground()
  gathered.half(ANNA, 'password', '198.51.100.9')
  await gathered.flush('another')
  expect(written).toEqual([])
  await gathered.flush(ANNA)
  expect(written).toMatchObject([[{ kind: 'sign-in.half', addresses: ['198.51.100.9'] }]])
})

test('a store that fails stops nobody, and the next tries are written', async () => {
  let broken = true
  const written: number[] = []
  const { gathered, faults } = ground(async (tries) => {
    if (broken) throw new Error('away')
    written.push(tries.length)
  })
  gathered.failed({ name: 'anna' }, 'password', '192.0.2.1')
  await gathered.flush()
  broken = false
  gathered.failed({ name: 'anna' }, 'password', '192.0.2.1')
  await gathered.close()
  expect([faults, written]).toEqual([['away'], [1]])
})
