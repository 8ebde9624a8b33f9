/** Ways in which somebody was authenticated, and how strong they are (core 3.3.2.2.1). */

const CLASS = 'urn:oasis:names:tc:SAML:2.0:ac:classes:'

export type Comparison = 'exact' | 'minimum' | 'maximum' | 'better'

export interface RequestedAuthnContext {
  readonly comparison: Comparison
  /** Class references; empty where only declarations were asked for, which nobody can give here. */
  readonly classes: readonly string[]
}

/** Classes from weak to strong; those of one line are as strong as each other. */
export type Ranking = readonly (readonly string[])[]

/** What the classes of SAML mean, and those that REFEDS and Microsoft give for a second factor. */
export const RANKING: Ranking = [
  [`${CLASS}unspecified`],
  [`${CLASS}InternetProtocol`, `${CLASS}PreviousSession`],
  [`${CLASS}Password`, `${CLASS}InternetProtocolPassword`],
  [`${CLASS}PasswordProtectedTransport`, 'https://refeds.org/profile/sfa'],
  [`${CLASS}Kerberos`, `${CLASS}TLSClient`, `${CLASS}X509`],
  [
    `${CLASS}TimeSyncToken`,
    `${CLASS}MobileTwoFactorUnregistered`,
    `${CLASS}MobileTwoFactorContract`,
    'https://refeds.org/profile/mfa',
    'http://schemas.microsoft.com/claims/multipleauthn',
  ],
  [`${CLASS}Smartcard`, `${CLASS}SmartcardPKI`, `${CLASS}SoftwarePKI`],
]

/**
 * Whether how somebody was authenticated is what was asked for. Nothing asked: always. Classes that the ranking does
 * not have meet no request but an exact one for themselves.
 */
export function meetsAuthnContext(
  requested: RequestedAuthnContext | undefined,
  given: string,
  ranking: Ranking = RANKING,
): boolean {
  if (requested === undefined) return true
  const { comparison, classes } = requested
  if (comparison !== 'better' && classes.includes(given)) return true
  if (comparison === 'exact') return false
  const rankOf = (name: string) => ranking.findIndex((line) => line.includes(name))
  const rank = rankOf(given)
  if (rank < 0 || classes.length === 0) return false
  const ranks = classes.map(rankOf)
  const known = ranks.filter((one) => one >= 0)
  if (comparison === 'minimum') return known.some((one) => rank >= one)
  if (comparison === 'maximum') return known.some((one) => rank <= one)
  // Stronger than all of them, of which none may be unknown.
  return known.length === ranks.length && ranks.every((one) => rank > one)
}
