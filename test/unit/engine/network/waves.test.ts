import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PlannedWave, plan } from '#server/engine/change/plan.ts'
import type { NetworkIntent, Port } from '#server/engine/network/model.ts'
import { apply } from '#server/engine/program/difference.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { EMPTY_PROGRAM, type Program } from '#server/engine/program/program.ts'
import { BROADCAST, build, intentOf, ipv4, macOf, type PortDraft, programsOf, sender, site } from './site.ts'

const infrastructure = site()

type Programs = ReadonlyMap<string, Program>

function stepped(now: Programs, { parts }: PlannedWave, only: (id: string) => boolean): Programs {
  const next = new Map(now)
  for (const [id, d] of parts) if (only(id)) next.set(id, apply(now.get(id) ?? EMPTY_PROGRAM, d))
  return next
}

/** Every state that datapaths can be in while a change runs: between waves, and with each set of them ahead inside one. */
function* states(start: Programs, waves: readonly PlannedWave[]): Generator<Programs> {
  let now = start
  yield now
  for (const wave of waves) {
    const ids = [...wave.parts.keys()]
    for (let set = 1; set < 1 << ids.length; set++)
      yield stepped(now, wave, (id) => ((set >> ids.indexOf(id)) & 1) === 1)
    now = stepped(now, wave, () => true)
  }
}

function change(before: NetworkIntent, after: NetworkIntent) {
  const old = build(before, infrastructure)
  const next = build(after, infrastructure, old.granted)
  const input = { before: old.datapaths, after: next.datapaths, tableLimit: new Map(), cookieOf: () => 1n }
  const committed = programsOf(old.datapaths)
  return { start: committed, ...plan({ committed, ...input }), wanted: programsOf(next.datapaths) }
}

const placeName = ({ attachmentId, vlan }: Port): string => (vlan === null ? attachmentId : `${attachmentId}/${vlan}`)
const networksAt = (intents: readonly NetworkIntent[], place: string): Set<string> =>
  new Set(intents.flatMap(({ ports }) => ports.filter((one) => placeName(one) === place).map((one) => one.networkId)))

const HOSTS = ['h11', 'h12', 'h13', 'h15', 'h21', 'h22', 'h25']

/** Each host in one of two networks or in none, tagged or not. */
const anIntent = fc
  .tuple(
    ...HOSTS.map((at) =>
      fc.record({ at: fc.constant(at), in: fc.constantFrom('', 'red', 'blue'), vlan: fc.constantFrom(null, 7) }),
    ),
  )
  .map((drafts) => {
    const ports: PortDraft[] = drafts.filter((one) => one.in !== '')
    return intentOf({ red: 10, blue: 20 }, ports)
  })

describe('while a change runs, whichever datapath is ahead', () => {
  it('what stays is delivered all the time, and nothing comes out in a network that it is not of', () => {
    fc.assert(
      fc.property(anIntent, anIntent, (before, after) => {
        const { start, waves, wanted } = change(before, after)
        const stay = before.ports.filter((one) =>
          after.ports.some((other) => other.id === one.id && other.vlan === one.vlan),
        )
        let last = start
        for (const programs of states(start, waves)) {
          const send = sender(programs, infrastructure)
          for (const from of stay) {
            for (const to of stay.filter((one) => one.networkId === from.networkId && one !== from))
              expect(send(from.attachmentId, ipv4(from.attachmentId, to.attachmentId), from.vlan).to).toContain(
                placeName(to),
              )
            const peers = stay.filter((one) => one.networkId === from.networkId && one !== from).map(placeName)
            expect(send(from.attachmentId, ipv4(from.attachmentId, BROADCAST), from.vlan).to).toEqual(
              expect.arrayContaining(peers),
            )
          }
          for (const from of HOSTS)
            for (const vlan of [null, 7])
              for (const to of [...HOSTS.map(macOf), BROADCAST]) {
                const own = networksAt([before, after], vlan === null ? from : `${from}/${vlan}`)
                for (const place of send(from, ipv4(from, to), vlan).to)
                  expect([...networksAt([before, after], place)].some((one) => own.has(one))).toBe(true)
              }
          last = programs
        }
        for (const [id, program] of wanted)
          expect(hashProgram(last.get(id) ?? EMPTY_PROGRAM)).toEqual(hashProgram(program))
      }),
      { numRuns: 25 },
    )
  }, 60_000)

  it('a host that leaves red and joins blue never hears red while it may speak in blue', () => {
    const stay: PortDraft[] = [
      { at: 'h11', in: 'red' },
      { at: 'h22', in: 'blue' },
      { at: 'h13', in: 'red' },
    ]
    const { start, waves } = change(
      intentOf({ red: 10, blue: 20 }, [...stay, { at: 'h21', in: 'red' }]),
      intentOf({ red: 10, blue: 20 }, [...stay, { at: 'h21', in: 'blue' }]),
    )
    const seen = new Set<string>()
    for (const programs of states(start, waves)) {
      const send = sender(programs, infrastructure)
      const hears = [macOf('h21'), BROADCAST].some((to) => send('h11', ipv4('h11', to)).to.includes('h21'))
      const speaks = send('h21', ipv4('h21', 'h22')).to.includes('h22')
      seen.add(`${hears} ${speaks}`)
      expect(send('h11', ipv4('h11', 'h13')).to).toEqual(['h13'])
    }
    expect([...seen].sort()).toEqual(['false false', 'false true', 'true false'])
  })

  it('one more port touches only what it needs, in three waves', () => {
    const ports: PortDraft[] = [
      { at: 'h11', in: 'red' },
      { at: 'h21', in: 'red' },
    ]
    const { waves } = change(intentOf({ red: 10 }, ports), intentOf({ red: 10 }, [...ports, { at: 'h22', in: 'red' }]))
    expect(waves.map(({ name, parts }) => [name, [...parts.keys()]])).toEqual([
      ['receive', ['nic2', 'srv2']],
      ['transmit', ['nic2', 'srv1']],
      ['expose', ['nic1', 'nic2']],
    ])
    for (const { parts } of waves)
      for (const { entries } of parts.values()) expect(entries.every((one) => one.before === undefined)).toBe(true)
  })

  it('a port that is removed goes in one wave', () => {
    const ports: PortDraft[] = [
      { at: 'h11', in: 'red' },
      { at: 'h12', in: 'red' },
      { at: 'h21', in: 'red' },
    ]
    const { waves } = change(intentOf({ red: 10 }, ports), intentOf({ red: 10 }, ports.slice(1)))
    expect(waves.map(({ name }) => name)).toEqual(['leave'])
  })
})
