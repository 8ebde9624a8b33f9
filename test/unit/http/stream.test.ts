import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { eventBus } from '#server/http/events.ts'
import { registerStream } from '#server/http/stream.ts'
import { ground } from '../identity/ground.ts'

const MONDAY_EVENING = Date.parse('2026-01-05T18:55:00Z')

test('an open stream ends with the hours of what it was opened with, and opens again with what is left', async () => {
  const { accounts, admin, keeper, pass } = await ground({ begun_ms: MONDAY_EVENING })
  const bindings = admin.bindings.map((one) => ({ ...one, hours: 'Mon-Fri 07:00-19:00 UTC' }))
  const account = { ...admin, bindings }
  await accounts.replace(account)
  const { id } = await keeper.begin(account, { address: '127.0.0.1', agent: 'node' })
  const app = Fastify()
  const events = eventBus({ epoch: 'e' })
  registerStream(app, { events, sessions: keeper, decisions: undefined, cookie: 'c', heartbeat_ms: 20 })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  const open = async () => {
    const answer = await fetch(`${origin}/events`, { headers: { authorization: `Bearer ${id}` } })
    let got = ''
    const ended = (async () => {
      for await (const chunk of answer.body ?? []) got += Buffer.from(chunk).toString()
    })()
    return { ended, got: () => got }
  }
  const network = { topic: 'network', kind: 'created', ref: 'n', tenantId: null } as const
  const day = await open()
  await expect.poll(day.got).toContain('still here')
  events.publish(network)
  await expect.poll(day.got).toContain('event: network')
  pass(4)
  await expect.poll(() => day.got().split('still here').length).toBeGreaterThan(5)
  pass(1)
  await day.ended
  const night = await open()
  events.publish(network)
  await expect.poll(night.got).toContain('still here')
  expect(night.got()).not.toContain('event: network')
})
