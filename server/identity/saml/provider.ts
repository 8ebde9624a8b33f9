/** A place that takes messages of one binding. */
export interface Endpoint {
  readonly binding: string
  readonly location: string
  /** Where answers go, if not to `location`. */
  readonly responseLocation?: string
}

/** What the metadata of an identity provider says. */
export interface IdpDescription {
  readonly entityId: string
  /** PEM; the only keys that its signatures are checked with. */
  readonly signingCertificates: readonly string[]
  readonly singleSignOn: readonly Endpoint[]
  readonly singleLogout: readonly Endpoint[]
  readonly wantAuthnRequestsSigned: boolean
  readonly validUntil_ms?: number
  readonly nameIdFormats: readonly string[]
}

/** Where a service provider takes responses. */
export interface AssertionConsumer {
  readonly binding: string
  readonly location: string
  readonly index: number
  readonly isDefault: boolean
}

/** What the metadata of a service provider says. */
export interface SpDescription {
  readonly entityId: string
  /** PEM */
  readonly signingCertificates: readonly string[]
  /** PEM */
  readonly encryptionCertificates: readonly string[]
  readonly assertionConsumers: readonly AssertionConsumer[]
  readonly singleLogout: readonly Endpoint[]
  readonly authnRequestsSigned: boolean
  readonly wantAssertionsSigned: boolean
  readonly nameIdFormats: readonly string[]
  readonly validUntil_ms?: number
}

/** Ourselves as a service provider: what identity providers know us by. */
export interface OwnSp {
  readonly entityId: string
  readonly acsUrl: string
  readonly sloUrl: string
  readonly sloSoapUrl: string
}

/** Ourselves as an identity provider: what downstream service providers know us by. */
export interface OwnIdp {
  readonly entityId: string
  readonly ssoUrl: string
  readonly sloUrl: string
  readonly sloSoapUrl: string
}

/** Signs in our name. The key may live in a token that gives no key away. */
export interface SamlSigner {
  readonly keyId: string
  /** PEM */
  readonly certificate: string
  /** RSA-SHA256, PKCS#1 v1.5, over `data`. */
  sign(data: Buffer): Promise<Buffer>
}

/** The keys that assertions may be encrypted to. */
export interface SamlDecrypter {
  /** PEM, newest first */
  privateKeys(): Promise<readonly string[]>
}

/** Who somebody is to a provider: a value is unique only together with the rest. */
export interface NameId {
  readonly value: string
  readonly format: string
  /** Empty where there is none. */
  readonly nameQualifier: string
  readonly spNameQualifier: string
}

/** What a response says of a person, read from nothing but signed bytes. */
export interface Identity {
  readonly assertionId: string
  readonly nameId: NameId
  readonly sessionIndex?: string
  readonly sessionNotOnOrAfter_ms?: number
  readonly authnInstant_ms: number
  /** Empty where the provider names none. */
  readonly authnContext: string
  readonly authenticatingAuthorities: readonly string[]
  readonly attributes: Readonly<Record<string, readonly string[]>>
  /** No longer accepted from then on (plus skew): as long must its use be remembered. */
  readonly notOnOrAfter_ms: number
  /** How many further providers may vouch for somebody on the strength of it; absent: any. */
  readonly proxyCount?: number
  readonly encrypted: boolean
  readonly signed: readonly ('response' | 'assertion')[]
}
