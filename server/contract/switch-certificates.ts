import { z } from 'zod'
import { Id, Name, procedure, Time } from './base.ts'

/** A certificate by which a switch proves which datapaths it has. */
export const SwitchCertificate = z.object({
  id: Id,
  datapaths: z.array(z.object({ id: Id, name: Name })).describe('What its holder may be'),
  subject: z.string(),
  fingerprint: z.string().describe('SHA-256, hexadecimal'),
  notBefore: Time,
  notAfter: Time,
  enrolledAt: Time,
  enrolledBy: z.string(),
  revokedAt: Time.nullable(),
  revokedBy: z.string().nullable(),
  state: z.enum(['valid', 'expired', 'revoked']),
  certificate: z.string().describe('PEM, for the switch'),
})
export type SwitchCertificate = z.infer<typeof SwitchCertificate>

const authorities = z.string().describe('PEM: the authorities by which a switch knows Weft, for its `ca-cert` file')
const Pem = z.string().min(1).max(16_384)

export const switchCertificates = {
  list: procedure({ right: 'datapath.read', cli: { noun: 'datapath', verb: 'certificates', args: ['id'] } })
    .route({
      method: 'GET',
      path: '/datapaths/{id}/certificates',
      tags: ['datapaths'],
      summary: 'Certificates that its switch has had, the newest first',
    })
    .input(z.strictObject({ id: Id }))
    .output(z.object({ items: z.array(SwitchCertificate), authorities })),
  enrol: procedure({
    ...{ right: 'inventory.write', fresh: true },
    cli: { noun: 'datapath', verb: 'enrol', args: ['id'], files: ['csr', 'certificate'] },
  })
    .route({
      method: 'POST',
      path: '/datapaths/{id}/certificates',
      tags: ['datapaths'],
      summary: 'Enter a certificate for its switch: a new one for a request, or one of your own authority',
      successStatus: 201,
    })
    .input(
      z.strictObject({
        id: Id,
        also: z.array(Id).max(63).default([]).describe('Datapaths of further bridges of the same switch'),
        csr: Pem.optional().describe('Request for a certificate (PKCS#10, PEM); the private key stays in the switch'),
        certificate: Pem.optional().describe(
          'Its certificate (PEM), where WEFT_SWITCH_TLS_CA names your own authority',
        ),
        days: z.number().int().min(1).max(825).default(365).describe('How long a new certificate lasts'),
      }),
    )
    .output(SwitchCertificate.extend({ authorities })),
  revoke: procedure({
    ...{ right: 'inventory.write', fresh: true },
    cli: { noun: 'datapath', verb: 'revoke', args: ['id', 'certificateId'] },
  })
    .route({
      method: 'POST',
      path: '/datapaths/{id}/certificates/{certificateId}/revoke',
      tags: ['datapaths'],
      summary: 'Revoke a certificate of its switch: what it opened is closed, and it is refused from now on',
    })
    .input(z.strictObject({ id: Id, certificateId: Id }))
    .output(SwitchCertificate),
}
