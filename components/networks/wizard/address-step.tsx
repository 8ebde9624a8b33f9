'use client'
import { faultsOf, TextField } from '../../ui/field.tsx'
import { Status } from '../../ui/status.tsx'
import { gatewayFaults, mtuFaults, prefixFaults, roomOf, VXLAN_BYTES } from '../draft-network.ts'
import { parsePrefix } from '../prefix.ts'
import { withPrefix } from './form.ts'
import { MtuBar } from './mtu-bar.tsx'
import type { Wizard } from './use-wizard.ts'

/** Which of the two subnets a refusal of a prefix is about: the one whose family it names. */
const isAbout = (message: string, family: 4 | 6) => /[0-9a-f]*:[0-9a-f:]*\//i.test(message) === (family === 6)

export function AddressStep({ wizard }: { wizard: Wizard }) {
  const { form, edit, known, refused, saved } = wizard
  const v4 = parsePrefix(form.v4)
  const v6 = parsePrefix(form.v6)
  const setV4 = (text: string) => edit((was) => withPrefix(was, text))
  const setGateway = (gateway: string) => edit({ gateway, gatewayOwn: gateway.trim() !== '' })
  const v4Faults = prefixFaults(form.v4, 4, setV4)
  const refusedPrefix = refused.get('prefix') ?? []
  const most = known.underlayMtu === undefined ? undefined : known.underlayMtu - VXLAN_BYTES
  const mtu = Number(form.mtu) || 0
  return (
    <section className="card form" aria-label="Addresses and MTU">
      <div className="sect">
        <h2>Addresses</h2>
        <div className="fr">
          <TextField
            label="IPv4 subnet"
            value={form.v4}
            onValue={setV4}
            mono
            placeholder="10.0.0.0/24"
            autoComplete="off"
            faults={[...v4Faults, ...faultsOf(refusedPrefix.filter(({ message }) => isAbout(message, 4)))]}
            note={v4 && v4Faults.length === 0 ? <Status tone="ok">{roomOf(v4)}</Status> : null}
          />
          <p className="hint">
            Other tenants may use the same range; they never meet. Every port gets an address out of it.
          </p>
        </div>
        <div className="fr">
          <TextField
            label="Gateway"
            value={form.gateway}
            onValue={setGateway}
            mono
            optional
            autoComplete="off"
            disabled={!v4}
            faults={[
              ...gatewayFaults(form.gateway, v4, { gateway: setGateway, prefix: (text) => edit({ v4: text }) }),
              ...faultsOf(refused.get('gateway')),
            ]}
          />
          <p className="hint">The next hop of every port. It is kept free: no port gets it.</p>
        </div>
        <div className="fr">
          <TextField
            label="IPv6 subnet"
            optional
            value={form.v6}
            onValue={(text) => edit({ v6: text })}
            mono
            autoComplete="off"
            faults={[
              ...prefixFaults(form.v6, 6, (text) => edit({ v6: text })),
              ...faultsOf(refusedPrefix.filter(({ message }) => isAbout(message, 6))),
            ]}
            note={v6?.family === 6 ? <Status tone="ok">{roomOf(v6)}</Status> : null}
          />
          <p className="hint">Beside IPv4 or instead of it.</p>
        </div>
      </div>
      <div className="sect">
        <h2>MTU</h2>
        {known.underlayMtu === undefined ? null : (
          <MtuBar mtu={mtu} underlayMtu={known.underlayMtu} lowestServer={known.lowestServer} />
        )}
        <div className="fr">
          <TextField
            label="Tenant MTU"
            value={form.mtu}
            onValue={(text) => edit({ mtu: text })}
            inputMode="numeric"
            faults={[
              ...mtuFaults(form.mtu, known.underlayMtu, (text) => edit({ mtu: text })),
              ...faultsOf(refused.get('mtu')),
            ]}
            note={mtu === most ? 'largest that fits' : null}
          />
          <p className="hint">The largest IP packet of a host. VXLAN over IPv4 adds {VXLAN_BYTES} bytes to it.</p>
        </div>
        {saved.ports.length > 0 ? (
          <p className="hint">
            Another subnet takes the ports of this draft out; they are plugged in again in the next step.
          </p>
        ) : null}
      </div>
    </section>
  )
}
