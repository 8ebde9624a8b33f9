import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accessOf } from '#server/identity/access.ts'
import { attributesFor, mayUse } from '#server/identity/federation/console-access.ts'
import { localContexts, upstreamContexts } from '#server/identity/federation/console-contexts.ts'
import { decide, type Present, type Situation } from '#server/identity/federation/console-decision.ts'
import type { Asked, ConsoleRecord } from '#server/identity/federation/console-ports.ts'
import { handleIn, pagePath } from '#server/identity/federation/return-path.ts'
import type { Binding } from '#server/identity/ports.ts'
import type { Caller } from '#server/identity/sessions.ts'

const CLASS = 'urn:oasis:names:tc:SAML:2.0:ac:classes:'
const BEGUN_ms = 1_000_000
const IDP = 'https://idp.example.org'

const asked: Asked = {
  ...{ id: '_1', acsUrl: 'https://fw.example.org/acs', relayState: null, forceAuthn: false, isPassive: false },
  ...{ authnContext: null, nameIdFormat: null, allowCreate: true, proxyCount: null, idpList: [], requesterIds: [] },
  ...{ subject: null, begun_ms: BEGUN_ms },
}

const firewall: ConsoleRecord = {
  ...{ id: 'c', name: 'fw', displayName: 'Firewall', tenantId: null, tenantName: null, state: 'open', revision: 1 },
  ...{ entityId: 'https://fw.example.org', metadata: '', homeUrl: null, release: [], encrypt: false },
}

const binding = (tenantId: string | null, siteId: string | null = null, role = 'tenant-member'): Binding => ({
  ...{ id: 'b', role, rights: [], tenantId, tenantName: tenantId, siteId, siteName: siteId, groupName: null },
  source: 'local',
  from: [],
  hours: null,
})

const callerWith = (bindings: readonly Binding[], more: Partial<Caller> = {}): Caller => {
  const access = accessOf(bindings)
  const account = { name: 'alice', displayName: 'Alice', email: 'alice@example.org', bindings }
  return {
    ...{ account, access, rights: access.rights, scope: access, session: 's1', method: 'password' },
    ...{ expiresAt_ms: BEGUN_ms * 2, authenticatedAt_ms: BEGUN_ms - 60_000 },
    ...more,
  } as unknown as Caller
}

const local = (more: Partial<Caller> = {}): Present => ({
  ...{ caller: callerWith([binding('red')], more), upstream: undefined },
  contexts: localContexts('password', true),
})
const upstream = (more: Partial<Caller> = {}): Present => ({
  ...local(more),
  upstream: { entityId: IDP, skew_ms: 60_000, authorities: [], proxyCount: null },
  contexts: upstreamContexts(`${CLASS}Password`),
})

const situation = (more: Partial<Asked> = {}, rest: Partial<Situation> = {}): Situation => ({
  ...{ console: firewall, present: local(), name: '_n', welcome: { kind: 'any' }, refused: false },
  request: { asked: { ...asked, ...more }, sent: 0, sessionHash: null },
  ...rest,
})

const wordOf = (of: Situation): string => {
  const decision = decide(of)
  return decision.kind === 'refuse' ? decision.refusal : decision.kind
}

describe('what becomes of a console’s request', () => {
  test('is an answer for somebody who is signed in, and sign-in for nobody', () => {
    expect(wordOf(situation())).toBe('answer')
    expect(decide(situation({}, { present: undefined }))).toEqual({ kind: 'sign-in', fresh: false })
  })

  test('is a fresh sign-in where that is forced, until there was one', () => {
    const forced = { forceAuthn: true }
    expect(decide(situation(forced))).toEqual({ kind: 'sign-in', fresh: true })
    expect(wordOf(situation(forced, { present: local({ authenticatedAt_ms: BEGUN_ms }) }))).toBe('answer')
    const request = { asked: { ...asked, ...forced }, sent: 1, sessionHash: 's1' }
    // The provider's clock is behind: what counts is that the session began since.
    const behind = (session: string) => upstream({ session, authenticatedAt_ms: BEGUN_ms - 30_000 })
    expect(wordOf(situation({}, { request, present: behind('s2') }))).toBe('answer')
    expect(wordOf(situation({}, { request, present: behind('s1') }))).toBe('sign-in')
    expect(
      wordOf(situation({}, { request, present: local({ session: 's2', authenticatedAt_ms: BEGUN_ms - 1 }) })),
    ).toBe('sign-in')
  })

  test('is the way of sign-in that was asked for, of all that are true', () => {
    const exact = (name: string) => ({ authnContext: { comparison: 'exact' as const, classes: [CLASS + name] } })
    const both = { ...local(), contexts: localContexts('password+totp', true) }
    const given = (more: Partial<Asked>) => {
      const decision = decide(situation(more, { present: both }))
      return decision.kind === 'answer' ? decision.authnContext : decision.kind
    }
    expect(given({})).toBe('https://refeds.org/profile/mfa')
    expect(given(exact('PasswordProtectedTransport'))).toBe(`${CLASS}PasswordProtectedTransport`)
    expect(given(exact('Smartcard'))).toBe('sign-in')
    expect(localContexts('password', false)).not.toContain(`${CLASS}PasswordProtectedTransport`)
    expect(upstreamContexts('')).toEqual([`${CLASS}unspecified`])
  })

  test('is told to the console where who is there came from a provider that is not welcome', () => {
    const welcome = { kind: 'some', entityIds: ['https://other.example.org'] } as const
    expect(wordOf(situation({}, { welcome, present: upstream() }))).toBe('sign-in')
    expect(wordOf(situation({}, { welcome: { ...welcome, entityIds: [IDP] }, present: upstream() }))).toBe('answer')
    const request = { asked, sent: 1, sessionHash: 's0' }
    expect(wordOf(situation({}, { welcome, present: upstream(), request }))).toBe('noAvailableIdp')
  })

  test('is never an answer where something forbids it', () => {
    const nobody = { present: undefined }
    expect(wordOf(situation({ isPassive: true }, nobody))).toBe('noPassive')
    expect(wordOf(situation({ proxyCount: 0 }, nobody))).toBe('proxyCountExceeded')
    expect(wordOf(situation({ proxyCount: 0 }, { present: upstream() }))).toBe('proxyCountExceeded')
    expect(wordOf(situation({ proxyCount: 0 }))).toBe('answer')
    expect(wordOf(situation({}, { refused: true }))).toBe('authnFailed')
    expect(wordOf(situation({}, { welcome: { kind: 'none' } }))).toBe('noAvailableIdp')
    expect(wordOf(situation({ nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' }))).toBe(
      'invalidNameIdPolicy',
    )
    expect(wordOf(situation({}, { console: { ...firewall, tenantId: 'blue' } }))).toBe('requestDenied')
  })

  test('ends, however often somebody comes back', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), fc.boolean(), (forceAuthn, isPassive, there) => {
        const request = { asked: { ...asked, forceAuthn, isPassive }, sent: 5, sessionHash: 's1' }
        const decision = decide(situation({}, { request, present: there ? local() : undefined }))
        expect(decision.kind).not.toBe('sign-in')
      }),
    )
  })
})

describe('who may use a console', () => {
  const may = (tenantId: string | null, ...bindings: Binding[]) => mayUse({ tenantId }, { bindings })

  test('is everybody, or those whose rights reach into its tenant', () => {
    expect(may(null)).toBe(true)
    expect(may('red', binding('red'))).toBe(true)
    expect(may('red', binding('blue'), binding(null))).toBe(true)
    expect(may('red', binding('blue'))).toBe(false)
    expect(may('red', binding(null, 'site'))).toBe(false)
    expect(may('red')).toBe(false)
  })

  test('is described by what was chosen, without what they are elsewhere', () => {
    const caller = callerWith([binding('blue', null, 'tenant-administrator'), binding('red')])
    const release = ['name', 'email', 'roles', 'groups', 'tenant'] as const
    const groups = [
      { name: 'noc', tenantId: 'red' },
      { name: 'hidden', tenantId: 'blue' },
      { name: 'everywhere', tenantId: null },
    ]
    const red = { ...firewall, tenantId: 'red', tenantName: 'red', release }
    expect(attributesFor(red, caller, groups)).toEqual({
      ...{ name: ['alice'], email: ['alice@example.org'], roles: ['tenant-member'] },
      ...{ groups: ['noc', 'everywhere'], tenant: ['red'] },
    })
    expect(attributesFor({ ...red, release: [] }, caller, groups)).toEqual({})
  })
})

describe('where a console’s sign-in goes on', () => {
  const handle = `_${'a'.repeat(40)}`

  test('is a page to go on to, as no other address of SAML is', () => {
    const path = `/saml/idp/continue?request=${handle}`
    expect([pagePath(path), handleIn(path)]).toEqual([path, handle])
    for (const other of [
      `${path}&x=1`,
      `${path}#x`,
      `/saml/idp/continue?request=_x`,
      `/saml/idp/launch?console=1`,
      '/saml/acs',
    ])
      expect([pagePath(other), handleIn(other)], other).toEqual([undefined, undefined])
  })
})
