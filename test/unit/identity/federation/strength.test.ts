import { describe, expect, test } from 'vitest'
import type { SecondFactor } from '#server/identity/duties.ts'
import { methodThere, strengthThere } from '#server/identity/federation/strength.ts'

const CLASS = 'urn:oasis:names:tc:SAML:2.0:ac:classes:'
const said = (contexts: string[], methods: string[] = []) => strengthThere({}, { contexts, methods })

describe('how strongly somebody signed in at a provider', () => {
  test.each<[SecondFactor, string[], string[]]>([
    ['optional', [''], []],
    ['optional', [`${CLASS}PasswordProtectedTransport`], []],
    ['optional', [`${CLASS}Kerberos`], []],
    ['optional', ['urn:some:thing'], ['pwd']],
    ['optional', ['0'], ['otp']],
    ['optional', [], ['pwd', 'pin', 'face']],
    ['required', [`${CLASS}TimeSyncToken`], []],
    ['required', [`${CLASS}SmartcardPKI`], []],
    ['required', ['https://refeds.org/profile/mfa'], []],
    ['required', [], ['mfa']],
    ['required', [], ['pwd', 'otp']],
    ['required', [], ['fpt', 'hwk']],
    ['passkey', ['phr'], ['pwd', 'otp']],
    ['hardware', ['phrh'], []],
  ])('is %s by the contexts %j and the methods %j', (strength, contexts, methods) => {
    expect(said(contexts, methods)).toBe(strength)
  })

  test('is what is declared of the provider, or more where its answer says so', () => {
    const nothing = { contexts: [], methods: [] }
    expect(strengthThere({ secondFactor: 'passkey' }, nothing)).toBe('passkey')
    expect(strengthThere({ secondFactor: 'required' }, { contexts: ['phrh'], methods: [] })).toBe('hardware')
    expect(strengthThere({ secondFactor: 'passkey' }, { contexts: [], methods: ['mfa'] })).toBe('passkey')
    expect(methodThere('saml', 'optional')).toBe('saml')
    expect(methodThere('oidc', 'hardware')).toBe('oidc+hardware')
  })
})
