import { call } from '@orpc/server'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { auditHandlers } from '#server/api/audit.ts'
import { networkHandlers } from '#server/api/networks.ts'
import { portHandlers } from '#server/api/ports.ts'
import { subnetHandlers } from '#server/api/subnets.ts'
import { tenantHandlers } from '#server/api/tenants.ts'
import { userHandlers } from '#server/api/users.ts'
import type { Role } from '#server/contract/rights.ts'
import type { AuditEntry } from '#server/identity/ports.ts'
import { accountStore } from '#server/inventory/accounts.ts'
import { auditLog } from '#server/inventory/audit.ts'
import { auditEvidence } from '#server/inventory/audit-evidence.ts'
import { changeStore } from '#server/inventory/changes.ts'
import { networkWriter } from '#server/inventory/networks.ts'
import { portWriter } from '#server/inventory/ports.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { networkViews } from '#server/inventory/views.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { keysOf, testSigner } from '../identity/audit/signer.ts'
import { memoryNotices } from '../identity/stores.ts'
import { type Site, site } from '../inventory/fixture.ts'
import { callerIn } from './ground.ts'

let database: TestDatabase
let lab: Site
let tenantId: string
beforeAll(async () => {
  database = await startTestDatabase()
  lab = await site(database)
  tenantId = (await lab.tenant('red')).id
}, 30_000)
afterAll(() => database?.close())

let lines: AuditEntry[]
beforeEach(() => {
  lines = []
})

/** Calls a procedure as somebody in a role, and keeps the lines that this leaves. */
function as(role: Role, procedure: string, ifMatch?: number) {
  const { context } = callerIn(role, tenantId, ifMatch)
  return {
    path: procedure.split('.'),
    context: { ...context, audit: { record: async (line: AuditEntry) => void lines.push(line) } },
  }
}

const handlers = () => {
  const intent = {
    changes: changeStore(database),
    observed: {
      networkState: () => ({ state: 'held' as const, words: '' }),
      portState: () => ({ state: 'held' as const, words: '' }),
      spoofed: () => '7',
    },
    commit: () => Promise.reject(new Error('not asked for')),
    publish: () => undefined,
    views: networkViews(database),
  }
  const [networks, ports] = [networkWriter(database), portWriter(database)]
  const audit = auditLog(database)
  return {
    networks: networkHandlers({ ...intent, networks }),
    subnets: subnetHandlers({ ...intent, networks }),
    ports: portHandlers({ ...intent, ports }),
    tenants: tenantHandlers({ tenants: tenantStore(database), publish: () => undefined }),
    users: userHandlers({
      ...{ accounts: accountStore(database), firstPassword_ms: 60_000 },
      sessions: { endOthers: async () => undefined },
      tell: memoryNotices().tell,
    }),
    audit: auditHandlers({
      ...{ audit, evidence: auditEvidence(database), keys: keysOf(testSigner()).verificationKeys },
      ...{ shipped: async () => [], shipping: () => [{ to: 'file:x', lines: true, at: null, problem: null }] },
    }),
  }
}

describe('a line says how the object was and how it became', () => {
  test('for tenants', async () => {
    const { tenants } = handlers()
    const quotas = { networks: 5, ports: 5 }
    const { id } = await call(tenants.create, { name: 'blue', quotas }, as('operator', 'tenants.create'))
    await call(tenants.update, { id, quotas: { networks: 6, ports: 5 } }, as('operator', 'tenants.update', 1))
    await call(tenants.remove, { id }, as('operator', 'tenants.remove', 2))
    expect(lines).toMatchObject([
      { action: 'tenants.create', tenantId: id, before: undefined, after: { name: 'blue', quotas } },
      { action: 'tenants.update', before: { quotas }, after: { quotas: { networks: 6 }, revision: 2 } },
      { action: 'tenants.remove', before: { name: 'blue', revision: 2 }, after: undefined },
    ])
  })

  test('for networks, subnets and ports, without how they stand on the datapaths', async () => {
    const { networks, subnets, ports } = handlers()
    const actor = { name: 'anna', role: 'tenant-administrator' }
    const { id: change } = await changeStore(database).create({ tenantId }, { title: '', tenantId, actor })
    const admin = (procedure: string, revision?: number) => as('tenant-administrator', procedure, revision)
    const network = (await call(networks.create, { change, tenantId, name: 'web' }, admin('networks.create'))).item
    const subnet = (
      await call(subnets.create, { change, networkId: network.id, prefix: '10.0.0.0/24' }, admin('subnets.create'))
    ).item
    const attachmentId = lab.attachments.get('host-1-1') as string
    const port = (await call(ports.create, { change, networkId: network.id, attachmentId }, admin('ports.create'))).item
    await call(ports.update, { change, id: port.id, addresses: ['10.0.0.9'] }, admin('ports.update', port.revision))
    await call(ports.remove, { change, id: port.id }, admin('ports.remove', port.revision + 1))
    await call(subnets.remove, { change, id: subnet.id }, admin('subnets.remove', subnet.revision))
    await call(networks.update, { change, id: network.id, name: 'shop' }, admin('networks.update', network.revision))
    await call(networks.remove, { change, id: network.id }, admin('networks.remove', network.revision + 1))
    const pictures = lines.map(({ action, before, after }) => [action, before ?? null, after ?? null])
    expect(pictures).toMatchObject([
      ['networks.create', null, { name: 'web' }],
      ['subnets.create', null, { prefix: '10.0.0.0/24' }],
      ['ports.create', null, { networkId: network.id, attachmentId }],
      ['ports.update', { addresses: port.addresses }, { addresses: ['10.0.0.9'] }],
      ['ports.remove', { addresses: ['10.0.0.9'] }, null],
      ['subnets.remove', { prefix: '10.0.0.0/24' }, null],
      ['networks.update', { name: 'web' }, { name: 'shop' }],
      ['networks.remove', { name: 'shop' }, null],
    ])
    expect(JSON.stringify(pictures)).not.toMatch(/"(state|drafted|spoofed)"/)
    expect(new Set(lines.map(({ changeId }) => changeId))).toEqual(new Set([change]))
  })

  test('for accounts, without a password', async () => {
    const { users } = handlers()
    const carla = { name: 'carla', role: 'auditor', tenantId: null } as const
    const { id, password } = await call(users.create, carla, as('operator', 'users.create'))
    const next = await call(users.newPassword, { id }, as('operator', 'users.newPassword'))
    expect(next.password).not.toBe(password)
    await call(users.remove, { id }, as('operator', 'users.remove'))
    expect(lines).toMatchObject([
      { action: 'users.create', subject: `user/${id}`, after: { name: 'carla', role: 'auditor' } },
      { action: 'users.newPassword', subject: `user/${id}`, after: { passwordEndsAt: next.passwordEndsAt } },
      { action: 'users.remove', subject: `user/${id}`, before: { name: 'carla', role: 'auditor' } },
    ])
    for (const secret of [password, next.password, 'argon2']) expect(JSON.stringify(lines)).not.toContain(secret)
  })
})

describe('a refusal leaves a line with its reason', () => {
  test.each([
    ['a right that is missing', 'auditor', { name: 'x', quotas: { networks: 1, ports: 1 } }, 'forbidden'],
    ['a name that is taken', 'operator', { name: 'red', quotas: { networks: 1, ports: 1 } }, 'tenant.name-taken'],
    ['input that does not fit', 'operator', { name: 'Not A Name' }, 'malformed'],
  ] as const)('%s', async (_, role, input, reason) => {
    const { tenants } = handlers()
    await expect(call(tenants.create, input as never, as(role, 'tenants.create'))).rejects.toThrow()
    const { actorId } = lines[0] ?? {}
    expect(lines).toMatchObject([{ action: 'tenants.create', outcome: 'refused', actor: 'anna', after: undefined }])
    expect([actorId, lines[0]?.reason]).toEqual(['019ab000-0000-7000-8000-00000000000a', reason])
  })
})

describe('the log', () => {
  test('is read by whoever may, and by others not', async () => {
    const { audit } = handlers()
    await call(audit.list, {}, as('tenant-administrator', 'audit.list'))
    await expect(call(audit.list, {}, as('tenant-member', 'audit.list'))).rejects.toMatchObject({ code: 'forbidden' })
    await expect(call(audit.verify, {}, as('tenant-member', 'audit.verify'))).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  test('that is taken away leaves one line for each export, that is verified one for each time', async () => {
    const { audit } = handlers()
    const log = auditLog(database)
    const line = {
      actor: 'olga',
      address: '',
      action: 'x',
      outcome: 'done',
      subject: null,
      changeId: null,
      detail: '',
    } as const
    for (let i = 0; i < 5; i++) await log.record({ ...line, tenantId })
    let cursor: string | undefined
    do {
      const page = await call(
        audit.export,
        { format: 'jsonl', limit: 2, cursor },
        as('tenant-administrator', 'audit.export'),
      )
      cursor = page.next ?? undefined
    } while (cursor)
    await call(audit.verify, {}, as('tenant-administrator', 'audit.verify'))
    expect(lines).toMatchObject([
      { action: 'audit.export', tenantId, detail: 'jsonl' },
      { action: 'audit.verify', tenantId, detail: '5 lines, nothing found' },
    ])
  })

  test('says where it is shipped to those alone who run the installation', async () => {
    const { audit } = handlers()
    expect((await call(audit.shipping, {}, as('auditor', 'audit.shipping'))).destinations).toHaveLength(1)
    expect((await call(audit.shipping, {}, as('tenant-administrator', 'audit.shipping'))).destinations).toEqual([])
  })
})
