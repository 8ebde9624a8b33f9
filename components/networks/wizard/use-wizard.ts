'use client'
import { parseAsInteger, parseAsString, useQueryStates } from 'nuqs'
import { useMemo, useState } from 'react'
import type { Problem } from '#server/contract/base.ts'
import { useAttachments, useServers } from '../../queries/inventory.ts'
import { useNetworkEdit } from '../../queries/networks.ts'
import { byField, problemOf } from '../../queries/problem.ts'
import { useTenants } from '../../queries/tenants.ts'
import { useMay } from '../../shell/session.tsx'
import { VXLAN_BYTES } from '../draft-network.ts'
import { type Form, obstacle } from './form.ts'
import { PickRefused, type Saved, saveAddresses, saveName, savePorts, saveSegment } from './save.ts'

export const STEPS = ['Tenant and name', 'Segment', 'Addresses and MTU', 'Ports'] as const
const KEYS = {
  step: parseAsInteger.withDefault(1),
  change: parseAsString,
  network: parseAsString,
  tenant: parseAsString,
}

/** Where the wizard stands, in the URL: a reload, or a colleague, comes back to the same draft. */
export const useWizardPlace = () => useQueryStates(KEYS, { history: 'push' })

function useKnown(saved: Saved) {
  const mayInventory = useMay('inventory.read')
  const tenants = useTenants()
  const servers = useServers(mayInventory)
  const attachments = useAttachments(mayInventory)
  // Without a right to the inventory the draft itself tells: its MTU began as the largest that fits.
  const [firstMtu, setFirstMtu] = useState<number>()
  if (firstMtu === undefined && saved.network) setFirstMtu(saved.network.mtu)
  const lowest = servers.data?.length ? Math.min(...servers.data.map((server) => server.underlayMtu)) : undefined
  return {
    mayInventory,
    tenants: tenants.data,
    attachments: useMemo(() => attachments.data ?? [], [attachments.data]),
    attachmentsKnown: attachments.isSuccess,
    underlayMtu: lowest ?? (firstMtu === undefined ? undefined : firstMtu + VXLAN_BYTES),
    lowestServer: servers.data?.find((server) => server.underlayMtu === lowest)?.name,
  }
}

/** Form, draft and steps of the wizard: each step is written into the draft when it is left. */
export function useWizard(initialForm: Form, initialSaved: Saved, onDone: (change: string) => void) {
  const [place, setPlace] = useWizardPlace()
  const [form, setForm] = useState(initialForm)
  const [saved, setSaved] = useState(initialSaved)
  const [refusal, setRefusal] = useState<{ readonly problem: Problem; readonly attachmentId?: string }>()
  const known = useKnown(saved)
  const step = saved.network ? Math.min(Math.max(place.step, 1), STEPS.length) : 1
  const tenant = known.tenants?.find(({ id }) => id === form.tenantId)

  const save = useNetworkEdit((at: number) => {
    if (at === 1) return saveName(saved, form, tenant?.name ?? '', setSaved)
    if (at === 2) return saveSegment(saved, form, setSaved)
    if (at === 3) return saveAddresses(saved, form, setSaved)
    return savePorts(saved, form, setSaved)
  })
  const go = (to: number, now: Saved = saved) =>
    void setPlace({ step: to, change: now.change?.id ?? null, network: now.network?.id ?? null })
  const next = () =>
    save.mutate(step, {
      onSuccess: (now) => {
        setRefusal(undefined)
        setForm((was) => ({
          ...was,
          ...(now.network && !was.ownVni ? { vni: String(now.network.vni) } : {}),
          ...(now.network && was.mtu === '' ? { mtu: String(now.network.mtu) } : {}),
        }))
        if (step < STEPS.length) go(step + 1, now)
        else if (now.change) onDone(now.change.name)
      },
      onError: (error) =>
        setRefusal(
          error instanceof PickRefused
            ? { problem: problemOf(error.cause), attachmentId: error.attachmentId }
            : { problem: problemOf(error) },
        ),
    })
  return {
    step,
    form,
    saved,
    known,
    tenant,
    refusal,
    /** What the engine refused, by field. */
    refused: byField(refusal?.problem),
    busy: save.isPending,
    why: obstacle(step, form, known),
    edit: (change: Partial<Form> | ((was: Form) => Form)) => {
      setRefusal(undefined)
      setForm((was) => (typeof change === 'function' ? change(was) : { ...was, ...change }))
    },
    next,
    back: () => {
      setRefusal(undefined)
      go(step - 1)
    },
    go,
  }
}
export type Wizard = ReturnType<typeof useWizard>
