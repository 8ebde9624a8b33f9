import { X509Certificate } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { SwitchGate } from '#server/datapath/connection/gate.ts'
import type { Whose } from '#server/identity/ports.ts'
import { brokenRules, notFound, type Refusal } from '#server/kernel/refusal.ts'
import { readRequest, weaknessOf } from '#server/keys/request.ts'
import type { SwitchCertificateRecord, SwitchCertificateStore } from './ports.ts'
import type { SwitchTrust } from './trust.ts'

/** A datapath that can be enrolled. */
export interface EnrolledDatapath {
  readonly id: string
  readonly name: string
  readonly serverId: string
}

export interface EnrolmentParts {
  readonly trust: SwitchTrust
  readonly store: SwitchCertificateStore
  readonly gate: Pick<SwitchGate, 'closeCertificate'>
  /** The datapaths that a scope runs. */
  readonly datapaths: (scope: Whose) => Promise<readonly EnrolledDatapath[]>
}

export interface EnrolWishes {
  readonly id: string
  /** Further bridges of the same switch. */
  readonly also: readonly string[]
  readonly csr?: string | undefined
  /** Of the operator's own authority, instead of a request to ours. */
  readonly certificate?: string | undefined
  readonly days: number
}

const refuse = (pointer: string, rule: string, message: string, mend: string): Refusal =>
  brokenRules([{ pointer, rule, message, mend }])

/** Reads a certificate of another authority. Throws `Refusal`. */
function readGiven(pem: string): X509Certificate {
  const wrong = (message: string) =>
    refuse('/certificate', 'switch.certificate', message, 'Hand in the certificate of the switch, in PEM.')
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem)
  } catch {
    throw wrong('That is not a certificate in PEM.')
  }
  const weakness = certificate.ca ? 'it is an authority’s' : weaknessOf(certificate.publicKey)
  if (weakness !== undefined) throw wrong(`The certificate is not taken: ${weakness}.`)
  return certificate
}

/** Enters certificates of switches, and revokes them. */
export function switchEnrolment({ trust, store, gate, datapaths }: EnrolmentParts) {
  const named = async (scope: Whose, { id, also }: EnrolWishes): Promise<EnrolledDatapath[]> => {
    const run = await datapaths(scope)
    const found = [...new Set([id, ...also])].map((one) => run.find((datapath) => datapath.id === one))
    const [first] = found
    if (!first) throw notFound('datapath')
    const others = found.flatMap((one) => one ?? [])
    const foreign = others.length < found.length || others.some(({ serverId }) => serverId !== first.serverId)
    if (foreign)
      throw refuse(
        ...(['/also', 'switch.other-server', 'A certificate is for bridges of one switch, on one server.'] as const),
        'Name datapaths of the same server alone, and enrol other switches by themselves.',
      )
    return others
  }

  const certify = async (wishes: EnrolWishes, names: readonly EnrolledDatapath[]): Promise<X509Certificate> => {
    const { csr, certificate, days } = wishes
    if (trust.issue && csr !== undefined) {
      const publicKey = await readRequest(csr).catch((error: Error) => {
        const mend = 'Make a new one by `openssl req -new`, with a key on P-256, or RSA from 3072 bits.'
        throw refuse('/csr', 'switch.request', `The request is not taken: ${error.message}.`, mend)
      })
      const subject = names.map(({ name }) => name).join(' ')
      const uris = names.map(({ id }) => `urn:uuid:${id}`)
      return new X509Certificate(await trust.issue({ subject, uris, publicKey, days }))
    }
    if (!trust.issue && certificate !== undefined) return readGiven(certificate)
    throw trust.given
      ? refuse(
          '/certificate',
          'switch.authority',
          'Another authority certifies switches here.',
          'Have it sign the request, and hand in the certificate.',
        )
      : refuse(
          '/csr',
          'switch.authority',
          'Weft certifies switches here.',
          'Hand in the request for a certificate (csr).',
        )
  }

  return {
    /** Enters a certificate for a switch: of our authority for its request, or one of another authority. Throws `Refusal`. */
    async enrol(scope: Whose, by: string, wishes: EnrolWishes): Promise<SwitchCertificateRecord> {
      const names = await named(scope, wishes)
      const made = await certify(wishes, names)
      const record: SwitchCertificateRecord = {
        ...{ id: uuidv7(), serverId: names[0]?.serverId ?? '', datapathIds: names.map(({ id }) => id) },
        ...{ subject: made.subject, fingerprint: made.fingerprint256.replaceAll(':', '').toLowerCase() },
        ...{ pem: `${made.toString().trim()}\n`, notBefore: made.validFromDate, notAfter: made.validToDate },
        ...{ enrolledAt: new Date(), enrolledBy: by, revokedAt: null, revokedBy: null },
      }
      if (await store.add(scope, record)) return record
      throw refuse(
        ...(['/certificate', 'switch.entered', 'This certificate is entered already.'] as const),
        'A switch gets another certificate: one that was revoked does not come back.',
      )
    },
    /** Revokes a certificate, and closes what it opened. Throws `Refusal`. */
    async revoke(scope: Whose, by: string, datapathId: string, id: string): Promise<SwitchCertificateRecord> {
      const record = await store.revoke(scope, datapathId, id, by)
      if (!record) throw notFound('certificate of this datapath')
      gate.closeCertificate(record.fingerprint, 'its certificate was revoked')
      return record
    },
    /** Certificates of a datapath, the newest first. Throws `Refusal` where the scope does not run it. */
    async list(scope: Whose, datapathId: string): Promise<SwitchCertificateRecord[]> {
      if (!(await datapaths(scope)).some(({ id }) => id === datapathId)) throw notFound('datapath')
      return store.of(scope, datapathId)
    },
    /** PEM certificates by which switches know us. */
    authorities: () => trust.controllerAuthorities(),
  }
}
export type SwitchEnrolment = ReturnType<typeof switchEnrolment>
