import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { durationOf } from '#server/identity/saml/duration.ts'
import { idpMetadata, type MetadataOptions, parseMetadata, spMetadata } from '#server/identity/saml/metadata.ts'
import { BINDING, NAME_ID } from '#server/identity/saml/names.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { bodyOf, ecCredential, rsaCredential, signerOf } from './credentials.ts'
import { NOW_ms, OWN } from './forge.ts'
import { adfs, entra, keycloak, mellon, simplesamlphp } from './metadata-samples.ts'
import { OWN_IDP, reasonOf, taken } from './parties.ts'

const [one, two, three] = [rsaCredential(), rsaCredential(3_072, 'two'), ecCredential()]
const [weak, usual] = [rsaCredential(1_024), rsaCredential(2_048, 'usual')]
const parse = (xml: string | Uint8Array, options?: MetadataOptions) => parseMetadata(xml, NOW_ms, options)
const same = (pem: string) => bodyOf(pem)

describe('the metadata of', () => {
  test('SimpleSAMLphp', () => {
    const { idp, ...rest } = taken(parse(Buffer.from(simplesamlphp(one.certificate))))
    expect(rest).toEqual({ entityId: 'http://127.0.0.1:18080/idp', verified: false })
    expect(idp?.signingCertificates.map(same)).toEqual([bodyOf(one.certificate)])
    expect(idp).toMatchObject({
      entityId: 'http://127.0.0.1:18080/idp',
      singleSignOn: [
        { binding: BINDING.redirect, location: 'http://127.0.0.1:18080/saml2/idp/SSOService.php' },
        { binding: BINDING.post, location: 'http://127.0.0.1:18080/saml2/idp/SSOService.php' },
      ],
      singleLogout: [{ binding: BINDING.redirect }, { binding: BINDING.soap }],
      wantAuthnRequestsSigned: false,
      nameIdFormats: [NAME_ID.persistent],
    })
  })

  test('Keycloak', () => {
    const { entityId, idp } = taken(parse(keycloak(one.certificate)))
    expect(entityId).toBe('https://keycloak.example.org/realms/weft')
    expect(idp).toMatchObject({ wantAuthnRequestsSigned: true, nameIdFormats: [NAME_ID.persistent, NAME_ID.email] })
    expect(idp?.singleLogout.map(({ binding }) => binding)).toEqual([BINDING.post, BINDING.redirect])
  })

  test('AD FS, which has both roles', () => {
    const xml = Buffer.from(adfs(one.certificate, two.certificate))
    const { idp, sp } = taken(parse(xml))
    expect(idp?.signingCertificates.map(same)).toEqual([bodyOf(one.certificate), bodyOf(two.certificate)])
    expect(idp?.singleLogout).toEqual([
      {
        binding: BINDING.redirect,
        location: 'https://adfs.example.org/adfs/ls/',
        responseLocation: 'https://adfs.example.org/adfs/ls/done',
      },
    ])
    expect(sp?.encryptionCertificates.map(same)).toEqual([bodyOf(one.certificate)])
    expect(sp?.assertionConsumers).toEqual([
      { binding: BINDING.post, location: 'https://adfs.example.org/adfs/ls/', index: 0, isDefault: true },
    ])
    expect(taken(parse(xml, { role: 'idp' }))).not.toHaveProperty('sp')
    expect(taken(parse(xml, { role: 'sp' }))).not.toHaveProperty('idp')
  })

  test('Entra ID, with keys that change', () => {
    const { entityId, idp } = taken(parse(entra(one.certificate, two.certificate)))
    expect(entityId).toBe('https://sts.windows.net/00000000-aaaa/')
    expect(idp?.signingCertificates.map(same)).toEqual([bodyOf(one.certificate), bodyOf(two.certificate)])
    expect(idp?.signingCertificates[0]).toMatch(/^-----BEGIN CERTIFICATE-----\n/)
  })

  test('mellon, with comments of people', () => {
    const { sp } = taken(parse(mellon(one.certificate), { role: 'sp' }))
    expect(sp).toMatchObject({ authnRequestsSigned: true, wantAssertionsSigned: true })
    expect(sp?.signingCertificates.map(same)).toEqual([bodyOf(one.certificate)])
    expect(sp?.encryptionCertificates.map(same)).toEqual([bodyOf(one.certificate)])
    expect(sp?.singleLogout.map(({ binding }) => binding)).toEqual([BINDING.soap, BINDING.redirect])
  })
})

describe('metadata of ours', () => {
  const encryption = rsaCredential()

  test('as a service provider passes our own checks, with the keys of a rotation', async () => {
    const signing = [two.certificate, one.certificate]
    const xml = await spMetadata(OWN, signerOf(one), [encryption.certificate, two.certificate], signing)
    const { sp, ...rest } = taken(parse(xml, { role: 'sp', pinnedCertificates: [one.certificate] }))
    expect(rest).toEqual({ entityId: OWN.entityId, cacheDuration_ms: 3_600_000, verified: true })
    expect(sp?.signingCertificates.map(same)).toEqual([bodyOf(one.certificate), bodyOf(two.certificate)])
    expect(sp?.encryptionCertificates.map(same)).toEqual([bodyOf(encryption.certificate), bodyOf(two.certificate)])
    expect(sp).toMatchObject({
      assertionConsumers: [{ binding: BINDING.post, location: OWN.acsUrl, index: 0, isDefault: true }],
      singleLogout: [
        { binding: BINDING.redirect, location: OWN.sloUrl },
        { binding: BINDING.soap, location: OWN.sloSoapUrl },
      ],
      authnRequestsSigned: true,
      wantAssertionsSigned: true,
    })
    expect(sp?.nameIdFormats).toContain(NAME_ID.persistent)
  })

  test('as an identity provider likewise', async () => {
    const xml = await idpMetadata(OWN_IDP, signerOf(one), [encryption.certificate])
    const { idp, sp } = taken(parse(xml, { pinnedCertificates: [two.certificate, one.certificate] }))
    expect(sp).toBeUndefined()
    expect(idp).toMatchObject({
      entityId: OWN_IDP.entityId,
      wantAuthnRequestsSigned: true,
      singleSignOn: [
        { binding: BINDING.redirect, location: OWN_IDP.ssoUrl },
        { binding: BINDING.post, location: OWN_IDP.ssoUrl },
      ],
      singleLogout: [
        { binding: BINDING.redirect, location: OWN_IDP.sloUrl },
        { binding: BINDING.soap, location: OWN_IDP.sloSoapUrl },
      ],
      nameIdFormats: [NAME_ID.persistent],
    })
    expect(idp?.signingCertificates.map(same)).toEqual([bodyOf(one.certificate)])
  })
})

describe('a signature of metadata', () => {
  it('proves nothing by the key that came with it', async () => {
    const xml = await idpMetadata(OWN_IDP, signerOf(two))
    expect(taken(parse(xml)).verified).toBe(false)
    const altered = xml.replace(OWN_IDP.ssoUrl, 'https://attacker.example.org/sso')
    expect(taken(parse(altered)).verified).toBe(false)
    expect(reasonOf(parse(altered, { pinnedCertificates: [two.certificate] }))).toBe('signature-invalid')
    expect(reasonOf(parse(xml, { pinnedCertificates: [one.certificate] }))).toBe('signature-key')
    expect(reasonOf(parse(simplesamlphp(one.certificate), { pinnedCertificates: [one.certificate] }))).toBe('unsigned')
  })

  it('covers a large document, and what is around the entity', async () => {
    const many = Array.from({ length: 3_000 }, (_, i) => `<md:Extra xmlns:x="urn:${'x'.repeat(100)}" x:n="${i}"/>`)
    const xml = keycloak(one.certificate)
      .replace(' Name=', ' ID="_all" Name=')
      .replace('<md:EntityDescriptor', `<md:Extensions>${many.join('')}</md:Extensions><md:EntityDescriptor`)
    const signed = await signXml(xml, '_all', signerOf(two), 'first')
    expect(signed.length).toBeGreaterThan(400_000)
    expect(taken(parse(signed, { pinnedCertificates: [two.certificate] })).verified).toBe(true)
  })
})

describe('the end of metadata', () => {
  const until = (text: string) => ` validUntil="${text}"`
  const at = (xml: string, name: string, attribute: string) => xml.replace(`<md:${name}`, `<md:${name}${attribute}`)
  const NAMES = ['EntitiesDescriptor', 'EntityDescriptor', 'IDPSSODescriptor']

  it.each(NAMES)('is that of %s', (name) => {
    const base = keycloak(one.certificate)
    const passed = at(base, name, until('2026-11-21T12:00:00Z'))
    expect(parse(passed)).toMatchObject({ ok: false, reason: 'expired' })
    expect(parse(passed)).toHaveProperty('detail', expect.stringContaining('2026-11-21T12:00:00.000Z'))
    const held = taken(parse(at(base, name, until('2026-11-21T12:00:01Z'))))
    expect(held.validUntil_ms).toBe(NOW_ms + 1_000)
    expect(held.idp?.validUntil_ms).toBe(NOW_ms + 1_000)
    expect(taken(parse(at(base, name, ' cacheDuration="PT12H"'))).cacheDuration_ms).toBe(43_200_000)
  })

  it('is the earliest of them', () => {
    const ends = ['2026-11-24T00:00:00Z', '2026-11-22T00:00:00Z', '2026-11-23T00:00:00Z']
    const xml = NAMES.reduce((text, name, i) => at(text, name, until(ends[i] as string)), keycloak(one.certificate))
    expect(taken(parse(xml)).validUntil_ms).toBe(Date.parse('2026-11-22T00:00:00Z'))
  })

  it.each([
    ['P1D', 86_400_000],
    ['PT0S', 0],
    ['P1Y2M3DT4H5M6.789S', 365 * 86_400_000 + 60 * 86_400_000 + 3 * 86_400_000 + 4 * 3_600_000 + 306_000],
    ['P', undefined],
    ['PT', undefined],
    ['P1DT', undefined],
    ['-P1D', undefined],
    ['1 day', undefined],
    [`P${'9'.repeat(400)}D`, undefined],
  ])('counts a duration %s', (text, expected) => {
    expect(durationOf(text)).toBe(expected)
  })
})

describe('metadata is refused', () => {
  const base = keycloak(one.certificate)
  const console = mellon(one.certificate)
  const SSO = 'https://keycloak.example.org/realms/weft/protocol/saml'
  const to = (location: string) => base.replaceAll(`Location="${SSO}"`, `Location="${location}"`)
  const entity = base.replace(/^<md:EntitiesDescriptor[^>]*>|<\/md:EntitiesDescriptor>$/g, '')
  const twice = base.replace('</md:EntitiesDescriptor>', `${entity}</md:EntitiesDescriptor>`)

  it.each([
    ['entity-id', base.replace(/entityID="[^"]*"/, '')],
    ['entity-id', base.replace(/entityID="[^"]*"/, 'entityID=""')],
    ['entity-id', base.replace(/entityID="[^"]*"/, 'entityID="two words"')],
    ['entity-id', base.replace(/entityID="[^"]*"/, `entityID="urn:${'x'.repeat(1_021)}"`)],
    ['entity-count', twice],
    ['entity-count', base.replace(/<md:EntityDescriptor.*<\/md:EntityDescriptor>/, '')],
    ['entity-count', base.replaceAll('IDPSSODescriptor', 'PDPDescriptor')],
    [
      'entity-count',
      base.replace(
        /protocolSupportEnumeration="[^"]*"/,
        'protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"',
      ),
    ],
    ['metadata', base.replace(/<md:IDPSSODescriptor.*<\/md:IDPSSODescriptor>/, '$&$&')],
    ['no-key', base.replace(/<md:KeyDescriptor.*<\/md:KeyDescriptor>/, '')],
    ['no-key', base.replace('use="signing"', 'use="encryption"')],
    ['no-key', base.replace(/<ds:X509Data>.*<\/ds:X509Data>/, '')],
    ['no-key', keycloak(ecCredential('secp256k1').certificate)],
    ['no-key', console.replace(/<KeyDescriptor.*<\/KeyDescriptor>/, '')],
    ['weak-key', keycloak(weak.certificate)],
    ['weak-key', keycloak(usual.certificate)],
    ['weak-key', entra(one.certificate, weak.certificate)],
    ['schema', base.replace('use="signing"', 'use="anything"')],
    [
      'metadata',
      base.replace(/<ds:X509Certificate>.*<\/ds:X509Certificate>/, '<ds:X509Certificate>AAAA</ds:X509Certificate>'),
    ],
    ['metadata', keycloak('A'.repeat(20_000))],
    ['not-base64', base.replace(/<ds:X509Certificate>/, '<ds:X509Certificate>!')],
    ['endpoint', to('javascript:alert(1)')],
    ['endpoint', to('JavaScript:alert(1)//https://')],
    ['endpoint', to('data:text/html,x')],
    ['endpoint', to('http://keycloak.example.org/saml')],
    ['endpoint', to('http://127.0.0.1.example.org/saml')],
    ['endpoint', to('http://localhost.example.org/saml')],
    ['endpoint', to('http://10.0.0.1/saml')],
    ['endpoint', to('https://user:password@keycloak.example.org/')],
    ['endpoint', to('https://keycloak.example.org/#part')],
    ['endpoint', to('https://keycloak.example.org/a b')],
    ['endpoint', to('//keycloak.example.org/')],
    ['endpoint', to('/saml')],
    ['endpoint', to('')],
    ['endpoint', to(`https://keycloak.example.org/${'x'.repeat(2_048)}`)],
    [
      'endpoint',
      base.replace(/<md:SingleSignOnService.*Service Binding="[^"]*:SOAP"/, (all) => all.slice(all.lastIndexOf('<'))),
    ],
    ['endpoint', console.replace(/<AssertionConsumerService index="0".*\n/, '')],
    ['endpoint', adfs(one.certificate, two.certificate).replace('ls/done', 'ls/done#')],
    ['schema', base.replace(/SingleLogoutService Binding="[^"]*"/, 'SingleLogoutService')],
    ['schema', console.replace('index="0"', '')],
    ['schema', console.replace('index="0"', 'index="first"')],
    ['schema', console.replace('HTTP-Artifact', 'HTTP-POST').replace('index="1"', 'index="0"')],
    ['schema', console.replace('AuthnRequestsSigned="true"', 'AuthnRequestsSigned="maybe"')],
    ['schema', base.replace(' Name=', ' validUntil="tomorrow" Name=')],
    ['schema', base.replace(' Name=', ' cacheDuration="a day" Name=')],
    ['count', base.replace(/<ds:X509Data>.*<\/ds:X509Data>/, (data) => data.repeat(21))],
    ['count', base.replace(/<md:NameIDFormat>/, (format) => `${'<md:NameIDFormat/>'.repeat(100)}${format}`)],
    [
      'wrong-root',
      entity
        .replace(/<\/?md:EntityDescriptor[^>]*>/g, '')
        .replace('<md:IDP', `<md:IDP`)
        .replace(
          ' WantAuthn',
          ` xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" WantAuthn`,
        ),
    ],
    ['doctype', `<!DOCTYPE x [<!ENTITY a "b">]>${base}`],
    ['processing-instruction', base.replace('<md:IDP', '<?x?><md:IDP')],
    ['comment', base.replace('<ds:KeyName>', '<ds:KeyName>a<!-- b -->')],
    ['comment', base.replace('<ds:KeyName>J', '<ds:KeyName><!-- b -->J')],
    ['comment', `${base}<!-- no end`],
    ['cdata', base.replace('<ds:KeyName>', '<ds:KeyName><![CDATA[ ><!-- --> ]]>')],
    ['duplicate-id', base.replace(' Name=', ' ID="a" Name=').replace(' WantAuthn', ' ID="a" WantAuthn')],
    ['not-xml', 'entityID: yaml'],
    ['not-xml', ''],
    ['depth', base.replace('<md:IDP', `<md:Extensions>${'<x>'.repeat(50)}${'</x>'.repeat(50)}</md:Extensions><md:IDP`)],
    ['count', base.replace('<md:IDP', `<md:Extensions>${'<x/>'.repeat(21_000)}</md:Extensions><md:IDP`)],
    ['too-large', base + ' '.repeat(1_048_577)],
    ['too-large', base + ' '.repeat(4_200_000)],
  ])('as %s (%#)', (reason, xml) => {
    expect(xml).not.toBe(base)
    expect(reasonOf(parse(xml))).toBe(reason)
  })

  it('when it is not UTF-8', () => {
    expect(reasonOf(parse(Buffer.from(base, 'utf16le')))).toBe('not-xml')
    expect(reasonOf(parse(Buffer.from([0x3c, 0xff])))).toBe('not-xml')
  })

  it('not for what is merely unusual: loopback by http, a curve, a provider that signs nothing', () => {
    for (const host of ['localhost', '127.0.0.53:8080', '[::1]:3000'])
      expect(taken(parse(to(`http://${host}/saml?x=1`))).idp?.singleSignOn[0]?.location).toBe(`http://${host}/saml?x=1`)
    expect(taken(parse(keycloak(three.certificate))).idp?.signingCertificates).toHaveLength(1)
    const quiet = console
      .replace(/<KeyDescriptor.*<\/KeyDescriptor>/, '')
      .replace('AuthnRequestsSigned="true"', '')
      .replace(/<SingleLogoutService.*\n/g, '')
    expect(taken(parse(quiet)).sp).toMatchObject({ signingCertificates: [], authnRequestsSigned: false })
    const chained = base.replace(
      '</ds:X509Data>',
      `<ds:X509Certificate>${bodyOf(two.certificate)}</ds:X509Certificate>$&`,
    )
    expect(taken(parse(chained)).idp?.signingCertificates.map(same)).toEqual([bodyOf(one.certificate)])
  })

  it('for the role that is wanted alone', () => {
    const both = adfs(one.certificate, two.certificate)
    const broken = both.replace('index="0"', 'index="?"')
    expect(reasonOf(parse(broken))).toBe('schema')
    expect(reasonOf(parse(broken, { role: 'idp' }))).toBe('accepted')
    expect(reasonOf(parse(base, { role: 'sp' }))).toBe('entity-count')
    const mixed = base.replace(
      '</md:EntitiesDescriptor>',
      `${console.replace(/^[\s\S]*?(?=<EntityDescriptor)|<!--[\s\S]*?-->/g, '')}$&`,
    )
    expect(reasonOf(parse(mixed))).toBe('entity-count')
    expect(taken(parse(mixed, { role: 'sp' })).entityId).toBe('https://vnf.example.org/mellon/metadata')
    expect(taken(parse(mixed, { role: 'idp' })).entityId).toBe('https://keycloak.example.org/realms/weft')
  })

  test('whatever it is, by an answer and not by an error', () => {
    const samples = [base, console, adfs(one.certificate, two.certificate), simplesamlphp(one.certificate)]
    const edit = fc.tuple(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(60),
      fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('<', '"', '/>', '<!--', '-->')),
    )
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.array(edit, { minLength: 1, maxLength: 4 }), (sample, edits) => {
        const edited = edits.reduce((text, [part, cut, put]) => {
          const at = Math.floor(part * text.length)
          return text.slice(0, at) + put + text.slice(at + cut)
        }, sample)
        expect(reasonOf(parse(edited))).not.toBe('fault')
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array()), (bytes) => {
        expect(['accepted', 'fault']).not.toContain(reasonOf(parse(bytes)))
      }),
    )
  })

  test('in time that grows no faster than its size, comments too', () => {
    const open = '<!--'.repeat(250_000)
    const many = `${'<!-- -->'.repeat(120_000)}${base}`
    const began = process.cpuUsage()
    expect(reasonOf(parse(open))).not.toBe('accepted')
    expect(reasonOf(parse(many))).toBe('accepted')
    expect(process.cpuUsage(began).user / 1_000).toBeLessThan(2_000)
  })
})
