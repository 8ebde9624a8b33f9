import { Quota } from '../../ui/meter.tsx'
import { Status } from '../../ui/status.tsx'
import { plural } from '../../ui/words.ts'
import { subnetsOf } from './form.ts'
import type { Wizard } from './use-wizard.ts'

const KNOWLEDGE = [
  'Nothing reaches a switch from here. The draft keeps what you enter; others see it under Changes.',
  'A VNI is 24 bits wide. It is a tenant’s network on the wire; ports on different VNIs never exchange a frame.',
  'VXLAN over IPv4 costs 50 bytes of the underlay’s IP MTU: IPv4 20, UDP 8, VXLAN 8 and the tenant’s own Ethernet header 14.',
  'Each port may send only from its own MAC and addresses; anything else is dropped at the first switch and counted.',
] as const

/** What the tenant has left, what the draft will need, and what is good to know at this step. */
export function WizardAside({ wizard }: { wizard: Wizard }) {
  const { tenant, form, known, step, saved } = wizard
  const chosen = known.attachments.filter(({ id }) => form.picks.has(id))
  const servers = new Set(chosen.map(({ serverName }) => serverName))
  // What drafts reserve is used already; what this one reserves is shown as added.
  const mine =
    saved.network?.tenantId === tenant?.id ? { networks: 1, ports: saved.ports.length } : { networks: 0, ports: 0 }
  const used = tenant && {
    networks: Math.max(0, tenant.used.networks - mine.networks),
    ports: Math.max(0, tenant.used.ports - mine.ports),
  }
  const full =
    tenant && used && (used.networks + 1 > tenant.quotas.networks || used.ports + chosen.length > tenant.quotas.ports)
  return (
    <div className="aside">
      {tenant && used ? (
        <section className="card" aria-label="Quota">
          <header>
            <h2>Quota of {tenant.displayName}</h2>
          </header>
          <div className="in">
            <Quota label="Networks" used={used.networks} added={1} limit={tenant.quotas.networks} />
            <Quota label="Ports" used={used.ports} added={chosen.length} limit={tenant.quotas.ports} />
          </div>
        </section>
      ) : null}
      <section className="card" aria-label="What this will need">
        <header>
          <h2>What this will need</h2>
        </header>
        <div className="in">
          <dl className="facts">
            <dt>Subnets</dt>
            <dd>{step < 3 ? <span className="dim">not said yet</span> : subnetsOf(form).length}</dd>
            <dt>Ports</dt>
            <dd>{chosen.length === 0 ? <span className="dim">none yet</span> : `+${chosen.length}`}</dd>
            <dt>Servers</dt>
            <dd>
              {servers.size === 0 ? (
                <span className="dim">none yet</span>
              ) : (
                `${plural(servers.size, 'server')}: ${[...servers].join(', ')}`
              )}
            </dd>
            {tenant ? (
              <>
                <dt>Quota</dt>
                <dd>{full ? <Status tone="warn">More than is left</Status> : <Status tone="ok">Fits</Status>}</dd>
              </>
            ) : null}
          </dl>
        </div>
      </section>
      <section className="card not-s" aria-label="Good to know">
        <header>
          <h2>Good to know</h2>
        </header>
        <p className="in hint know">{KNOWLEDGE[step - 1]}</p>
      </section>
    </div>
  )
}
