/** What we show a switch, and whose word we take for switches. All of it PEM. */
export interface TlsMaterial {
  readonly key: string
  /** Ours, with what leads to its authority. */
  readonly certificate: string
  /** Authorities that certify switches. */
  readonly authorities: readonly string[]
}

/** A switch's certificate, as it was entered here. */
export interface KnownCertificate {
  readonly id: string
  /** Datapaths that whoever holds it may be: 16 hexadecimal digits each. */
  readonly datapathIds: readonly string[]
  /** Milliseconds since 1970. */
  readonly revokedAt_ms: number | null
}

/** What connections to switches stand on. */
export interface Trust {
  readonly material: TlsMaterial
  /** The certificate of this SHA-256 fingerprint (hexadecimal, lower case); undefined when nobody entered it. */
  find(fingerprint: string): Promise<KnownCertificate | undefined>
}
