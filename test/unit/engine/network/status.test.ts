import { describe, expect, it } from 'vitest'
import type { Observation } from '#server/engine/capability.ts'
import { network } from '#server/engine/network/index.ts'
import { intentOf, site } from './site.ts'

const infrastructure = site()
const intent = intentOf({ blue: 2, green: 3, red: 1 }, [
  { at: 'h11', in: 'red' },
  { at: 'h21', in: 'red' },
  { at: 'h22', in: 'blue' },
  { at: 'h12', in: 'blue', attachmentId: 'h99', id: 'lost' },
])

const see = (over: Record<string, 'held' | 'away' | 'drifted' | 'moving'>) => {
  const all = { nic1: 'held', nic2: 'held', srv1: 'held', srv2: 'held', ...over } as const
  const observed: Observation = { datapaths: new Map(Object.entries(all)) }
  const states = network.status(intent, { infrastructure }, observed)
  return Object.fromEntries(states.map(({ subject, state, words }) => [subject, `${state}: ${words}`]))
}

describe('where networks and ports stand', () => {
  it('held, when every datapath concerned holds what is wanted', () => {
    expect(see({})).toEqual({
      'network/blue': 'held: Held by srv2, nic2',
      'network/green': 'held: Needs nothing yet',
      'network/red': 'held: Held by srv1, nic1, srv2, nic2',
      'port/lost': 'failed: Its datapath does not report a port for its attachment',
      'port/blue-h22': 'held: Held by srv2, nic2',
      'port/red-h11': 'held: Held by srv1, nic1, srv2, nic2',
      'port/red-h21': 'held: Held by srv1, nic1, srv2, nic2',
    })
  })

  it('pending or drifted, by the worst of them; others are not concerned', () => {
    const away = see({ nic1: 'away', srv1: 'moving' })
    expect(away['network/red']).toBe('pending: Waits for nic1, which is away')
    expect(away['network/blue']).toBe('held: Held by srv2, nic2')
    expect(see({ nic1: 'away', srv2: 'drifted' })['port/red-h11']).toBe('drifted: Changed by hand on srv2')
    expect(see({ nic2: 'moving' })['port/blue-h22']).toBe('pending: Under way on nic2')
  })
})
