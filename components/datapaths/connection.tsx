'use client'
import { useState } from 'react'
import type { Datapath, Transport } from '#server/contract/datapaths.ts'
import type { SwitchCertificate } from '#server/contract/switch-certificates.ts'
import { useRevokeSwitch, useSwitchCertificates } from '../queries/switch-certificates.ts'
import { Expiry, Fingerprint } from '../settings/certificate.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Status, type Tone } from '../ui/status.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { Moment } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'
import { EnrolForm, savePem } from './enrol-form.tsx'

/** `TLSv1.3` as people write it. */
export const versionWords = (protocol: string | null): string => (protocol ?? 'TLS').replace('TLSv', 'TLS ')

const STATES: Readonly<Record<SwitchCertificate['state'], { readonly tone: Tone; readonly label: string }>> = {
  valid: { tone: 'ok', label: 'In force' },
  expired: { tone: 'bad', label: 'Expired' },
  revoked: { tone: 'idle', label: 'Revoked' },
}

function How({ transport, trouble }: { transport: Transport | null; trouble: string | null }) {
  if (!transport) return trouble ? <Status tone="bad">{trouble}</Status> : <span className="dim">Not connected.</span>
  if (transport.type === 'unix') return <>By a UNIX socket of this host.</>
  if (transport.type === 'tcp')
    return (
      <Status tone="warn">
        Plain TCP: whoever is in between can read and change it, and anybody who reaches the port can say they are this
        switch.
      </Status>
    )
  return (
    <>
      {versionWords(transport.protocol)}, <span className="mono">{transport.cipher}</span>; its certificate ends in{' '}
      {transport.certificateNotAfter ? <Expiry time={transport.certificateNotAfter} /> : '—'}
    </>
  )
}

interface RowsProps {
  readonly items: readonly SwitchCertificate[]
  readonly used: string | null
  readonly onRevoke: (item: SwitchCertificate) => void
}

function CertificateRows({ items, used, onRevoke }: RowsProps) {
  return (
    <TableWrap rows>
      <table className="t">
        <thead>
          <tr>
            <th>State</th>
            <th>For</th>
            <th>Fingerprint</th>
            <th>Enrolled</th>
            <th>Ends</th>
            <th>
              <span className="sr">Tools</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.id}>
              <td className="p-side">
                <Status tone={STATES[item.state].tone} calm={item.state !== 'expired'}>
                  {STATES[item.state].label}
                </Status>
              </td>
              <td className="p-title">
                {item.datapaths.map(({ name }) => name).join(', ')}
                {item.id === used ? <span className="more">connected with it</span> : null}
              </td>
              <td className="p-under">
                <Fingerprint value={item.fingerprint} />
              </td>
              <td>
                <Moment time={item.enrolledAt} /> <span className="dim">by {item.enrolledBy}</span>
              </td>
              <td className="p-side-under">
                {item.revokedAt ? <Moment time={item.revokedAt} /> : <Expiry time={item.notAfter} />}
              </td>
              <td className="num p-tools">
                <Button small look="quiet" onPress={() => savePem(item.certificate, 'sc-cert.pem')}>
                  Download
                </Button>
                {item.state === 'valid' ? (
                  <MayButton right="inventory.write" small look="quiet" onPress={() => onRevoke(item)}>
                    Revoke
                  </MayButton>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  )
}

/** How a datapath's switch is connected by both protocols, and the certificates by which it proves who it is. */
export function ConnectionView({ datapath }: { datapath: Datapath }) {
  const certificates = useSwitchCertificates(datapath.id)
  const revoke = useRevokeSwitch()
  const [enrolling, setEnrolling] = useState(false)
  const [revoking, setRevoking] = useState<SwitchCertificate>()
  const { data } = certificates
  return (
    <>
      <section className="card" aria-labelledby="h-how">
        <header>
          <h2 id="h-how">How it is connected</h2>
        </header>
        <dl className="facts small in">
          <dt>OpenFlow</dt>
          <dd>
            <How transport={datapath.openflow} trouble={datapath.reason} />
          </dd>
          <dt>OVSDB</dt>
          <dd>
            <How transport={datapath.ovsdb} trouble={datapath.ovsdbTrouble} />
          </dd>
        </dl>
      </section>
      <section className="card" aria-labelledby="h-certificates">
        <header>
          <h2 id="h-certificates">Certificates</h2>
          <span className="push row">
            {data ? (
              <Button small look="quiet" onPress={() => savePem(data.authorities, 'cacert.pem')}>
                Download Weft’s CA
              </Button>
            ) : null}
            <MayButton right="inventory.write" small onPress={() => setEnrolling(true)}>
              Enrol
            </MayButton>
          </span>
        </header>
        <ErrorBanner error={certificates.error} onRetry={() => void certificates.refetch()} />
        {certificates.isPending ? <Skeleton rows={2} /> : null}
        {data && data.items.length > 0 ? (
          <CertificateRows items={data.items} used={datapath.openflow?.certificateId ?? null} onRevoke={setRevoking} />
        ) : null}
        {data?.items.length === 0 ? (
          <p className="in dim">
            None yet. Without one it is taken by a UNIX socket, or in plain TCP where that is accepted.
          </p>
        ) : null}
      </section>
      {enrolling ? <EnrolForm datapath={datapath} onClose={() => setEnrolling(false)} /> : null}
      {revoking ? (
        <Confirm
          title="Revoke this certificate?"
          act="Revoke it"
          isPending={revoke.isPending}
          error={revoke.error}
          onAct={() =>
            revoke.mutate(
              { id: datapath.id, certificateId: revoking.id },
              {
                onSuccess: () => {
                  setRevoking(undefined)
                  toast({ tone: 'ok', text: 'The certificate is revoked' })
                },
              },
            )
          }
          onClose={() => setRevoking(undefined)}
        >
          <p>
            What it opened is closed at once, and it is refused from then on. The switch goes on forwarding by what it
            holds, and comes back when it is enrolled anew.
          </p>
        </Confirm>
      ) : null}
    </>
  )
}
