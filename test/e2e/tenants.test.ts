import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRecord } from '#server/contract/audit.ts'
import type { Change, ChangeSummary, Task } from '#server/contract/changes.ts'
import type { HeldEntry, Provenance } from '#server/contract/datapaths.ts'
import type { Network, Port } from '#server/contract/networks.ts'
import type { EventMessage, Overview } from '#server/contract/overview.ts'
import { type Api, commit, ended, rollBack, signIn, until } from './api.ts'
import { addressOf, type Page, type RunningLab, type Wrote } from './running-lab.ts'
import { type House, startTwoTenants } from './two-tenants.ts'

let running: RunningLab
let api: Api
let red: House
let blue: House
/** The change that made both. */
let first: Change
/** Blue's administrator. */
let bea: Api
let password: string
let heard: { readonly operator: EventMessage[]; readonly bea: EventMessage[] }
const listening = new AbortController()

/** Listens to `/events` as a browser does, until the test is over. */
async function listen(session: string): Promise<EventMessage[]> {
  const messages: EventMessage[] = []
  const response = await fetch(`${running.weft.address}/events`, {
    headers: { cookie: `__Host-weft-${running.weft.instance}=${session}` },
    signal: listening.signal,
  })
  const read = async () => {
    let text = ''
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += Buffer.from(chunk).toString()
      const frames = text.split('\n\n')
      text = frames.pop() ?? ''
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1]
        if (data !== undefined) messages.push(JSON.parse(data) as EventMessage)
      }
    }
  }
  read().catch(() => undefined)
  return messages
}

beforeAll(async () => {
  const two = await startTwoTenants('e2et')
  ;({ running, red, blue, first } = two)
  api = running.api
  ;({ api: bea, password } = two.bea)
  const { weft } = running
  heard = {
    operator: await listen(await signIn(weft.address, 'admin', weft.password)),
    bea: await listen(two.bea.session),
  }
})

afterAll(async () => {
  listening.abort()
  await running?.stop()
})

const now = (house: House) => api.get<Network>(`/networks/${house.network.id}`)

describe('a network', () => {
  test('is changed at once by a write without a draft, and its page says so', async () => {
    const { revision } = await now(red)
    const wrote = await api.patch<Wrote<Network>>(`/networks/${red.network.id}`, revision, { name: 'scarlet' })
    expect(wrote.item).toMatchObject({ name: 'scarlet', revision: revision + 1 })
    expect((await ended(api, wrote.task as Task)).state).toBe('done')
    expect(await now(red)).toMatchObject({ name: 'scarlet', revision: revision + 1, state: { state: 'held' } })
    expect(await api.get<Change>(`/changes/${wrote.change.name}`)).toMatchObject({
      state: 'committed',
      edits: [
        {
          kind: 'network',
          operation: 'update',
          label: 'scarlet',
          fields: [{ field: 'name', before: 'red-net', after: 'scarlet' }],
        },
      ],
    })
  })

  test('is shown in a draft as it will be, and to everybody else as it is', async () => {
    const { id: change } = await running.draft('a smaller MTU')
    const { revision } = await now(red)
    await api.patch(`/networks/${red.network.id}`, revision, { mtu: 1300, change })
    const inside = await api.get<Network>(`/networks/${red.network.id}`, { change })
    expect(inside).toMatchObject({ mtu: 1300, state: { state: 'draft' } })
    expect((await now(red)).mtu).not.toBe(1300)
    await api.remove(`/changes/${change}`)
    expect((await now(red)).revision).toBe(revision)
  })

  test('that two drafts change is committed once; the other draft says why it is not', async () => {
    const { revision } = await now(red)
    const [one, two] = [await running.draft('one'), await running.draft('two')]
    for (const [change, mtu] of [
      [one.id, 1301],
      [two.id, 1302],
    ] as const)
      await api.patch(`/networks/${red.network.id}`, revision, { mtu, change })
    expect((await commit(api, one.id)).change.state).toBe('committed')
    const preview = await api.post<Change>(`/changes/${two.id}/preview`)
    expect(preview.commit.allowed).toBe(false)
    expect(preview.findings.filter(({ severity }) => severity !== 'info')).toEqual([
      expect.objectContaining({ severity: 'error', rule: 'intent.moved', subject: `network/${red.network.id}` }),
    ])
    expect((await api.ask('POST', `/changes/${two.id}/commit`, { body: {} })).status).toBe(422)
    expect((await now(red)).mtu).toBe(1301)
    await api.remove(`/changes/${two.id}`)
  })

  test('gives a port another address, and packets follow', async () => {
    await running.dress('h1', red.near)
    const wrote = await api.patch<Wrote<Port>>(`/ports/${red.far.id}`, red.far.revision, { addresses: ['10.0.0.99'] })
    expect((await ended(api, wrote.task as Task)).state).toBe('done')
    await running.dress('h4', wrote.item)
    expect((await running.lab.host('h1').ping('10.0.0.99')).received).toBe(3)
    await running.dress('h4', red.far)
    expect((await running.lab.host('h1').ping(addressOf(red.far), { count: 2 })).received).toBe(0)
    expect((await rollBack(api, wrote.change.id)).change.state).toBe('committed')
    expect((await running.lab.host('h1').ping(addressOf(red.far))).received).toBe(3)
  })

  test('is deleted with its subnets and ports: nothing of it is held, its VNI is free', async () => {
    const before = await running.tableHashes()
    const { id } = await running.draft('green')
    const green = await running.network(await running.tenant('green'), 'green-net', '10.0.0.0/24', id)
    for (const host of ['h3', 'h6']) await running.plug(green, host, id)
    await commit(api, id)
    const { revision } = await api.get<Network>(`/networks/${green.id}`)
    const gone = await api.remove<Wrote<null>>(`/networks/${green.id}`, revision)
    expect((await ended(api, gone.task as Task)).state).toBe('done')
    expect((await api.ask('GET', `/networks/${green.id}`)).status).toBe(404)
    for (const list of ['/ports', '/subnets'])
      expect((await api.get<Page<object>>(list, { networkId: green.id })).items).toEqual([])
    expect(await running.tableHashes()).toEqual(before)
    const body = { tenantId: red.tenant.id, name: 'heir', vni: green.vni }
    const heir = await api.post<Wrote<Network>>('/networks', body)
    expect(heir.item.vni).toBe(green.vni)
    await ended(api, heir.task as Task)
  })
})

describe('an entry', () => {
  test('leads to the intent that asks for it, to the change and to the person', async () => {
    const nic = await running.datapath('nic-2')
    const text = (await now(blue)).id
    const { items } = await api.get<Page<HeldEntry>>(`/datapaths/${nic.id}/entries`, { limit: 500 })
    const of = items.find(({ because }) => because?.id === blue.far.id || because?.id === text)
    const why = await api.get<Provenance>(`/datapaths/${nic.id}/why`, { key: of?.key })
    expect(why.change).toMatchObject({ id: first.id, name: first.name, title: 'red and blue' })
    expect(why.person).toEqual({ name: 'admin', role: 'operator', reason: 'moving in' })
    expect(why.intents.map(({ name }) => name)).toContain('blue-net')
    expect(why.text).toContain(of?.actions)
  })
})

describe('the audit log', () => {
  test('says who did what, refusals too', async () => {
    await api.ask('POST', '/networks', { body: { tenantId: blue.tenant.id, name: 'late', vni: red.network.vni } })
    await bea.ask('POST', '/tenants', { body: { name: 'mine' } })
    const { items } = await api.get<Page<AuditRecord>>('/audit', { limit: 500 })
    const of = (actor: string, action: string, outcome: string) =>
      items.filter((one) => one.actor === actor && one.action === action && one.outcome === outcome)
    expect(of('admin', 'changes.commit', 'done').map(({ changeId }) => changeId)).toContain(first.id)
    expect(of('admin', 'change.committed', 'done').map(({ changeId }) => changeId)).toContain(first.id)
    expect(of('admin', 'networks.create', 'refused')[0]?.detail).toContain(`VNI ${red.network.vni} is taken`)
    expect(of('bea', 'tenants.create', 'refused')[0]?.detail).toContain('tenant.write')
    expect(of('bea', 'session.create', 'done')[0]?.address).toBe('127.0.0.1')
    expect(JSON.stringify(items)).not.toContain(password)
  })
})

describe('blue’s administrator', () => {
  /** Everything by which red could be known. */
  const marks = () => [red.tenant.id, red.network.id, red.near.id, red.far.id, 'scarlet', 'red-net', '"red"']
  const expectNoRed = (answer: unknown) => {
    const text = JSON.stringify(answer)
    expect(marks().filter((mark) => text.includes(mark))).toEqual([])
  }

  test.each(['/networks', '/subnets', '/ports', '/tenants', '/tasks', '/audit', '/overview'])(
    'sees nothing of red in %s',
    async (path) => {
      const answer = await bea.get<unknown>(path)
      expectNoRed(answer)
    },
  )

  test('sees blue', async () => {
    const { items } = await bea.get<Page<Network>>('/networks')
    expect(items).toEqual([expect.objectContaining({ id: blue.network.id, tenantName: 'blue' })])
    expect((await bea.get<Page<Port>>('/ports')).items.map(({ id }) => id).sort()).toEqual(
      [blue.near.id, blue.far.id].sort(),
    )
    expect((await bea.get<Overview>('/overview')).networks.map(({ name }) => name)).toEqual(['blue-net'])
  })

  test('is told that red’s objects, changes and tasks are not there', async () => {
    const { items: changes } = await api.get<Page<ChangeSummary>>('/changes')
    const { items: tasks } = await api.get<Page<Task>>('/tasks')
    const reds = changes.filter(({ tenantId }) => tenantId !== blue.tenant.id)
    expect(reds.length).toBeGreaterThan(2)
    const paths = [
      ...[`/networks/${red.network.id}`, `/ports/${red.near.id}`, `/tenants/${red.tenant.id}`],
      ...reds.flatMap(({ id, name }) => [`/changes/${id}`, `/changes/${name}`]),
      ...tasks.map(({ id }) => `/tasks/${id}`),
    ]
    for (const path of paths) expect([path, (await bea.ask('GET', path)).status]).toEqual([path, 404])
    for (const { id } of reds)
      for (const verb of ['preview', 'commit', 'rollback'])
        expect((await bea.ask('POST', `/changes/${id}/${verb}`, { body: {} })).status).toBe(404)
    for (const { id } of tasks) expect((await bea.ask('POST', `/tasks/${id}/cancel`, { body: {} })).status).toBe(404)
  })

  test('cannot draw red into a draft of blue, nor blue into one of red', async () => {
    const mine = await bea.post<ChangeSummary>('/changes', { title: 'mine' })
    const theirs = await api.post<ChangeSummary>('/changes', { title: 'theirs', tenantId: red.tenant.id })
    const body = { tenantId: red.tenant.id, name: 'mine', change: mine.id }
    expect((await bea.ask('POST', '/networks', { body })).status).toBe(404)
    const foreign = { tenantId: blue.tenant.id, name: 'mine', change: theirs.id }
    expect((await bea.ask('POST', '/networks', { body: foreign })).status).toBe(404)
    expect((await bea.ask('GET', '/networks', { query: { change: theirs.id } })).status).toBe(404)
    expect((await bea.ask('POST', '/changes', { body: { title: '', tenantId: red.tenant.id } })).status).toBe(404)
    for (const [as, { id }] of [
      [bea, mine],
      [api, theirs],
    ] as const)
      await as.remove(`/changes/${id}`)
  })

  test('changes blue alone, and the preview of that shows nothing of red', async () => {
    const { id: change } = await bea.post<ChangeSummary>('/changes', { title: 'another network' })
    const body = { tenantId: blue.tenant.id, name: 'more', change }
    const { item } = await bea.post<Wrote<Network>>('/networks', body)
    await bea.post('/subnets', { networkId: item.id, prefix: '10.0.0.0/24', change })
    const attachmentId = blue.near.attachmentId
    await bea.post('/ports', { networkId: item.id, attachmentId, vlan: 12, change })
    expectNoRed(await bea.post<Change>(`/changes/${change}/preview`))
    const { change: done, task } = await commit(bea, change)
    expect(done).toMatchObject({ state: 'committed', actor: 'bea' })
    expectNoRed([done, task])
  })

  test('hears of blue, and of nothing else; an operator hears of all', async () => {
    const from = heard.bea.length
    const wrote = await api.patch<Wrote<Network>>(`/networks/${red.network.id}`, (await now(red)).revision, {
      name: 'crimson',
    })
    await ended(api, wrote.task as Task)
    const { revision } = await now(blue)
    const own = await bea.patch<Wrote<Network>>(`/networks/${blue.network.id}`, revision, { name: 'azure' })
    await ended(bea, own.task as Task)
    const refs = (messages: readonly EventMessage[]) => messages.map(({ ref }) => ref)
    await until('both to have heard of blue', async () =>
      [heard.bea, heard.operator].every((messages) =>
        messages.some(({ kind, ref }) => kind === 'committed' && ref === own.change.id),
      ),
    )
    const news = refs(heard.bea.slice(from))
    expect(news).toContain(own.task?.id)
    expect(news).not.toContain(wrote.change.id)
    expect(news).not.toContain(wrote.task?.id)
    expect(refs(heard.operator)).toEqual(expect.arrayContaining([wrote.change.id, wrote.task?.id, own.change.id]))
    const topics = new Set(heard.bea.map(({ topic }) => topic))
    for (const topic of ['datapath', 'inventory', 'resync'] as const) expect(topics.has(topic)).toBe(false)
  })
})

describe('the command line', () => {
  const weft = (...args: string[]) =>
    running.weft.cli(...args).then(
      () => ({ code: 0, said: '' }),
      (error: { code: number; stderr: string }) => ({ code: error.code, said: error.stderr }),
    )

  test('ends with a number that says how it went', async () => {
    expect(await weft('network', 'list')).toMatchObject({ code: 0 })
    expect(await weft('network', 'list', '--colour', 'red')).toMatchObject({ code: 2 })
    expect(await weft('network', 'create', 'x', '--tenant', 'red', '--vni', '0')).toMatchObject({ code: 3 })
    expect(await weft('network', 'show', 'nothing')).toMatchObject({ code: 5 })
    const stale = await weft('network', 'delete', 'crimson', '--revision', '99')
    expect(stale).toMatchObject({ code: 6, said: expect.stringContaining('revision') })
    await weft('logout')
    expect(await weft('network', 'list')).toMatchObject({ code: 4, said: expect.stringContaining('weft login') })
  })
})
