import type { SwitchCertificate } from '#server/contract/switch-certificates.ts'
import type { Event } from '#server/http/events.ts'
import type { SwitchEnrolment } from '#server/identity/switches/enrolment.ts'
import type { SwitchCertificateRecord, SwitchCertificateStore } from '#server/identity/switches/ports.ts'
import type { AttentionSource } from './attention.ts'
import { api, nameOf } from './door.ts'

export interface SwitchCertificateParts {
  readonly enrolment: SwitchEnrolment
  /** Names of datapaths by their ids. */
  readonly names: () => Promise<ReadonlyMap<string, string>>
  readonly publish: (event: Event) => void
}

function stateOf({ revokedAt, notAfter }: SwitchCertificateRecord): SwitchCertificate['state'] {
  if (revokedAt !== null) return 'revoked'
  return notAfter.getTime() <= Date.now() ? 'expired' : 'valid'
}

function view(record: SwitchCertificateRecord, names: ReadonlyMap<string, string>): SwitchCertificate {
  const { id, datapathIds, subject, fingerprint, pem, notBefore, notAfter, enrolledAt, enrolledBy } = record
  const datapaths = datapathIds.flatMap((one) => {
    const name = names.get(one)
    return name === undefined ? [] : [{ id: one, name }]
  })
  return {
    ...{ id, datapaths, subject, fingerprint, enrolledBy, revokedBy: record.revokedBy, certificate: pem },
    ...{ notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString(), enrolledAt: enrolledAt.toISOString() },
    ...{ revokedAt: record.revokedAt?.toISOString() ?? null, state: stateOf(record) },
  }
}

/** Certificates of switches: which there are, a new one, and the end of one. */
export function switchCertificateHandlers({ enrolment, names, publish }: SwitchCertificateParts) {
  const moved = (ref: string) => publish({ topic: 'datapath', kind: 'certificate', ref, tenantId: null })
  const together = async () => (await enrolment.authorities()).join('')
  return {
    list: api.switchCertificates.list.handler(async ({ input, context }) => {
      const [records, known] = await Promise.all([enrolment.list(context.scope, input.id), names()])
      return { items: records.map((record) => view(record, known)), authorities: await together() }
    }),
    enrol: api.switchCertificates.enrol.handler(async ({ input, context }) => {
      context.note.subject = `datapath/${input.id}`
      const record = await enrolment.enrol(context.scope, nameOf(context.caller), input)
      context.note.detail = `certificate ${record.fingerprint}, ${record.subject}`
      moved(input.id)
      return { ...view(record, await names()), authorities: await together() }
    }),
    revoke: api.switchCertificates.revoke.handler(async ({ input, context }) => {
      context.note.subject = `datapath/${input.id}`
      const by = nameOf(context.caller)
      const record = await enrolment.revoke(context.scope, by, input.id, input.certificateId)
      context.note.detail = `certificate ${record.fingerprint}, ${record.subject}`
      moved(input.id)
      return view(record, await names())
    }),
  }
}

const SOON_MS = 30 * 86_400_000

/** Switches whose certificate ends soon, and our own where we do not renew it ourselves. */
export const switchCertificateAttention =
  (store: Pick<SwitchCertificateStore, 'ending'>, ownEnd: () => Date | undefined): AttentionSource =>
  async ({ scope, rights }) => {
    if (scope.tenantId !== null || !rights.has('datapath.read')) return []
    const soon = new Date(Date.now() + SOON_MS)
    const own = ownEnd()
    const words = (end: Date) =>
      end.getTime() <= Date.now()
        ? `It ended on ${end.toISOString().slice(0, 10)}. No new connection comes in with it.`
        : `It ends on ${end.toISOString().slice(0, 10)}.`
    const notice = { severity: 'warn', since: null } as const
    return [
      ...(own && own < soon
        ? [
            {
              ...{ ...notice, title: 'Weft’s certificate towards switches', href: '/datapaths', action: 'Look' },
              words: `${words(own)} Replace the file in WEFT_SWITCH_TLS_CERTIFICATE.`,
            },
          ]
        : []),
      ...(await store.ending(scope, soon)).map(({ datapathId, datapathName, notAfter }) => ({
        ...{
          ...notice,
          title: `Certificate of ${datapathName}`,
          href: `/datapaths/${datapathId}`,
          action: 'Enrol anew',
        },
        words: words(notAfter),
      })),
    ]
  }
