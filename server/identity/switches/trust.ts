import type { TlsMaterial } from '#server/datapath/connection/trust.ts'

export interface SwitchWishes {
  /** The common name. */
  readonly subject: string
  /** What it may be, as URIs. */
  readonly uris: readonly string[]
  /** PEM (SubjectPublicKeyInfo). */
  readonly publicKey: string
  readonly days: number
}

/** What connections to switches stand on, and who certifies them. */
export interface SwitchTrust {
  /** Certificates and keys are the operator's; else Weft is its own authority. */
  readonly given: boolean
  readonly material: TlsMaterial
  /** PEM certificates of the authorities by which switches know us, the one in use first. */
  controllerAuthorities(): Promise<string[]>
  /** Renews what is near its end, and reads what may have changed. Answers whether an authority is trusted no longer. */
  refresh(): Promise<boolean>
  /** A certificate (PEM) for a switch; absent where another authority does that. */
  issue?(wishes: SwitchWishes): Promise<string>
}
