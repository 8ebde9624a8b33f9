import { describe, expect, test } from 'vitest'
import { NS } from '#server/identity/saml/names.ts'
import { allElements } from '#server/identity/saml/nodes.ts'
import { checkResponse } from '#server/identity/saml/response.ts'
import { verifySignature } from '#server/identity/saml/signature.ts'
import { parseStrict } from '#server/identity/saml/xml.ts'
import { rsaCredential } from './credentials.ts'
import { describeProvider, genuine, ISSUER, inputFor, OWN, SIGNED_BY } from './forge.ts'
import { EVIL, mutatorsFor, WRAPPINGS } from './mutators.ts'

const kit = { provider: rsaCredential(), stranger: rsaCredential() }
const input = inputFor(describeProvider(kit.provider))

describe.each(SIGNED_BY)('a response that is signed in %s', (by) => {
  const control = genuine(by, kit.provider)

  test('brings whom the provider says', async () => {
    const checked = await checkResponse(control, input)
    expect(checked).toMatchObject({
      ok: true,
      value: {
        assertionId: '_assertion',
        nameId: {
          value: 'alice@example.org',
          format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
          nameQualifier: '',
          spNameQualifier: OWN.entityId,
        },
        sessionIndex: '_session-1',
        attributes: { mail: ['alice@example.org'], groups: ['network & fabric', 'operators'] },
        notOnOrAfter_ms: input.now_ms + 300_000,
        encrypted: false,
        signed: by === 'both' ? ['response', 'assertion'] : [by],
      },
    })
    expect(checked.steps.every(({ passed }) => passed)).toBe(true)
  })

  test.each(mutatorsFor(by))('is refused: $name', async ({ mutate, expected }) => {
    const spoiled = mutate(control, kit)
    expect(spoiled).not.toBe(control)
    const checked = await checkResponse(spoiled, input)
    expect(checked).toMatchObject({ ok: false, reason: expected })
    expect(checked.steps.at(-1)).toMatchObject({ check: expected, passed: false })
    expect(await checkResponse(control, input)).toMatchObject({ ok: true })
  })

  test.each(WRAPPINGS)('holds without the rules of place: $name', ({ mutate }) => {
    const parsed = parseStrict(mutate(control, kit), { namespace: NS.protocol, name: 'Response' })
    if (!parsed.ok) throw new Error(parsed.detail)
    for (const element of allElements(parsed.value.root)) {
      const signed = verifySignature(parsed.value, element, input.provider.signingCertificates)
      if (signed.ok) expect(signed.value.text).not.toContain(EVIL)
    }
  })
})

describe('a response', () => {
  const control = genuine('both', kit.provider)

  test('is refused where no key is stored for the provider', async () => {
    const provider = { ...input.provider, signingCertificates: [] }
    expect(await checkResponse(control, { ...input, provider })).toMatchObject({ ok: false, reason: 'no-key' })
  })

  test('is refused where another provider is expected', async () => {
    const provider = { ...input.provider, entityId: 'https://other.example.net' }
    expect(await checkResponse(control, { ...input, provider })).toMatchObject({ ok: false, reason: 'issuer' })
  })

  test('is refused where only another provider’s key is stored', async () => {
    const provider = { ...describeProvider(kit.stranger), entityId: ISSUER }
    expect(await checkResponse(control, { ...input, provider })).toMatchObject({ ok: false, reason: 'signature-key' })
  })

  test('is taken while keys are exchanged, by the old and by the new', async () => {
    const provider = describeProvider(kit.stranger, kit.provider)
    expect(await checkResponse(control, { ...input, provider })).toMatchObject({ ok: true })
  })

  test('is refused where an encrypted one is wanted', async () => {
    expect(await checkResponse(control, { ...input, requireEncrypted: true })).toMatchObject({ reason: 'unencrypted' })
  })

  test('is refused where another way of authentication was asked for', async () => {
    const strong = { ...input, requestedAuthnContexts: ['https://refeds.org/profile/mfa'] }
    expect(await checkResponse(control, strong)).toMatchObject({ ok: false, reason: 'authn-context' })
  })

  test('is taken within the skew of clocks, and refused past it', async () => {
    const at = (offset_s: number) => checkResponse(control, { ...input, now_ms: input.now_ms + offset_s * 1000 })
    expect(await at(359)).toMatchObject({ ok: true })
    expect(await at(360)).toMatchObject({ ok: false, reason: 'expired' })
    expect(await at(-61)).toMatchObject({ ok: true })
    expect(await at(-62)).toMatchObject({ ok: false, reason: 'not-yet-valid' })
  })
})
