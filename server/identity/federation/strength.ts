import { isAtLeast, type SecondFactor } from '../duties.ts'

/** How a provider says that somebody was authenticated. */
export interface Authentication {
  /** Contexts: the class of a SAML assertion, or `acr`. */
  readonly contexts: readonly string[]
  /** `amr` of OpenID Connect (RFC 8176). */
  readonly methods: readonly string[]
}

const CLASS = 'urn:oasis:names:tc:SAML:2.0:ac:classes:'

/** Contexts that stand for several factors, or for more. */
const CONTEXTS: ReadonlyMap<string, SecondFactor> = new Map<string, SecondFactor>([
  ...[
    ...[`${CLASS}TimeSyncToken`, `${CLASS}MobileTwoFactorUnregistered`, `${CLASS}MobileTwoFactorContract`],
    ...[`${CLASS}SmartcardPKI`, 'https://refeds.org/profile/mfa', 'http://schemas.microsoft.com/claims/multipleauthn'],
    'http://schemas.openid.net/pape/policies/2007/06/multi-factor',
  ].map((context) => [context, 'required'] as const),
  // OpenID Connect Extended Authentication Profile: resistant to phishing, and that with a key that hardware protects.
  ['phr', 'passkey'],
  ['phrh', 'hardware'],
])

/** Methods by what they show: what somebody knows or is, and what they have. */
const KNOWN = ['pwd', 'pin', 'kba', 'fpt', 'face', 'iris', 'retina', 'vbm']
const HAD = ['otp', 'hwk', 'swk', 'sc', 'pop', 'sms', 'tel']

const severalOf = (methods: readonly string[]): boolean =>
  methods.includes('mfa') ||
  (KNOWN.some((method) => methods.includes(method)) && HAD.some((method) => methods.includes(method)))

const strongest = (strengths: readonly SecondFactor[]): SecondFactor =>
  strengths.reduce((one, other) => (isAtLeast(other, one) ? other : one), 'optional')

/** How strongly somebody signed in at a provider: as is declared of it, or as its answer says. What neither says is one factor. */
export const strengthThere = (
  { secondFactor = 'optional' }: { readonly secondFactor?: SecondFactor | undefined },
  { contexts, methods }: Authentication,
): SecondFactor =>
  strongest([
    secondFactor,
    ...(severalOf(methods) ? (['required'] as const) : []),
    ...contexts.map((context) => CONTEXTS.get(context) ?? 'optional'),
  ])

const SUFFIX: Readonly<Record<SecondFactor, string>> = {
  ...{ optional: '', required: '+mfa', passkey: '+passkey', hardware: '+hardware' },
}

/** The method of a session that began at a provider, such as `saml+mfa`. */
export const methodThere = (protocol: string, strength: SecondFactor): string => `${protocol}${SUFFIX[strength]}`

/** What an answer says of how somebody was authenticated, for a line of the log. */
export const wordsOf = ({ contexts, methods }: Authentication): string =>
  [...contexts, ...methods].filter(Boolean).join(', ').slice(0, 200) || 'nothing'
