import type { KnownCertificate } from '#server/datapath/connection/trust.ts'
import type { Whose } from '#server/identity/ports.ts'

/** A certificate of a switch, as it is entered here. */
export interface SwitchCertificateRecord {
  readonly id: string
  readonly serverId: string
  /** Inventory ids of the datapaths that its holder may be. */
  readonly datapathIds: readonly string[]
  readonly subject: string
  /** SHA-256, hexadecimal in lower case. */
  readonly fingerprint: string
  readonly pem: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly enrolledAt: Date
  readonly enrolledBy: string
  readonly revokedAt: Date | null
  readonly revokedBy: string | null
}

/** The newest certificate of a datapath, near its end. */
export interface EndingCertificate {
  readonly datapathId: string
  readonly datapathName: string
  readonly notAfter: Date
}

export interface SwitchCertificateStore {
  /** Those of a datapath that the scope runs, the newest first. */
  of(scope: Whose, datapathId: string): Promise<SwitchCertificateRecord[]>
  /** False when this certificate is entered already. */
  add(scope: Whose, record: SwitchCertificateRecord): Promise<boolean>
  /** Answers the record as it became; undefined where the datapath has none of that id. One that is revoked stays as it is. */
  revoke(scope: Whose, datapathId: string, id: string, by: string): Promise<SwitchCertificateRecord | undefined>
  /** The certificate of a fingerprint, whoever asks: for connections. */
  find(fingerprint: string): Promise<KnownCertificate | undefined>
  /** Datapaths that the scope runs whose last certificate in force ends before then. */
  ending(scope: Whose, before: Date): Promise<EndingCertificate[]>
}
