import { describe, expect, test } from 'vitest'
import { advance, agreeing, logLine, type Preview } from '#server/api/changes/progress.ts'
import type { Told } from '#server/engine/change/progress.ts'

const row = (datapathId: string, state: Preview['datapaths'][number]['state'] = 'waits') => ({
  ...{ datapathId, datapath: datapathId, server: 's1', added: 1, removed: 0, replaced: 0, lines: [], truncated: 0 },
  ...{ state, staged_ms: null, committed_ms: null, observed_ms: null, tables: [] },
})
const wave = (state: Preview['waves'][number]['state']) => ({ name: 'receive', words: '', datapaths: 2, state })
const preview = (...states: Preview['datapaths'][number]['state'][]): Preview => ({
  findings: [],
  waves: [wave('done'), wave('running'), wave('waits')],
  datapaths: states.map((state, n) => row(`d${n + 1}`, state)),
})
const event = (told: Told) => ({ ...told, change: 'c', at_ms: 0 })
const states = ({ datapaths, waves }: Preview) => [datapaths.map(({ state }) => state), waves.map(({ state }) => state)]

describe('what is shown of a change', () => {
  test('moves with each datapath, and sums its waves in tenths of milliseconds', () => {
    const steps: Told[] = [
      { type: 'datapath', datapathId: 'd1', step: 'staged', took_ms: 1.2345 },
      { type: 'datapath', datapathId: 'd1', step: 'staged', took_ms: 2.1 },
      { type: 'datapath', datapathId: 'd1', step: 'committed', took_ms: 0.5555 },
      { type: 'datapath', datapathId: 'd1', step: 'observed', took_ms: 7.77 },
    ]
    const { datapaths } = steps.reduce((now, told) => advance(now, event(told)), preview('waits', 'waits'))
    expect(datapaths).toMatchObject([
      { state: 'observed', staged_ms: 3.3, committed_ms: 0.6, observed_ms: 7.8 },
      { state: 'waits', staged_ms: null },
    ])
  })

  test('names the wave that failed', () => {
    const undoing = advance(preview(), event({ type: 'change', stand: 'undoing' }))
    expect(states(undoing)[1]).toEqual(['done', 'failed', 'waits'])
    expect(states(agreeing(undoing, 'undone'))[1]).toEqual(['undone', 'failed', 'waits'])
  })

  test.each([
    ['committed', ['observed', 'observed', 'observed'], ['done', 'done', 'done']],
    ['pending', ['observed', 'pending', 'observed'], ['done', 'done', 'done']],
    ['undone', ['undone', 'undone', 'undone'], ['undone', 'undone', 'waits']],
    ['undoing', ['committing', 'pending', 'waits'], ['done', 'running', 'waits']],
    ['draft', ['committing', 'pending', 'waits'], ['done', 'running', 'waits']],
  ] as const)('agrees with a change that is %s, wherever the engine left off', (state, datapaths, waves) => {
    expect(states(agreeing(preview('committing', 'pending', 'waits'), state))).toEqual([datapaths, waves])
  })
})

describe('the log of its task', () => {
  const nameOf = (id: string) => ({ d1: 'nic-1' })[id] ?? id

  test.each<[Told, string | undefined]>([
    [{ type: 'wave', wave: 0, name: 'receive', state: 'running' }, undefined],
    [{ type: 'wave', wave: 0, name: 'receive', state: 'done' }, 'Wave receive: done.'],
    [{ type: 'datapath', datapathId: 'd1', step: 'staging' }, undefined],
    [{ type: 'datapath', datapathId: 'd1', step: 'observed', took_ms: 12.4 }, 'nic-1: observed after 12 ms.'],
    [
      { type: 'datapath', datapathId: 'd1', step: 'failed', reason: { code: 'refused', message: 'Table full.' } },
      'nic-1: failed: Table full.',
    ],
    [{ type: 'change', stand: 'decided' }, 'Change decided.'],
  ])('%j is %s', (told, line) => {
    expect(logLine(event(told), nameOf)).toBe(line)
  })
})
