import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '#test/e2e/browser.ts'
import { startConsole } from '#test/unit/http/ground.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

/** A page of the console whose browser has an authenticator that verifies its person, or does not. */
async function pageWithAuthenticator(origin: string, { verifies = true } = {}) {
  const context = await browser.newContext()
  const page = await context.newPage()
  const devtools = await context.newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', automaticPresenceSimulation: true },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: verifies },
    },
  })
  await page.goto(`${origin}/sign-in`)
  const credentials = async () => (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials
  return { page, context, credentials }
}

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** Calls the API as a page does, with its cookie. */
const call = (page: Page, method: string, path: string, body?: unknown): Promise<Answer> =>
  page.evaluate(
    async (asked) => {
      const answer = await fetch(`/api/v1${asked.path}`, {
        method: asked.method,
        ...(asked.body !== undefined && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(asked.body),
        }),
      })
      const text = await answer.text()
      return { status: answer.status, body: text === '' ? {} : JSON.parse(text) }
    },
    { method, path, body },
  )

/** `navigator.credentials`, as the browser itself reads and writes its JSON. Answers the name of what it throws. */
const inBrowser = (page: Page, kind: 'create' | 'get', options: unknown): Promise<Record<string, unknown> | string> =>
  page.evaluate(
    async (asked) => {
      const reader = PublicKeyCredential as unknown as Record<string, (json: unknown) => never>
      const parse = asked.kind === 'create' ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON'
      try {
        const publicKey = reader[parse]?.(asked.options)
        const made = await navigator.credentials[asked.kind as 'get']({ publicKey } as CredentialRequestOptions)
        return (made as unknown as { toJSON(): Record<string, unknown> }).toJSON()
      } catch (error) {
        return (error as Error).name
      }
    },
    { kind, options },
  )

test('a browser registers a passkey that stays in it, signs in with it alone, and proves anew who it is', async () => {
  const { port, password } = await startConsole()
  const { page, credentials } = await pageWithAuthenticator(`http://localhost:${port}`)
  expect((await call(page, 'POST', '/session', { name: 'admin', password })).status).toBe(201)
  const creation = await call(page, 'POST', '/credentials/passkeys/begin', {})
  const made = await inBrowser(page, 'create', creation.body)
  const added = await call(page, 'POST', '/credentials/passkeys', { name: 'laptop', response: made })
  expect([added.status, added.body]).toMatchObject([201, { name: 'laptop' }])
  expect(await credentials()).toMatchObject([{ isResidentCredential: true, rpId: 'localhost' }])

  expect((await call(page, 'DELETE', '/session')).status).toBe(204)
  const request = await call(page, 'POST', '/session/passkey/begin', {})
  const proof = await inBrowser(page, 'get', request.body)
  const entered = await call(page, 'POST', '/session', { passkey: proof })
  expect([entered.status, entered.body]).toMatchObject([
    201,
    { account: { name: 'admin' }, method: 'passkey+hardware' },
  ])
  const renewing = await call(page, 'POST', '/session/step-up/passkey/begin', {})
  const again = await inBrowser(page, 'get', renewing.body)
  expect((await call(page, 'POST', '/session/step-up', { passkey: again })).status).toBe(200)
  expect((await call(page, 'GET', '/session')).status).toBe(200)

  // The same proof a second time is worth nothing, and an authenticator has no second passkey for one account.
  expect((await call(page, 'POST', '/session', { passkey: proof })).status).toBe(401)
  const second = await call(page, 'POST', '/credentials/passkeys/begin', {})
  expect(await inBrowser(page, 'create', second.body)).toBe('InvalidStateError')
  await page.context().close()
})

test('an authenticator that verifies nobody registers nothing', async () => {
  const { port, password } = await startConsole()
  const { page } = await pageWithAuthenticator(`http://localhost:${port}`, { verifies: false })
  await call(page, 'POST', '/session', { name: 'admin', password })
  const creation = await call(page, 'POST', '/credentials/passkeys/begin', {})
  expect(await inBrowser(page, 'create', creation.body)).toBe('NotAllowedError')
  await page.context().close()
})

test('at an address the console says at which name passkeys work', async () => {
  const { port, password } = await startConsole()
  const { page } = await pageWithAuthenticator(`http://127.0.0.1:${port}`)
  await call(page, 'POST', '/session', { name: 'admin', password })
  const refused = await call(page, 'POST', '/credentials/passkeys/begin', {})
  expect(refused).toMatchObject({
    status: 422,
    body: { errors: [{ mend: `Open the console at http://localhost:${port}.` }] },
  })
  await page.context().close()
})
