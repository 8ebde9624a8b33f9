'use client'
import type { Nic } from '#server/contract/inventory.ts'
import { useNics } from '../queries/inventory.ts'
import { Refused } from '../ui/banner.tsx'
import { Empty } from '../ui/empty.tsx'
import { Quota } from '../ui/meter.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { InventoryHead } from './inventory-head.tsx'
import './inventory.css'

const TERMS: Readonly<Record<string, string>> = {
  nics: 'NICs',
  openflow: 'OpenFlow',
  sas: 'SAs',
  vfs: 'VFs',
  ipsec: 'IPsec',
}

/** `openflowInstances` as people write it: OpenFlow instances. */
const words = (limit: string) =>
  limit
    .replace(/([A-Z])/g, ' $1')
    .toLowerCase()
    .split(/[ _-]/)
    .map((word) => TERMS[word] ?? word)
    .join(' ')
    .replace(/^./, (first) => first.toUpperCase())

function NicCard({ nic }: { nic: Nic }) {
  return (
    <section className="card" aria-label={nic.name}>
      <header>
        <h2>{nic.name}</h2>
        <span className="dim">{nic.serverName}</span>
        <span className="push tag">{nic.profile.title}</span>
      </header>
      <div className="in">
        {Object.entries(nic.profile.limits).map(([limit, most]) =>
          nic.used[limit] === undefined ? (
            <div key={limit} className="row most">
              <span>{words(limit)}</span>
              <span className="push dim">at most {most.toLocaleString('en')}</span>
            </div>
          ) : (
            <Quota key={limit} label={words(limit)} used={nic.used[limit]} limit={most} />
          ),
        )}
        {nic.corrected.length > 0 ? (
          <p className="dim">Set for this NIC, not by its profile: {nic.corrected.map(words).join(', ')}.</p>
        ) : null}
        <div className="caps">
          {nic.profile.features.map((feature) => (
            <span key={feature} className="tag">
              {words(feature)}
            </span>
          ))}
        </div>
      </div>
    </section>
  )
}

/** The NICs with what their profile allows, and how much of it is used. */
export function Nics() {
  const nics = useNics()
  return (
    <>
      <InventoryHead />
      <div className="body">
        {nics.isError ? <Refused error={nics.error} onRetry={() => void nics.refetch()} /> : null}
        {nics.isPending ? <Skeleton /> : null}
        {nics.data?.length === 0 ? (
          <div className="card">
            <Empty icon="chip" title="No NICs yet">
              A NIC’s profile says what it can hold and do; every allocation stays within it.
            </Empty>
          </div>
        ) : null}
        <div className="nics">
          {(nics.data ?? []).map((nic) => (
            <NicCard key={nic.id} nic={nic} />
          ))}
        </div>
      </div>
    </>
  )
}
