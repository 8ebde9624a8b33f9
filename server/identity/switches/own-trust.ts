import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Logger } from 'pino'
import type { TlsMaterial } from '#server/datapath/connection/trust.ts'
import type { Clock } from '#server/kernel/clock.ts'
import { issueCertificate } from '#server/keys/certificate.ts'
import type { KeyService } from '#server/keys/ports.ts'
import { generateInMemory } from '#server/keys/software.ts'
import type { SwitchTrust } from './trust.ts'

const DAY_MS = 86_400_000
/** Our own certificate is for a key that lives in memory alone: a new one is made at every start, and before it ends. */
const OWN_DAYS = 30
const RENEWED_DAYS = 10
/** Others' clocks may be behind. */
const BACKDATED_MS = 3_600_000
/** Nobody is certified for longer than the authority lasts. */
const earlier = (one: Date, other: Date): Date => (one < other ? one : other)

export interface OwnTrustParts {
  readonly keys: Pick<KeyService, 'signer' | 'verificationKeys'>
  readonly clock: Clock
  /** Of the installation, for the certificate that switches see. */
  readonly name: string
  readonly log: Pick<Logger, 'info'>
}

interface Own extends Pick<TlsMaterial, 'key' | 'certificate'> {
  readonly issuerId: string
  readonly notAfter_ms: number
}

/** Weft as the authority that certifies switches, and itself to them. The authorities' keys never leave the key service. */
export async function openOwnTrust({ keys, clock, name, log }: OwnTrustParts): Promise<SwitchTrust> {
  const certificates = async (purpose: 'switch-ca' | 'controller-ca'): Promise<string[]> =>
    (await keys.verificationKeys(purpose)).flatMap(({ certificate }) => certificate ?? [])

  const makeOwn = async (): Promise<Own> => {
    const issuer = await keys.signer('controller-ca')
    const made = await generateInMemory('ecdsa-p256')
    const now_ms = clock.now_ms()
    const notAfter = earlier(new Date(now_ms + OWN_DAYS * DAY_MS), new X509Certificate(issuer.certificate).validToDate)
    const certificate = await issueCertificate(issuer, {
      ...{ name, uris: [], publicKey: made.publicKey, notBefore: new Date(now_ms - BACKDATED_MS), notAfter },
    })
    const key = createPrivateKey({ key: made.privateKey as Buffer, format: 'der', type: 'pkcs8' })
    const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString()
    log.info({ notAfter }, 'the certificate that switches see was made')
    return { key: pem, certificate, issuerId: issuer.keyId, notAfter_ms: notAfter.getTime() }
  }

  let own = await makeOwn()
  let authorities = await certificates('switch-ca')
  return {
    given: false,
    get material() {
      return { key: own.key, certificate: own.certificate, authorities }
    },
    controllerAuthorities: () => certificates('controller-ca'),
    async refresh() {
      const due_ms = clock.now_ms() + RENEWED_DAYS * DAY_MS
      if (own.notAfter_ms < due_ms || own.issuerId !== (await keys.signer('controller-ca')).keyId) own = await makeOwn()
      const before = authorities
      authorities = await certificates('switch-ca')
      return before.some((one) => !authorities.includes(one))
    },
    async issue({ subject, uris, publicKey, days }) {
      const issuer = await keys.signer('switch-ca')
      const now_ms = clock.now_ms()
      const notAfter = earlier(new Date(now_ms + days * DAY_MS), new X509Certificate(issuer.certificate).validToDate)
      return issueCertificate(issuer, {
        ...{ name: subject, uris, publicKey, notBefore: new Date(now_ms - BACKDATED_MS), notAfter },
      })
    },
  }
}
