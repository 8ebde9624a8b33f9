'use client'
import type { Datapath } from '#server/contract/datapaths.ts'
import { Spark } from '../ui/spark.tsx'
import { Status } from '../ui/status.tsx'
import { Ago } from '../ui/time.tsx'
import { plural, rate } from '../ui/words.ts'
import { versionWords } from './connection.tsx'

/** What it is, what it says it can do, and what it carries now. */
export function Identity({ datapath, history }: { datapath: Datapath; history: readonly number[] }) {
  const now = history.at(-1)
  const load = now === undefined ? undefined : rate(now, 'pkt/s')
  return (
    <section className="card facts2" aria-label="Identity, capabilities and load">
      <div>
        <h2>Identity</h2>
        <dl className="facts small">
          <dt>Datapath ID</dt>
          <dd className="mono">{datapath.datapathId}</dd>
          <dt>Switch</dt>
          <dd>{datapath.product ?? <span className="dim">not known yet</span>}</dd>
          <dt>Place</dt>
          <dd>
            {datapath.nic ? `NIC ${datapath.nic}` : 'the server’s own switch'}, {datapath.bridge} ({datapath.role})
          </dd>
          <dt>Connection</dt>
          <dd>
            {datapath.connected ? (
              <>
                {datapath.protocol ?? 'OpenFlow'}
                {datapath.openflow?.type === 'tls' ? ` over ${versionWords(datapath.openflow.protocol)}` : null}
                {datapath.connectedSince ? (
                  <>
                    , since <Ago time={datapath.connectedSince} />
                  </>
                ) : null}
                {datapath.openflow?.type === 'tcp' ? (
                  <>
                    {' '}
                    <Status tone="warn">plain TCP</Status>
                  </>
                ) : null}
              </>
            ) : (
              <Status tone="bad">{datapath.reason ?? 'not connected'}</Status>
            )}
          </dd>
        </dl>
      </div>
      <div>
        <h2>
          Capabilities <span className="dim small">as the switch reports them</span>
        </h2>
        <div className="caps">
          {datapath.tables === null ? null : <span className="tag">{datapath.tables} tables</span>}
          {datapath.features
            .filter((feature) => !/^\d+ tables$/.test(feature))
            .map((feature) => (
              <span className="tag" key={feature}>
                {feature.replaceAll('_', ' ')}
              </span>
            ))}
          {datapath.features.length === 0 ? <span className="dim">Not known before its first connection.</span> : null}
        </div>
      </div>
      <div>
        <h2>Load</h2>
        <div className="row load">
          <div className="nowrap">
            <span className="small dim">Packets in</span>
            <br />
            <b className="figure">{load ? load.figure : '—'}</b> <span className="small dim">{load?.unit ?? ''}</span>
          </div>
          <Spark values={history} width={96} height={36} />
          <div className="nowrap">
            <span className="small dim">Entries</span>
            <br />
            <b className="figure">{datapath.held.toLocaleString('en')}</b>{' '}
            <span className="small dim">{plural(datapath.groups, 'group')}</span>
          </div>
        </div>
        <p className="small dim">Measured since you opened this page.</p>
      </div>
    </section>
  )
}
