import { readFile, rename } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Problem } from '#server/contract/base.ts'
import type { Change, ChangeSummary, Task } from '#server/contract/changes.ts'
import type { Network, Port } from '#server/contract/networks.ts'
import { type Api, commit, rollBack, until } from './api.ts'
import { addressOf, type Page, type RunningLab, startLab } from './running-lab.ts'

let running: RunningLab
let api: Api
let red: Network
let near: Port
let far: Port

beforeAll(async () => {
  running = await startLab('e2ef')
  api = running.api
  const { id } = await running.draft('red')
  red = await running.network(await running.tenant('red'), 'red-net', '10.0.0.0/24', id)
  near = (await running.plug(red, 'h1', id)).item
  far = (await running.plug(red, 'h4', id)).item
  await commit(api, id)
  await running.dress('h1', near)
  await running.dress('h4', far)
})

afterAll(() => running?.stop())

/**
 * Takes nic-2 away from its console, as a broken cable would: what it dialled is not found any more. What it holds stays,
 * and packets go on. Answers what brings it back.
 */
async function takeAway(): Promise<() => Promise<void>> {
  const socket = `${running.lab.runDir}/s2/nic.sock`
  await rename(socket, `${socket}.away`)
  const [controller] =
    (await running.lab.vsctl('srv-2', 'get', 'Bridge', 'br-nic', 'controller')).match(/[0-9a-f-]{36}/) ?? []
  await running.lab.vsctl('srv-2', 'set', 'Controller', controller as string, `target="unix:${socket}.cut"`)
  await until('nic-2 to be away', async () => (await running.datapath('nic-2')).state === 'away')
  return async () => {
    await rename(`${socket}.away`, socket)
    await until('nic-2 to be back', async () => (await running.datapath('nic-2')).connected)
  }
}

/** Asks again while the engine is away. */
const patiently = <T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> =>
  until(what, () => look().catch(() => undefined), { within_ms: 40_000 })

describe('a datapath that is away', () => {
  let change: ChangeSummary

  test('is named by the refusal of a change that touches it, and nothing moves', async () => {
    const bringBack = await takeAway()
    try {
      const nic = await running.datapath('nic-2')
      expect(nic).toMatchObject({ connected: false, state: 'away', reason: expect.any(String) })
      const before = await running.tableHashes()
      change = await running.draft('one more for red')
      await running.plug(red, 'h5', change.id)
      const refused = await api.ask<Problem>('POST', `/changes/${change.id}/commit`, { body: {} })
      expect(refused.status).toBe(422)
      expect(refused.body.errors).toEqual([
        expect.objectContaining({ rule: 'datapath.away', message: expect.stringContaining('nic-2') }),
      ])
      expect((await api.get<Change>(`/changes/${change.id}`)).state).toBe('draft')
      expect(await running.tableHashes()).toEqual(before)
    } finally {
      await bringBack()
    }
  })

  test('has its part pending when the change is forced; the change is committed once it is held', async () => {
    const bringBack = await takeAway()
    const stream = await running.lab.host('h1').stream(addressOf(far), { interval_ms: 10 })
    try {
      const { change: forced } = await commit(api, change.id, { force: true, reason: 'cannot wait' })
      expect(forced.state).toBe('pending')
      expect(forced.datapaths.find(({ datapath }) => datapath === 'nic-2')?.state).toBe('pending')
      const { items } = await api.get<Page<Port>>('/ports', { networkId: red.id })
      expect(items.find(({ name }) => name === 'h5')?.state.state).toBe('pending')
    } finally {
      await bringBack()
    }
    await until('the change to be committed', async () => {
      return (await api.get<Change>(`/changes/${change.id}`)).state === 'committed'
    })
    const { items } = await api.get<Page<Port>>('/ports', { networkId: red.id })
    const late = items.find(({ name }) => name === 'h5') as Port
    await running.dress('h5', late)
    expect((await running.lab.host('h5').ping(addressOf(near))).received).toBe(3)
    expect((await stream.stop()).missing).toEqual([])
    for (const { state, held, wanted } of await running.datapaths())
      expect({ state, held }).toEqual({ state: 'held', held: wanted })
  })
})

describe('a switch that refuses', () => {
  test('has the change undone everywhere, and is named with what it said', async () => {
    const before = await running.tableHashes()
    const { id } = await running.draft('too much for srv-2')
    const network = await running.network(await running.tenant('green'), 'green-net', '192.168.9.0/24', id)
    for (const host of ['h1', 'h2', 'h5', 'h6']) await running.plug(network, host, id, { vlan: 9 })
    await running.lab.vsctl(
      'srv-2',
      ...['--', '--id=@full', 'create', 'Flow_Table', 'flow_limit=1', 'overflow_policy=refuse'],
      ...['--', 'set', 'Bridge', 'br-nic', 'flow_tables:0=@full'],
    )
    try {
      const { task, change } = await commit(api, id)
      expect(change.state).toBe('undone')
      expect(task).toMatchObject({ state: 'failed', problem: { detail: expect.stringMatching(/nic-2/) } })
      expect(change.outcome).toMatch(/nic-2/)
      expect(await running.tableHashes()).toEqual(before)
    } finally {
      await running.lab.vsctl('srv-2', 'clear', 'Bridge', 'br-nic', 'flow_tables')
    }
  })
})

describe('a switch that stalls', () => {
  test('is waited for no longer than its time; the change is off, and packets go on elsewhere', async () => {
    const before = await running.tableHashes()
    const { id } = await running.draft('through a deaf switch')
    const network = await running.network(await running.tenant('grey'), 'grey-net', '192.168.10.0/24', id)
    for (const host of ['h2', 'h6']) await running.plug(network, host, id, { vlan: 10 })
    const pid = Number(await readFile(`${running.lab.runDir}/s2/ovs-vswitchd.pid`, 'utf8'))
    process.kill(pid, 'SIGSTOP')
    try {
      const { task, change } = await commit(api, id)
      expect(task).toMatchObject({ state: 'failed', problem: { detail: expect.stringMatching(/nic-2|srv-2/) } })
      expect(['draft', 'undone']).toContain(change.state)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await until('all datapaths to be held', async () =>
      (await running.datapaths()).every(({ state }) => state === 'held'),
    )
    expect(await running.tableHashes()).toEqual(before)
    expect((await running.lab.host('h1').ping(addressOf(far))).received).toBe(3)
  })
})

describe('the engine, killed while it commits', () => {
  const enginePid = async (): Promise<number> => {
    const text = await readFile(`.weft/${running.weft.instance}/processes.json`, 'utf8')
    const { children } = JSON.parse(text) as { children: { name: string; pid: number }[] }
    return children.find(({ name }) => name === 'engine')?.pid ?? 0
  }

  /** Resolves once the task of a change has said it, or is over. */
  const said = async ({ id }: Task, words: RegExp) =>
    until(
      `the task to say ${words}`,
      async () => {
        const { log, finishedAt } = await api.get<Task>(`/tasks/${id}`)
        return finishedAt !== null || log.some(({ message }) => words.test(message))
      },
      { every_ms: 1 },
    )

  test.each([/preparing/, /staging/, /decided/, /transmit: done/])(
    'once its task has said %s: the change is wholly there or wholly absent',
    async (words) => {
      const before = await running.tableHashes()
      const { id, name } = await running.draft('killed')
      const tenant = await running.tenant(`blue-${name.toLowerCase()}`)
      const blue = await running.network(tenant, 'net', '10.0.0.0/24', id)
      for (const host of ['h2', 'h3', 'h5', 'h6']) await running.plug(blue, host, id, { vlan: 70 })
      const pid = await enginePid()
      const stream = await running.lab.host('h1').stream(addressOf(far), { interval_ms: 5 })
      await said(await api.post<Task>(`/changes/${id}/commit`), words)
      process.kill(pid, 'SIGKILL')

      await patiently(
        'the engine to be started again',
        async () => (await enginePid()) !== pid && (await running.datapaths()).length,
      )
      const change = await patiently('the change to come to its end', async () => {
        const now = await api.get<Change>(`/changes/${id}`)
        return !['committing', 'undoing'].includes(now.state) && now
      })
      await patiently('all datapaths to hold what is wanted', async () =>
        (await running.datapaths()).every(({ state }) => state === 'held'),
      )
      const after = await running.tableHashes()
      if (change.state === 'committed') {
        for (const [at, hash] of before.entries()) expect(after[at]).not.toBe(hash)
        expect((await rollBack(api, id)).change.state).toBe('committed')
      } else if (change.state === 'draft') await api.remove(`/changes/${id}`)
      else expect(change.state).toBe('undone')
      expect(await running.tableHashes()).toEqual(before)
      const { sent, missing } = await stream.stop()
      expect(sent).toBeGreaterThan(100)
      expect(missing).toEqual([])
      const { items } = await api.get<Page<Task>>('/tasks')
      expect(items.filter(({ finishedAt }) => finishedAt === null)).toEqual([])
    },
  )
})
