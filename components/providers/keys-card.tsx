'use client'
import { useState } from 'react'
import type { IdentityProvider } from '#server/contract/providers.ts'
import { useConfirmMetadata, useDiscardMetadata, useRenewMetadata } from '../queries/providers.ts'
import { Expiry, Fingerprint } from '../settings/certificate.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { Banner, ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { PasteFile } from '../ui/paste-file.tsx'
import { Status } from '../ui/status.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { Ago, Moment } from '../ui/time.tsx'
import { METADATA_LIMIT } from './metadata-step.tsx'

type Certificate = IdentityProvider['certificates'][number]

function Certificates({
  list,
  marks,
}: {
  list: readonly Certificate[]
  marks?: (one: Certificate) => 'new' | 'stays' | 'goes'
}) {
  const words = {
    new: <Status tone="warn">New</Status>,
    stays: (
      <Status tone="ok" calm>
        Stays
      </Status>
    ),
    goes: <Status tone="bad">Goes</Status>,
  }
  return (
    <TableWrap>
      <table className="t certs">
        <thead>
          <tr>
            {marks ? <th>Key</th> : null}
            <th>Fingerprint, SHA-256</th>
            <th>Subject</th>
            <th>Kind</th>
            <th>Ends in</th>
          </tr>
        </thead>
        <tbody>
          {list.map((one) => (
            <tr key={one.fingerprint}>
              {marks ? <td>{words[marks(one)]}</td> : null}
              <td className="print">
                <Fingerprint value={one.fingerprint} whole />
              </td>
              <td className="mid">{one.subject}</td>
              <td className="mid">{one.key}</td>
              <td>
                <Expiry time={one.notAfter} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  )
}

/** Metadata with other keys: held beside those in force, to be compared with what the provider says of itself. */
function Pending({ provider }: { provider: IdentityProvider }) {
  const confirm = useConfirmMetadata()
  const discard = useDiscardMetadata()
  const { pending, certificates } = provider
  if (!pending) return null
  const held = new Set(certificates.map(({ fingerprint }) => fingerprint))
  const coming = new Set(pending.certificates.map(({ fingerprint }) => fingerprint))
  const all = [...pending.certificates, ...certificates.filter(({ fingerprint }) => !coming.has(fingerprint))]
  const marks = ({ fingerprint }: Certificate) =>
    !coming.has(fingerprint) ? 'goes' : held.has(fingerprint) ? 'stays' : 'new'
  const which = { id: provider.id, revision: provider.revision }
  return (
    <section className="card" aria-labelledby="h-pending">
      <header>
        <h2 id="h-pending">New keys wait for you</h2>
        <span className="dim">{pending.words}</span>
      </header>
      <div className="in">
        <Banner tone="warn" title="Whoever holds these keys can sign in anybody of this provider">
          Compare each new fingerprint with what its administrator tells you in another way: by telephone, or on their
          page. Until you confirm, those in force go on to count.
        </Banner>
        <ErrorBanner error={confirm.error ?? discard.error} />
      </div>
      <Certificates list={all} marks={marks} />
      <div className="rule-foot">
        <MayButton
          right="provider.write"
          look="quiet"
          isDisabled={discard.isPending}
          onPress={() => discard.mutate(which)}
        >
          Leave them
        </MayButton>
        <MayButton
          right="provider.write"
          look="primary"
          isDisabled={confirm.isPending}
          onPress={() => confirm.mutate(which)}
        >
          They are right: put them in force
        </MayButton>
      </div>
    </section>
  )
}

function NewMetadata({ provider, onClose }: { provider: IdentityProvider; onClose: () => void }) {
  const renew = useRenewMetadata()
  const [metadata, setMetadata] = useState('')
  return (
    <Dialog
      title="Take new metadata"
      isOpen
      wide
      onClose={onClose}
      foot={
        <>
          <Button look="quiet" onPress={onClose}>
            Cancel
          </Button>
          <Button
            look="primary"
            isDisabled={metadata.trim() === '' || renew.isPending}
            onPress={() => renew.mutate({ id: provider.id, metadata }, { onSuccess: onClose })}
          >
            Take it
          </Button>
        </>
      }
    >
      <p>With the same keys it counts at once; with others it waits until somebody has compared them.</p>
      <ErrorBanner error={renew.error} />
      <PasteFile
        label="Metadata"
        value={metadata}
        onValue={setMetadata}
        placeholder="<md:EntityDescriptor entityID=…"
        accept=".xml,text/xml,application/xml,application/samlmetadata+xml"
        limit={METADATA_LIMIT}
      />
    </Dialog>
  )
}

/** The keys whose signatures count, where they come from, and those that wait. */
export function KeysCard({ provider }: { provider: IdentityProvider }) {
  const renew = useRenewMetadata()
  const [giving, setGiving] = useState(false)
  const { certificates, metadataUrl, metadataFetchedAt, metadataValidUntil, metadataProblem } = provider
  return (
    <>
      <Pending provider={provider} />
      <section className="card" aria-labelledby="h-keys">
        <header>
          <h2 id="h-keys">Keys and metadata</h2>
          <span className="push row">
            {metadataUrl ? (
              <MayButton
                right="provider.write"
                small
                icon="refresh"
                isDisabled={renew.isPending}
                onPress={() => renew.mutate({ id: provider.id })}
              >
                {renew.isPending ? 'Fetching' : 'Fetch now'}
              </MayButton>
            ) : null}
            <MayButton right="provider.write" small onPress={() => setGiving(true)}>
              Paste new
            </MayButton>
          </span>
        </header>
        <div className="in stack wide">
          <ErrorBanner error={renew.error} />
          {metadataProblem ? (
            <Banner tone="warn" title="The last time, its metadata could not be taken">
              {metadataProblem} What was taken before stays in force while it is valid.
            </Banner>
          ) : null}
          <dl className="facts">
            <dt>Read from</dt>
            <dd>{metadataUrl ?? <span className="dim">a file or text; nothing renews it by itself</span>}</dd>
            {metadataFetchedAt ? (
              <>
                <dt>Last fetched</dt>
                <dd>
                  <Ago time={metadataFetchedAt} />
                </dd>
              </>
            ) : null}
            {metadataValidUntil ? (
              <>
                <dt>Valid until</dt>
                <dd>
                  <Moment time={metadataValidUntil} long />
                </dd>
              </>
            ) : null}
          </dl>
        </div>
        {certificates.length > 0 ? (
          <Certificates list={certificates} />
        ) : (
          <p className="in bad kk">No key: nothing that it says is believed.</p>
        )}
      </section>
      {giving ? <NewMetadata provider={provider} onClose={() => setGiving(false)} /> : null}
    </>
  )
}
