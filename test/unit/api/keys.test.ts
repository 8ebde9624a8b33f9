import { X509Certificate } from 'node:crypto'
import { call } from '@orpc/server'
import { beforeAll, describe, expect, test } from 'vitest'
import { keyHandlers } from '#server/api/keys.ts'
import type { OpenKeys } from '#server/keys/open.ts'
import { KEY_PURPOSES } from '#server/keys/ports.ts'
import { memoryStore, openWith } from '#test/unit/keys/ground.ts'
import { callerIn } from './ground.ts'

/** An operator who has just signed in: keys are not changed from a session that was left open. */
function operator() {
  const { context } = callerIn('operator')
  const caller = context.caller && { ...context.caller, authenticatedAt_ms: Date.now() }
  return { context: { ...context, caller } }
}

let keys: OpenKeys
let handlers: ReturnType<typeof keyHandlers>
beforeAll(async () => {
  keys = await openWith({ store: memoryStore() })
  handlers = keyHandlers(keys)
  return () => keys.close()
})

const ALL = { limit: 100 }
const TENANT = '019ab000-0000-7000-8000-00000000000c'

describe('the installation’s keys', () => {
  test('are listed with what is public of them, and filtered', async () => {
    const { items } = await call(handlers.list, ALL, callerIn('auditor'))
    expect(items).toHaveLength(KEY_PURPOSES.length)
    expect(JSON.stringify(items)).not.toMatch(/wrapped|PRIVATE|BEGIN/)
    const filter = 'purpose:eq:saml-signing'
    const [signing, ...more] = (await call(handlers.list, { ...ALL, filter }, callerIn('auditor'))).items
    expect(more).toEqual([])
    const shown = await call(handlers.get, { id: signing?.id as string }, callerIn('auditor'))
    expect(shown.fingerprint).toBe(new X509Certificate(shown.certificate as string).fingerprint256)
    expect(shown).toMatchObject(signing as object)
  })

  test('are rotated in two steps, and each leaves its words in the audit log', async () => {
    const anna = operator()
    const next = await call(handlers.rotate, { purpose: 'saml-signing' }, anna)
    expect(next.state).toBe('next')
    expect(anna.context.note).toEqual({ detail: 'saml-signing, prepare', subject: `key/${next.id}` })
    const twice = call(handlers.rotate, { purpose: 'saml-signing', step: 'prepare' }, operator())
    await expect(twice).rejects.toMatchObject({ code: 'conflict' })
    const promoted = await call(handlers.rotate, { purpose: 'saml-signing', step: 'promote' }, operator())
    expect(promoted).toMatchObject({ id: next.id, state: 'active' })
    const filter = ['purpose:eq:saml-signing', 'state:eq:retiring']
    const [old] = (await call(handlers.list, { ...ALL, filter }, operator())).items
    const ended = await call(handlers.retire, { id: old?.id as string }, operator())
    expect(ended.state).toBe('retired')
    expect(await call(handlers.rewrap, {}, operator())).toEqual({ rewrapped: 0 })
  })

  test('are nobody’s to see in a tenant, and not an auditor’s to change', async () => {
    for (const role of ['tenant-administrator', 'tenant-member'] as const)
      await expect(call(handlers.list, ALL, callerIn(role, TENANT))).rejects.toMatchObject({ code: 'forbidden' })
    for (const role of ['auditor', 'tenant-administrator'] as const) {
      const rotated = call(handlers.rotate, { purpose: 'audit' }, callerIn(role, TENANT))
      await expect(rotated).rejects.toMatchObject({ code: 'forbidden' })
      await expect(call(handlers.rewrap, {}, callerIn(role, TENANT))).rejects.toMatchObject({ code: 'forbidden' })
    }
  })

  test('that are not there are not found', async () => {
    await expect(call(handlers.get, { id: TENANT }, operator())).rejects.toMatchObject({ code: 'not-found' })
    await expect(call(handlers.retire, { id: TENANT }, operator())).rejects.toMatchObject({
      code: 'not-found',
    })
  })
})
