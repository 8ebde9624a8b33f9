'use client'
import { useState } from 'react'
import type { Right } from '#server/contract/rights.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { useCreateToken } from '../queries/tokens.ts'
import { useSession } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { faultsOf, TextField } from '../ui/field.tsx'
import { plural } from '../ui/words.ts'
import { RightList } from './right-list.tsx'
import { TenantChoice } from './tenant-choice.tsx'

const DAYS_MAX = 366
const DAYS = '90'
/** What most scripts need, as a beginning. */
const READING: readonly Right[] = ['network.read', 'change.read', 'task.read']

interface Props {
  readonly onMade: (made: { readonly name: string; readonly token: string }) => void
  readonly onClose: () => void
}

/** Makes a token of rights that one holds. */
export function TokenForm({ onMade, onClose }: Props) {
  const { rights, place } = useSession()
  const create = useCreateToken()
  const [name, setName] = useState('')
  const [days, setDays] = useState(DAYS)
  const [tenantId, setTenant] = useState(place.tenantId)
  const [chosen, setChosen] = useState<ReadonlySet<Right>>(new Set(READING.filter((right) => rights.includes(right))))
  const life = /^\d{1,3}$/.test(days) && Number(days) >= 1 && Number(days) <= DAYS_MAX ? Number(days) : undefined
  const refused = byField(create.error ? problemOf(create.error) : undefined)
  const save = () =>
    life !== undefined &&
    create.mutate(
      { name: name.trim(), rights: [...chosen], tenantId, days: life },
      { onSuccess: ({ token }) => onMade({ name: name.trim(), token }) },
    )
  return (
    <Dialog
      title="Make an API token"
      isOpen
      wide
      onClose={onClose}
      foot={
        <>
          <span className="dim small grow footnote">{plural(chosen.size, 'right')} chosen</span>
          <Button look="quiet" onPress={onClose}>
            Cancel
          </Button>
          <Button
            look="primary"
            isDisabled={name.trim() === '' || chosen.size === 0 || life === undefined || create.isPending}
            onPress={save}
          >
            Make token
          </Button>
        </>
      }
    >
      <ErrorBanner error={create.error} except={['name', 'days']} />
      <div className="pair">
        <TextField
          label="Name"
          value={name}
          onValue={setName}
          maxLength={63}
          autoFocus
          autoComplete="off"
          hint="What uses it: backup on nas-2."
          faults={faultsOf(refused.get('name'))}
        />
        <TextField
          label="Ends after"
          value={days}
          onValue={setDays}
          inputMode="numeric"
          autoComplete="off"
          note="days"
          faults={[
            ...(life === undefined ? [{ message: `1 to ${DAYS_MAX} days.` }] : []),
            ...faultsOf(refused.get('days')),
          ]}
        />
      </div>
      <TenantChoice label="Where it counts" value={tenantId} onValue={setTenant} />
      <RightList chosen={chosen} held={rights} onChoose={setChosen} />
    </Dialog>
  )
}
