'use client'
import { useRouter } from 'next/navigation'
import type { Network } from '#server/contract/networks.ts'
import { draftOf } from '../queries/changes.ts'
import { networkEdits, useNetworkEdit } from '../queries/networks.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { listed, plural } from '../ui/words.ts'

/** Asks, then puts the deletion of all into one draft and shows its preview. Nothing is deleted here. */
export function DeleteNetworks({ networks, onClose }: { networks: readonly Network[]; onClose: () => void }) {
  const router = useRouter()
  const tenants = new Set(networks.map((network) => network.tenantId))
  const [only] = tenants
  const names = listed(
    networks
      .slice(0, 4)
      .map((n) => n.name)
      .concat(networks.length > 4 ? [`${networks.length - 4} more`] : []),
  )
  const ports = networks.reduce((sum, network) => sum + network.ports, 0)
  const remove = useNetworkEdit(() =>
    draftOf(`Delete ${names}`.slice(0, 200), tenants.size === 1 ? (only ?? null) : null, async (change) => {
      for (const { id, revision } of networks) await networkEdits.remove({ change, id, revision })
    }),
  )
  return (
    <Dialog
      title={networks.length === 1 ? `Delete ${names}?` : `Delete ${networks.length} networks?`}
      role="alertdialog"
      isOpen={networks.length > 0}
      onClose={onClose}
      foot={
        <>
          <Button look="quiet" onPress={onClose}>
            Keep
          </Button>
          <Button
            look="primary"
            isDisabled={remove.isPending}
            onPress={() => remove.mutate(undefined, { onSuccess: (change) => router.push(`/changes/${change.name}`) })}
          >
            Preview the deletion
          </Button>
        </>
      }
    >
      <p>
        {names}: {networks.length === 1 ? 'it goes' : 'they go'} with {plural(ports, 'port')}. Hosts on them lose their
        network once the change is committed; until then nothing moves.
      </p>
      <ErrorBanner error={remove.error} />
    </Dialog>
  )
}
