import { createPrivateKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IdpDescription } from '#server/identity/saml/provider.ts'
import { checkResponse } from '#server/identity/saml/response.ts'
import { rsaCredential } from '../../unit/identity/saml/credentials.ts'
import type { SignedBy } from '../../unit/identity/saml/forge.ts'
import { type Kit, mutatorsFor, signedByOf } from '../../unit/identity/saml/mutators.ts'
import { passSimpleSamlForm, postedMessage, startBrowsing } from './browsing.ts'
import { type LassoIdentityProvider, startLasso } from './lasso.ts'
import { askSignIn, described, type Ourselves, queryOf, startOurselves } from './ourselves.ts'
import { type IdentityProvider, startIdentityProvider } from './simplesamlphp.ts'

/** Fresh genuine responses of real providers, spoiled in every known way: all refused, each for its own reason. */

let ours: Ourselves
let one: IdentityProvider
let two: IdentityProvider
let lasso: LassoIdentityProvider
const stranger = rsaCredential()
beforeAll(async () => {
  ours = await startOurselves()
  const serviceProviders = [ours.spMetadata]
  ;[one, two, lasso] = await Promise.all([
    startIdentityProvider({ name: 'one', serviceProviders }),
    startIdentityProvider({ name: 'two', serviceProviders }),
    startLasso({ name: 'lasso', serviceProviders }),
  ])
})
afterAll(() => Promise.all([one, two, lasso, ours].map((peer) => peer?.stop())))

interface Genuine {
  readonly xml: string
  readonly requestId: string
  readonly provider: IdpDescription
  readonly kit: Kit
}

async function genuineOfSimple(simple: IdentityProvider, by: SignedBy): Promise<Genuine> {
  simple.configure({ signResponse: by !== 'assertion', signAssertion: by !== 'response' })
  const { requestId, url } = await askSignIn(ours, simple.singleSignOnUrl)
  const browsing = startBrowsing()
  const page = await passSimpleSamlForm(browsing, await browsing.open(url), 'alice', 'alicepass')
  const { xml } = postedMessage(page)
  const provider = { privateKey: createPrivateKey(simple.signingKey()), certificate: simple.certificate() }
  return { xml, requestId, provider: described(await simple.metadata()), kit: { provider, stranger } }
}

async function genuineOfLasso(): Promise<Genuine> {
  const { requestId, url } = await askSignIn(ours, lasso.singleSignOnUrl)
  const { xml } = await lasso.respond('alice', { query: queryOf(url) })
  const provider = { privateKey: createPrivateKey(lasso.signingKey), certificate: lasso.certificate }
  return { xml, requestId, provider: described(await lasso.metadata()), kit: { provider, stranger } }
}

const check = (xml: string, { requestId, provider }: Pick<Genuine, 'requestId' | 'provider'>) =>
  checkResponse(xml, {
    provider,
    own: ours.sp,
    requestId,
    allowUnsolicited: false,
    now_ms: Date.now(),
    skew_ms: 60_000,
    decrypter: ours.decrypter,
  })

const SOURCES: readonly (readonly [string, SignedBy, () => Promise<Genuine>])[] = [
  ['SimpleSAMLphp, the response signed', 'response', () => genuineOfSimple(one, 'response')],
  ['SimpleSAMLphp, the assertion signed', 'assertion', () => genuineOfSimple(one, 'assertion')],
  ['SimpleSAMLphp, both signed', 'both', () => genuineOfSimple(one, 'both')],
  ['lasso, both signed', 'both', genuineOfLasso],
]

describe.each(SOURCES)('a response of %s', (_source, by, make) => {
  let genuine: Genuine
  beforeAll(async () => {
    genuine = await make()
  })

  test('is accepted as it is, before and after', async () => {
    expect(signedByOf(genuine.xml)).toBe(by)
    for (let i = 0; i < 2; i++) expect(await check(genuine.xml, genuine)).toMatchObject({ ok: true })
  })

  test.each(mutatorsFor(by))('is refused: $name', async ({ mutate, expected }) => {
    const spoiled = mutate(genuine.xml, genuine.kit)
    expect(spoiled).not.toBe(genuine.xml)
    const checked = await check(spoiled, genuine)
    expect(checked.ok ? 'accepted' : checked.reason).toBe(expected)
    expect(await check(genuine.xml, genuine)).toMatchObject({ ok: true })
  })
})

describe('providers that are mixed up', () => {
  test('one’s response is refused as the other’s', async () => {
    const [first, second] = [await genuineOfSimple(one, 'both'), await genuineOfSimple(two, 'both')]
    for (const [response, provider] of [
      [first, second.provider],
      [second, first.provider],
    ] as const)
      expect(await check(response.xml, { requestId: response.requestId, provider })).toMatchObject({
        ok: false,
        reason: 'issuer',
      })
  })

  test('one’s response in the other’s name is refused by its key', async () => {
    const [first, second] = [await genuineOfSimple(one, 'both'), await genuineOfSimple(two, 'both')]
    const renamed = { ...second.provider, entityId: first.provider.entityId }
    expect(await check(first.xml, { requestId: first.requestId, provider: renamed })).toMatchObject({
      ok: false,
      reason: 'signature-key',
    })
  })
})
