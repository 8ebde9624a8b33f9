import { describe, expect, it } from 'vitest'
import type { Switch } from './crash/ground.ts'
import { until } from './openvswitch.ts'
import { adds, forwards, hashes, replaces, SOCKET, to, twoSwitches, wave, waveDone } from './two-switches.ts'

const two = twoSwitches({ holding: 10 })
const { additions, run, end, programsHeld, wantedHashes, expectUntouched, connected } = two

/** Freezes the switch's process at once: it neither answers nor closes anything. */
const freeze = ({ peer }: Switch) => process.kill(peer.pids()[0] as number, 'SIGSTOP')
const thaw = ({ peer }: Switch) => process.kill(peer.pids()[0] as number, 'SIGCONT')

describe('a switch that is lost', () => {
  it('between two waves has the change undone: at once on the other, there when it is back', async () => {
    const before = await programsHeld()
    const draft = await two.ground.draft({ granted: 1 })
    let gone: Promise<unknown> | undefined
    two.meanwhile = (event) => {
      if (waveDone(1)(event)) gone = two.second.admit()
    }
    const result = await run(draft, additions(50))
    await gone
    expect(result).toMatchObject({ outcome: 'open', to: 'back', reason: { code: 'away', datapathId: two.second.id } })
    expect(hashes([await two.first.held()])).toEqual(hashes(before).slice(0, 1))
    expect(hashes([await two.second.held()])).not.toEqual(hashes(before).slice(1))
    const ended = end(result)
    await until('the recovery to say what it waits for', () =>
      two.engine.recovery.recovering[0]?.missing.has(two.second.id),
    )
    await two.second.admit(SOCKET)
    expect(await ended).toMatchObject({ outcome: 'undone', reason: { code: 'away', datapathId: two.second.id } })
    await expectUntouched(before, draft)
  })

  it('by a restart that empties it holds everything again, but for the change', async () => {
    const before = await programsHeld()
    const draft = await two.ground.draft({})
    let again: Promise<unknown> | undefined
    two.meanwhile = (event) => {
      if (waveDone(1)(event)) again = two.second.peer.restart()
    }
    const result = await run(draft, [
      wave('replace', [two.second, replaces(forwards(10, to(3)), forwards(10, to(4)))]),
      ...additions(50),
    ])
    await again
    if (result.outcome === 'open') await end(result)
    expect(result).toMatchObject({ reason: { datapathId: two.second.id } })
    two.engine.reconciler.start()
    await until('the switch to be filled again', async () => hashes([await two.second.held()])[0] === hashes(before)[1])
    await expectUntouched(before, draft)
  })
})

describe('a switch that is emptied by a restart', () => {
  it('between two waves has the change undone, though it takes the rest of it, and is filled again', async () => {
    const before = await programsHeld()
    const draft = await two.ground.draft({})
    two.meanwhile = (event) => {
      if (event.type === 'wave' && event.wave === 0 && event.state === 'done') void two.second.peer.restart()
    }
    const waves = [
      { ...wave('first', [two.first, adds([forwards(90, to(1))])]), settle_ms: 2500 },
      wave('second', [two.second, replaces(forwards(10, to(3)), forwards(10, to(4)))]),
    ]
    const result = await run(draft, waves)
    expect(result).toMatchObject({ outcome: 'undone', reason: { code: 'emptied', datapathId: two.second.id } })
    await expectUntouched(before, draft)
  })

  it('has a change refused until it is filled again', async () => {
    const draft = await two.ground.draft({})
    await two.second.peer.restart()
    await connected(two.second)
    const result = await run(draft, additions(80))
    expect(result).toMatchObject({ outcome: 'refused', reason: { code: 'emptied', datapathId: two.second.id } })
    await two.ground.discard(draft.change)
    two.engine.reconciler.start()
    await until('the switch to be filled again', async () => {
      return hashes([await two.second.held()])[0] === (await wantedHashes())[1]
    })
  })
})

describe('a switch that stalls', () => {
  it('while it is staged has the change undone at its deadline, untouched', async () => {
    const before = await programsHeld()
    const draft = await two.ground.draft({})
    two.meanwhile = (event) => {
      if (event.type === 'change' && event.stand === 'staging') freeze(two.second)
    }
    const began_ms = performance.now()
    const result = await run(draft, additions(60)).finally(() => thaw(two.second))
    expect(result).toMatchObject({ outcome: 'undone', reason: { code: 'stalled', datapathId: two.second.id } })
    expect(performance.now() - began_ms).toBeLessThan(5000)
    await expectUntouched(before, draft)
  })

  it('while it commits has the change undone, there as soon as it answers again', async () => {
    const before = await programsHeld()
    const draft = await two.ground.draft({ granted: 1 })
    two.meanwhile = (event) => {
      if (waveDone(1)(event)) freeze(two.second)
    }
    const result = await run(draft, additions(60)).catch((error: unknown) => {
      thaw(two.second)
      throw error
    })
    expect(result).toMatchObject({
      outcome: 'open',
      to: 'back',
      reason: { code: 'unknown', datapathId: two.second.id },
    })
    expect(hashes([await two.first.held()])).toEqual(hashes(before).slice(0, 1))
    const ended = end(result)
    thaw(two.second)
    expect(await ended).toMatchObject({ outcome: 'undone' })
    await expectUntouched(before, draft)
  })
})

describe('a switch that is away', () => {
  it('has the change refused before anything is written', async () => {
    await two.second.admit()
    await connected(two.second, false)
    const draft = await two.ground.draft({})
    const result = await run(draft, additions(70))
    expect(result).toMatchObject({ outcome: 'refused', reason: { code: 'away', datapathId: two.second.id } })
    expect(await two.ground.books(draft.change)).toMatchObject({ state: 'draft', unfinished: 0, audit: [] })
    await two.ground.discard(draft.change)
  })

  it('leaves a forced change pending, and is brought its part when it connects', async () => {
    two.engine.reconciler.start()
    await two.second.admit()
    await connected(two.second, false)
    const draft = await two.ground.draft({})
    const result = await run(draft, additions(70), true)
    expect(result).toMatchObject({ outcome: 'committed', pending: [two.second.id] })
    expect((await two.ground.books(draft.change)).state).toBe('pending')
    expect((await two.first.held()).entries.has(forwards(70, to(1)).key)).toBe(true)
    expect((await two.second.held()).entries.has(forwards(70, to(3)).key)).toBe(false)
    await two.second.admit(SOCKET)
    await until('the change to be committed', async () => (await two.ground.books(draft.change)).state === 'committed')
    expect(hashes(await programsHeld())).toEqual(await wantedHashes())
  })
})
