'use client'
import type { AuditChain, AuditFinding, AuditVerification } from '#server/contract/audit.ts'
import { useAuditChains, useAuditShipping, useVerifyAudit } from '../../queries/audit.ts'
import { Banner, ErrorBanner } from '../../ui/banner.tsx'
import { Button } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { Status } from '../../ui/status.tsx'
import { Ago, Moment } from '../../ui/time.tsx'
import { plural } from '../../ui/words.ts'

const sum = (chains: readonly AuditChain[], of: (chain: AuditChain) => number): number =>
  chains.reduce((all, chain) => all + of(chain), 0)

function Signed({ chains }: { chains: readonly AuditChain[] }) {
  const newest = chains
    .map(({ signedAt }) => signedAt)
    .filter((at) => at !== null)
    .sort()
    .at(-1)
  const open = sum(chains, ({ sequence, signedTo }) => sequence - (signedTo ?? 0))
  if (newest === undefined) return <span className="mid">not signed yet</span>
  return (
    <span className="mid">
      signed <Ago time={newest} />
      {open > 0 ? `, ${plural(open, 'line')} since` : ''}
    </span>
  )
}

function Shipping() {
  const { data } = useAuditShipping()
  return data?.destinations.map(({ to, problem }) =>
    problem === null ? (
      <span key={to} className="mid not-s clip" title={to}>
        kept outside in {to.replace(/^file:.*\//, '')}
      </span>
    ) : (
      <Status key={to} tone="bad">
        <span title={problem}>{to} does not get it</span>
      </Status>
    ),
  )
}

const Sound = ({ result }: { result: AuditVerification }) => (
  <Status tone="ok">
    <span>
      {plural(result.lines, 'line')} followed at <Moment time={result.at} />, nothing found
    </span>
  </Status>
)

const WORDS: Readonly<Record<AuditFinding['kind'], string>> = {
  edited: 'edited',
  missing: 'missing',
  reordered: 'out of order',
  cut: 'cut off',
  head: 'end changed',
  rewritten: 'rewritten',
  forged: 'forged checkpoint',
  key: 'other key',
  outside: 'in no chain',
}

function Findings({ result }: { result: AuditVerification }) {
  const nameOf = (chain: string | null) =>
    result.chains.find(({ name }) => name === chain)?.tenantName ?? chain ?? 'no chain'
  return (
    <Banner tone="bad" title={`The log is not as it was written: ${plural(result.findings.length, 'finding')}`}>
      <ul className="found">
        {result.findings.map((finding) => (
          <li key={`${finding.kind}/${finding.chain}/${finding.sequence}/${finding.id}/${finding.words}`}>
            <b>{WORDS[finding.kind]}</b> <span className="mono small">{nameOf(finding.chain)}</span> {finding.words}
          </li>
        ))}
      </ul>
    </Banner>
  )
}

/** How the chains of the log stand, and what following them finds. */
export function ChainStrip() {
  const chains = useAuditChains()
  const verify = useVerifyAudit()
  const all = chains.data ?? []
  const lines = sum(all, ({ sequence }) => sequence)
  return (
    <section className="card chainstrip" aria-label="Chain of the log">
      <div className="strip">
        <Icon name="lock" small />
        <b>{chains.isSuccess ? plural(lines, 'line') : '…'}</b>
        <span className="mid not-s">in {plural(all.length, 'chain')}</span>
        {chains.isSuccess ? <Signed chains={all} /> : null}
        <Shipping />
        <span className="push row" aria-live="polite">
          {verify.data?.sound ? <Sound result={verify.data} /> : null}
          <Button small isDisabled={verify.isPending} onPress={() => verify.mutate()}>
            {verify.isPending ? 'Following it' : 'Verify now'}
          </Button>
        </span>
      </div>
      <ErrorBanner error={verify.error ?? chains.error} />
      {verify.data && !verify.data.sound ? <Findings result={verify.data} /> : null}
    </section>
  )
}
