'use client'
import Link from 'next/link'
import { useState } from 'react'
import type { Network } from '#server/contract/networks.ts'
import { DatapathState } from '../datapaths/state.tsx'
import { useDatapaths } from '../queries/datapaths.ts'
import { useNetwork, usePorts, useSubnets } from '../queries/networks.ts'
import { useMay } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { PageHead } from '../ui/page-head.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { Thread } from '../ui/thread.tsx'
import { count, plural } from '../ui/words.ts'
import { DeleteNetworks } from './delete-networks.tsx'
import { VXLAN_BYTES } from './draft-network.ts'
import { NetworkHistory } from './history.tsx'
import { PortTable } from './port-table.tsx'
import { HeldState } from './state.tsx'
import './networks.css'

function Identity({ network }: { network: Network }) {
  return (
    <section className="card" aria-labelledby="h-identity">
      <header>
        <h2 id="h-identity">Identity</h2>
      </header>
      <div className="in">
        <dl className="facts">
          <dt>Tenant</dt>
          <dd>
            <Thread thread={network.thread}>{network.tenantName}</Thread>
          </dd>
          <dt>VNI</dt>
          <dd>
            {network.vni} <span className="dim mono">0x{network.vni.toString(16)}</span>
          </dd>
          <dt>Tenant MTU</dt>
          <dd>
            {network.mtu} <span className="dim">and {VXLAN_BYTES} of VXLAN</span>
          </dd>
          <dt>Flooding</dt>
          <dd>the sender replicates</dd>
          <dt>Wanted / held</dt>
          <dd>
            <HeldState state={network.state} />
          </dd>
        </dl>
      </div>
    </section>
  )
}

/** What stops working with it, and what must hold it. */
function Depends({ network }: { network: Network }) {
  const datapaths = useDatapaths(useMay('datapath.read'))
  return (
    <section className="card" aria-labelledby="h-depends">
      <header>
        <h2 id="h-depends">What depends on it</h2>
        <span className="dim push">{plural(network.ports, 'port')}</span>
      </header>
      <ul className="ev">
        {network.servers.map((server) => (
          <li key={server.id} className="depend">
            <span className="row">
              <b>{server.name}</b> <span className="dim">{plural(server.ports, 'port')}</span>
            </span>
            <span className="held">
              {(datapaths.data ?? [])
                .filter((datapath) => datapath.serverId === server.id)
                .map((datapath) => (
                  <span key={datapath.id} className="row">
                    <Link href={`/datapaths/${datapath.id}`}>{datapath.name}</Link>
                    <span className="push small">
                      <DatapathState datapath={datapath} />
                    </span>
                  </span>
                ))}
            </span>
          </li>
        ))}
        {network.servers.length === 0 ? (
          <li className="dim">Nothing: it has no ports, so no datapath holds entries of it.</li>
        ) : null}
      </ul>
    </section>
  )
}

/** One network: identity, state, subnets, ports, what depends on it, history. */
export function NetworkPage({ id }: { id: string }) {
  const network = useNetwork(id)
  const subnets = useSubnets(id)
  const ports = usePorts(id)
  const mayWrite = useMay('network.write')
  const [doomed, setDoomed] = useState<readonly Network[]>([])
  const data = network.data
  if (!data)
    return (
      <>
        <PageHead title="Network" crumbs={[{ href: '/networks', label: 'Networks' }]} />
        <div className="body">
          {network.isError ? (
            <ErrorBanner error={network.error} onRetry={() => void network.refetch()} />
          ) : (
            <Skeleton />
          )}
        </div>
      </>
    )
  return (
    <>
      <PageHead title={data.name} crumbs={[{ href: '/networks', label: 'Networks' }, { label: data.tenantName }]}>
        <span role="status">
          <HeldState state={data.state} pill />
        </span>
        {mayWrite ? (
          <div className="row push">
            <Button icon="bin" onPress={() => setDoomed([data])}>
              Delete
            </Button>
            <ButtonLink look="primary" icon="pen" href={`/networks/${id}/edit`}>
              Edit
            </ButtonLink>
          </div>
        ) : (
          <span className="dim small push">You may look, not change</span>
        )}
      </PageHead>
      <div className="body nd">
        <div className="colx">
          <section className="card" aria-labelledby="h-subnets">
            <header>
              <h2 id="h-subnets">Subnets</h2>
              <span className="dim">{subnets.data?.length ?? ''}</span>
            </header>
            <TableWrap>
              <table className="t">
                <thead>
                  <tr>
                    <th>Prefix</th>
                    <th>Gateway</th>
                    <th className="num">Free addresses</th>
                  </tr>
                </thead>
                <tbody>
                  {(subnets.data ?? []).map((subnet) => (
                    <tr key={subnet.id}>
                      <td className="mono">{subnet.prefix}</td>
                      <td className="mono">{subnet.gateway ?? <span className="dim">none</span>}</td>
                      <td className="num">{count(subnet.free)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </TableWrap>
            {subnets.data?.length === 0 ? <p className="in dim">None: its ports send with any address.</p> : null}
          </section>
          <section className="card" aria-labelledby="h-ports">
            <header>
              <h2 id="h-ports">Ports</h2>
              <span className="dim">{ports.data?.length ?? ''}</span>
            </header>
            <ErrorBanner error={ports.error} onRetry={() => void ports.refetch()} />
            {ports.data ? <PortTable ports={ports.data} /> : <Skeleton />}
            {ports.data?.length === 0 ? <p className="in dim">No host is plugged in yet.</p> : null}
          </section>
        </div>
        <div className="colx">
          <Identity network={data} />
          <Depends network={data} />
          <NetworkHistory network={data} />
        </div>
      </div>
      <DeleteNetworks networks={doomed} onClose={() => setDoomed([])} />
    </>
  )
}
