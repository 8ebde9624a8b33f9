import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { addOidcProvider } from '../oidc/ground.ts'
import { startFakeProvider } from '../oidc/provider.ts'
import { type SignInGround, startSignIn } from './ground.ts'

vi.setConfig({ hookTimeout: 60_000 })

/** Providers where a second factor is asked for: what of their answers counts. */

let ground: SignInGround
beforeAll(async () => {
  ground = await startSignIn({ WEFT_SECOND_FACTOR: 'required', WEFT_METADATA_PRIVATE: 'true' })
})
afterAll(() => ground?.close())

const PASSWORD = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'
const MFA = 'https://refeds.org/profile/mfa'
const byMfa = (xml: string) => xml.replace(PASSWORD, MFA)
const sessionOf = async (cookie: string) =>
  (await (await ground.get('/api/v1/session', { cookie })).json()) as { method: string; owes: string[] }

describe('through SAML', () => {
  test('a single factor is refused: outside by a reference, in the log with what to do', async () => {
    const { answer, session } = await ground.enter(await ground.provider())
    expect([answer.status, session]).toEqual([403, ''])
    expect(await answer.text()).not.toContain('second-factor')
    expect(ground.audit.lines.at(-1)).toMatchObject({
      ...{ action: 'signIn.saml', outcome: 'refused', reason: 'second-factor' },
      detail: expect.stringMatching(/PasswordProtectedTransport, which is less .* option secondFactor/),
    })
  })

  test('a context that stands for several lets in, and the session says so', async () => {
    const { answer, session } = await ground.enter(await ground.provider(), { change: byMfa })
    expect(answer.status).toBe(303)
    expect(await sessionOf(session)).toMatchObject({ method: 'saml+mfa', owes: [] })
  })

  test('what is declared of the provider counts for each of its answers', async () => {
    const idp = await ground.provider({ options: { secondFactor: 'required' } })
    expect(await sessionOf((await ground.enter(idp)).session)).toMatchObject({ method: 'saml+mfa', owes: [] })
  })

  test('a test sign-in shows it among its steps', async () => {
    const idp = await ground.provider()
    const tester = { name: 'tester', displayName: 'Tester', role: 'operator', tenantId: null, passwordHash: '' }
    const { id } = await ground.accounts.create({ tenantId: null }, tester)
    const tried = async (change?: (xml: string) => string) => {
      const name = ground.federation.tests.begin(idp.id, id)
      const begun = await ground.get(`/saml/login?test=${name}`)
      const requestId = new URL(begun.headers.get('location') ?? '').searchParams.get('RelayState') ?? ''
      const cookie = ground.cookieOf(begun, /^__Host-weft-login/)
      await ground.post(
        { SAMLResponse: await ground.respond(idp, { requestId, ...(change && { change }) }) },
        { cookie },
      )
      return ground.federation.tests.read(name, idp.id)
    }
    const refused = await tried()
    expect(refused).toMatchObject({ state: 'refused', reason: 'second-factor' })
    expect(refused?.steps.at(-1)).toMatchObject({ check: 'second-factor', passed: false })
    const passed = await tried(byMfa)
    expect(passed).toMatchObject({ state: 'passed' })
    expect(passed?.steps.at(-1)).toMatchObject({ check: 'second-factor', passed: true })
  })

  test('a session from before the setting owes it, and is sent to its provider', async () => {
    const idp = await ground.provider({
      rules: [{ when: [], then: { give: 'role', role: 'tenant-administrator' } }],
    })
    const { session } = await ground.enter(idp, { change: byMfa })
    await ground.database.engine.query(`UPDATE session SET method = 'saml' WHERE method = 'saml+mfa'`)
    expect(await sessionOf(session)).toMatchObject({ owes: ['second-factor'] })
    const refused = await ground.get('/api/v1/identity-providers', { cookie: session })
    const { code, errors } = (await refused.json()) as { code: string; errors: { mend: string }[] }
    expect([refused.status, code]).toEqual([403, 'owed'])
    expect(errors[0]?.mend).toContain(`/saml/login?idp=${idp.id}&purpose=step-up`)
    const again = await ground.enter(idp, { change: byMfa }, '&purpose=step-up', { cookie: session })
    expect(again.answer.status).toBe(303)
    expect(await sessionOf(again.session)).toMatchObject({ method: 'saml+mfa', owes: [] })
  })
})

test('through OpenID Connect the methods and the context of the id token count', async () => {
  const fake = await startFakeProvider()
  const idp = await addOidcProvider(ground, fake, {
    rules: [{ when: [], then: { give: 'role', role: 'tenant-member' } }],
  })
  const enter = async (claims: Record<string, unknown>) => {
    const begun = await ground.get(`/oidc/login?idp=${idp.name}`)
    const cookie = ground.cookieOf(begun, /^__Host-weft-login/)
    const query = fake.authorize(begun.headers.get('location') ?? '', claims)
    const answer = await ground.get(`/oidc/callback?${query}`, { cookie, 'sec-fetch-site': 'cross-site' })
    return { status: answer.status, session: ground.cookieOf(answer, /^__Host-weft=/) }
  }
  expect(await enter({})).toEqual({ status: 403, session: '' })
  expect(await enter({ amr: ['pwd'], acr: '1' })).toEqual({ status: 403, session: '' })
  expect(ground.audit.lines.at(-1)).toMatchObject({
    reason: 'second-factor',
    detail: expect.stringContaining('By 1, pwd'),
  })
  expect(await sessionOf((await enter({ amr: ['pwd', 'otp'] })).session)).toMatchObject({
    method: 'oidc+mfa',
    owes: [],
  })
  expect(await sessionOf((await enter({ acr: 'phr' })).session)).toMatchObject({ method: 'oidc+passkey', owes: [] })
  await fake.halt()
})
