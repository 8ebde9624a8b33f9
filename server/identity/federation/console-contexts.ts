const CLASS = 'urn:oasis:names:tc:SAML:2.0:ac:classes:'
const SECOND_FACTOR = 'https://refeds.org/profile/mfa'
const UNSPECIFIED = `${CLASS}unspecified`

/**
 * How somebody signed in with what is kept here, as classes of SAML: the strongest first, all of them true. `method` as
 * sessions have it, such as `password+totp`; `secure`: over TLS.
 */
export function localContexts(method: string, secure: boolean): readonly string[] {
  const [first, second] = method.split('+')
  const password =
    first === 'password' ? [...(secure ? [`${CLASS}PasswordProtectedTransport`] : []), `${CLASS}Password`] : []
  // A passkey is on a device, and opens by a gesture of its person that the device has checked.
  return [...(second !== undefined || first === 'passkey' ? [SECOND_FACTOR] : []), ...password, UNSPECIFIED]
}

/** How somebody signed in at a provider, as that says; what it does not say is not guessed. */
export const upstreamContexts = (said: string): readonly string[] => [said === '' ? UNSPECIFIED : said]
