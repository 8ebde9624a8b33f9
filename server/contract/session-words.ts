const METHODS: Readonly<Record<string, string>> = {
  password: 'Password',
  passkey: 'Passkey',
  saml: 'SAML',
  oidc: 'OpenID Connect',
  totp: 'code',
  mfa: 'a second factor',
  hardware: 'a device that keeps it',
}

/** `Password and code`, for password+totp */
export const methodWords = (method: string): string =>
  method
    .split('+')
    .map((part) => METHODS[part] ?? part)
    .join(' and ')

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\/|Chromium\//, 'Chrome'],
  [/Safari\//, 'Safari'],
  [/curl\//, 'curl'],
  [/weft/i, 'the command line'],
]
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/Windows/, 'Windows'],
  [/iPhone|iPad/, 'iOS'],
  [/Mac OS X/, 'macOS'],
  [/Android/, 'Android'],
  [/Linux|X11/, 'Linux'],
]

/** What somebody came with, as people say it: `Firefox on Linux`. */
export function agentWords(agent: string): string {
  const found = (list: typeof BROWSERS) => list.find(([pattern]) => pattern.test(agent))?.[1]
  const [browser, system] = [found(BROWSERS), found(SYSTEMS)]
  if (!browser) return agent.split(/[\s/]/)[0] || 'something unnamed'
  return system ? `${browser} on ${system}` : browser
}
