import { describe, expect, test } from 'vitest'
import { keepRunning, type Running } from '#server/supervisor/service.ts'

/** Something to be kept running whose end the test decides on. */
function thing() {
  const runs: { end: (reason: string) => void; stopped: boolean }[] = []
  const failing = new Set<number>()
  const start = async (): Promise<Running> => {
    if (failing.has(runs.length)) {
      failing.delete(runs.length)
      throw new Error('no port')
    }
    const { promise, resolve } = Promise.withResolvers<string>()
    const run = { end: resolve, stopped: false }
    runs.push(run)
    const stop = async () => {
      run.stopped = true
      resolve('ended by SIGTERM')
    }
    return { pid: runs.length, ended: promise, stop }
  }
  return { runs, start, failing }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const until = async (look: () => boolean) => {
  while (!look()) await turn()
}

describe('what is kept running', () => {
  test('comes back alone, and says why', async () => {
    const { runs, start } = thing()
    const said: string[] = []
    const service = await keepRunning({ name: 'web', start, log: (line) => said.push(line), delays_ms: [0] })
    runs[0]?.end('ended with 1')
    await until(() => runs.length === 2)
    await until(() => service.running() !== undefined)
    expect(service.starts()).toBe(2)
    expect(said).toEqual(['web ended with 1; it is started again'])
    await service.stop()
    expect(runs[1]?.stopped).toBe(true)
  })

  test('waits longer each time it ends soon', async () => {
    const { runs, start } = thing()
    const service = await keepRunning({ name: 'web', start, log: () => undefined, delays_ms: [0, 60, 10_000] })
    const times_ms: number[] = []
    for (const turns of [1, 2]) {
      const since_ms = performance.now()
      runs.at(-1)?.end('ended with 1')
      await until(() => runs.length === turns + 1)
      times_ms.push(performance.now() - since_ms)
    }
    expect(times_ms[0]).toBeLessThan(50)
    expect(times_ms[1]).toBeGreaterThan(50)
    await service.stop()
  })

  test('is tried again when a later start fails, but a first one that fails is told', async () => {
    const { runs, start, failing } = thing()
    failing.add(0)
    await expect(keepRunning({ name: 'web', start, log: () => undefined })).rejects.toThrow('no port')
    const said: string[] = []
    const service = await keepRunning({ name: 'web', start, log: (line) => said.push(line), delays_ms: [0] })
    failing.add(1)
    runs[0]?.end('ended with 1')
    await until(() => runs.length === 2)
    expect(said).toContain('web: no port')
    await service.stop()
  })

  test('does not come back once it is stopped, even while it waits to', async () => {
    const { runs, start } = thing()
    const service = await keepRunning({ name: 'web', start, log: () => undefined, delays_ms: [60_000] })
    runs[0]?.end('ended with 1')
    await until(() => service.running() === undefined)
    await service.stop()
    expect(runs).toHaveLength(1)
  })
})
