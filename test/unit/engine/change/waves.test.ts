import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstUnmet, forwardSteps, together, undoSteps, withImages } from '#server/engine/change/waves.ts'
import { apply } from '#server/engine/program/difference.ts'
import type { Entry } from '#server/engine/program/entry.ts'
import type { Change, Difference, Program } from '#server/engine/program/program.ts'
import { outputs, program } from './world.ts'

/** What a wave does at some of five places: puts an entry there, or takes it away. */
const wave = fc
  .dictionary(fc.constantFrom('1', '2', '3', '4', '5'), fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }))
  .map((places): Difference => {
    const entries = Object.entries(places).map(([place, port]): Change<Entry> => {
      const one = outputs(Number(place), port ?? 1)
      return port === undefined ? { before: one } : { after: one }
    })
    return { entries, groups: [], neighbours: [] }
  })
const start = fc.subarray([1, 2, 3, 4, 5]).map((places) => program(places.map((place) => outputs(place, 9))))
const through = (from: Program, steps: readonly Difference[]) => steps.reduce(apply, from)
const entriesOf = ({ entries }: Program) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1))

describe('the steps of a change', () => {
  it('lead from wherever it was interrupted to where its waves end, or back to where it began', () => {
    fc.assert(
      fc.property(start, fc.array(wave, { maxLength: 4 }), fc.nat(4), (from, waves, done) => {
        const images = withImages(from, waves)
        const end = through(from, images)
        const interrupted = through(from, images.slice(0, done))
        const forward = forwardSteps(images)
        const back = undoSteps(images)
        expect(entriesOf(through(interrupted, forward))).toEqual(entriesOf(end))
        expect(entriesOf(through(interrupted, back))).toEqual(entriesOf(from))
        expect(firstUnmet(end, together(forward))).toBeUndefined()
        expect(firstUnmet(from, together(back))).toBeUndefined()
      }),
    )
  })

  it('name what comes in one wave and goes in another, though it was there neither before nor after', () => {
    const guest = outputs(1, 1)
    const waves = withImages(program([]), [
      { entries: [{ after: guest }], groups: [], neighbours: [] },
      { entries: [{ before: guest }], groups: [], neighbours: [] },
    ])
    expect(together(forwardSteps(waves)).entries).toEqual([{ before: guest }])
    expect(together(undoSteps(waves)).entries).toEqual([{ before: guest }])
    expect(firstUnmet(program([guest]), together(forwardSteps(waves)))).toMatchObject({ key: guest.key })
  })
})
