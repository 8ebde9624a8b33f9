'use client'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import type { Network, Port, Subnet } from '#server/contract/networks.ts'
import { useAttachments, useServers } from '../queries/inventory.ts'
import { useNetwork, useNetworkEdit, usePorts, useSubnets } from '../queries/networks.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { useMay } from '../shell/session.tsx'
import { Banner, ErrorBanner } from '../ui/banner.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { faultsOf, TextField } from '../ui/field.tsx'
import { PageHead } from '../ui/page-head.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { plural } from '../ui/words.ts'
import { mtuFaults, nameFaults, VXLAN_BYTES } from './draft-network.ts'
import { draftEdit, editObstacle, sizeOf, untouched } from './edit-form.ts'
import { EditPorts } from './edit-ports.tsx'
import { EditSubnets } from './edit-subnets.tsx'
import { MtuBar } from './wizard/mtu-bar.tsx'
import './networks.css'
import './wizard/wizard.css'

function Form({ network, subnets, ports }: { network: Network; subnets: readonly Subnet[]; ports: readonly Port[] }) {
  const router = useRouter()
  const mayInventory = useMay('inventory.read')
  const attachments = useAttachments(mayInventory)
  const servers = useServers(mayInventory)
  const [edit, setEdit] = useState(() => untouched(network))
  const save = useNetworkEdit(() => draftEdit(edit, { network, subnets, ports }))
  const refused = save.isError ? byField(problemOf(save.error)) : undefined
  const underlayMtu = servers.data?.length ? Math.min(...servers.data.map((s) => s.underlayMtu)) : undefined
  const nameWrong = nameFaults(edit.name)
  const mtuWrong = mtuFaults(edit.mtu, underlayMtu, (mtu) => setEdit({ ...edit, mtu }))
  const size = sizeOf(edit, network)
  const why = editObstacle(edit, network, attachments.data ?? [], underlayMtu)
  const change = (next: typeof edit) => {
    save.reset()
    setEdit(next)
  }
  return (
    <form className="wzpage" aria-label="Edit network" onSubmit={(event) => event.preventDefault()}>
      <PageHead
        title={`Edit ${network.name}`}
        crumbs={[
          { href: '/networks', label: 'Networks' },
          { href: `/networks/${network.id}`, label: network.name },
        ]}
      />
      <div className="body edit">
        <ErrorBanner error={save.error} except={['name', 'mtu']} />
        <section className="card form" aria-label="Name and MTU">
          <div className="sect">
            <div className="fr">
              <TextField
                label="Name"
                value={edit.name}
                onValue={(name) => change({ ...edit, name })}
                faults={[...nameWrong, ...faultsOf(refused?.get('name'))]}
              />
              <p className="hint">Another name moves no packet; it is only what people call it.</p>
            </div>
            {underlayMtu === undefined ? null : <MtuBar mtu={Number(edit.mtu) || 0} underlayMtu={underlayMtu} />}
            <div className="fr">
              <TextField
                label="Tenant MTU"
                inputMode="numeric"
                value={edit.mtu}
                onValue={(mtu) => change({ ...edit, mtu })}
                faults={[...mtuWrong, ...faultsOf(refused?.get('mtu'))]}
              />
              <p className="hint">The largest IP packet of a host. VXLAN adds {VXLAN_BYTES} bytes to it.</p>
            </div>
          </div>
        </section>
        <section className="card" aria-labelledby="h-subnets">
          <header>
            <h2 id="h-subnets">Subnets</h2>
          </header>
          <EditSubnets edit={edit} onEdit={change} subnets={subnets} />
        </section>
        <section className="card" aria-labelledby="h-ports">
          <header>
            <h2 id="h-ports">Ports</h2>
          </header>
          <EditPorts
            edit={edit}
            onEdit={change}
            ports={ports}
            attachments={mayInventory ? (attachments.data ?? []) : undefined}
          />
        </section>
      </div>
      <div className="actions">
        <ButtonLink href={`/networks/${network.id}`}>Cancel</ButtonLink>
        <span className="small mid">{why ?? `${plural(size, 'edit')} in one change`}</span>
        <span className="push dim small">Nothing moves until you commit</span>
        <Button
          look="primary"
          isDisabled={why !== undefined || save.isPending}
          onPress={() => save.mutate(undefined, { onSuccess: (draft) => router.push(`/changes/${draft.name}`) })}
        >
          {save.isPending ? 'Saving' : 'Preview the change'}
        </Button>
      </div>
    </form>
  )
}

/** Edits a network: all in one draft, which its preview then shows. */
export function EditNetwork({ id }: { id: string }) {
  const network = useNetwork(id)
  const subnets = useSubnets(id)
  const ports = usePorts(id)
  const mayWrite = useMay('network.write')
  const error = network.error ?? subnets.error ?? ports.error
  if (!mayWrite)
    return (
      <div className="body wzlost">
        <Banner tone="idle" icon="lock" title="You may look, not change">
          Your role has no right to edit networks. Ask an operator or your tenant’s administrator.
        </Banner>
      </div>
    )
  if (error)
    return (
      <div className="body wzlost">
        <ErrorBanner error={error} onRetry={() => void network.refetch()} />
      </div>
    )
  if (!network.data || !subnets.data || !ports.data) return <Skeleton />
  return <Form key={network.data.revision} network={network.data} subnets={subnets.data} ports={ports.data} />
}
