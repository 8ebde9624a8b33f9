import { describe, expect, it } from 'vitest'
import { createLocks } from '#server/engine/change/locks.ts'

/** Notes in which order requests are granted. */
function watching() {
  const locks = createLocks()
  const granted: string[] = []
  const releases = new Map<string, () => void>()
  const ask = (name: string, keys: readonly string[], signal?: AbortSignal) =>
    locks.acquire(keys, signal).then((release) => {
      granted.push(name)
      releases.set(name, release)
    })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return { locks, granted, ask, settle, release: (name: string) => releases.get(name)?.() }
}

describe('locks', () => {
  it('are given in the order of asking, all keys of a request together', async () => {
    const { granted, ask, settle, release } = watching()
    void ask('first', ['a'])
    void ask('second', ['b', 'a'])
    void ask('third', ['b'])
    void ask('fourth', ['c'])
    await settle()
    expect(granted).toEqual(['first', 'fourth'])
    release('first')
    await settle()
    expect(granted).toEqual(['first', 'fourth', 'second'])
    release('second')
    await settle()
    expect(granted).toEqual(['first', 'fourth', 'second', 'third'])
  })

  it('do not deadlock whichever way round the keys are named', async () => {
    const { granted, ask, settle, release } = watching()
    void ask('ab', ['a', 'b'])
    void ask('ba', ['b', 'a'])
    await settle()
    release('ab')
    await settle()
    expect(granted).toEqual(['ab', 'ba'])
  })

  it('let go of a request that is given up, and of those that waited behind it', async () => {
    const { granted, ask, settle } = watching()
    const impatient = new AbortController()
    void ask('first', ['a'])
    const second = ask('second', ['a', 'b'], impatient.signal)
    void ask('third', ['b'])
    await settle()
    expect(granted).toEqual(['first'])
    impatient.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
    await settle()
    expect(granted).toEqual(['first', 'third'])
  })

  it('are given back once, however often that is said', async () => {
    const { locks } = watching()
    const release = await locks.acquire(['a'])
    release()
    const again = locks.tryAcquire(['a'])
    release()
    expect(locks.tryAcquire(['a'])).toBeUndefined()
    again?.()
    expect(locks.tryAcquire(['a'])).toBeDefined()
  })
})
