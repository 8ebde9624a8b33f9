'use client'
import { useState } from 'react'
import { Name } from '#server/contract/base.ts'
import { RELEASABLE, type VnfConsole } from '#server/contract/consoles.ts'
import { useRegisterConsole, useUpdateConsole } from '../queries/consoles.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { TenantChoice } from '../settings/tenant-choice.tsx'
import { useSession } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Checkbox } from '../ui/checkbox.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { faultsOf, TextField } from '../ui/field.tsx'
import { PasteFile } from '../ui/paste-file.tsx'
import { toast } from '../ui/toast.tsx'

type Released = (typeof RELEASABLE)[number]
const RELEASE_WORDS: Readonly<Record<Released, string>> = {
  name: 'Account name',
  displayName: 'Name for people',
  email: 'E-mail address',
  roles: 'Roles',
  groups: 'Groups',
  tenant: 'Tenant',
}
const METADATA_LIMIT = 1024 * 1024

/** Registers the console of a VNF from its metadata, or changes one. */
export function ConsoleForm({ item, onClose }: { item: VnfConsole | null; onClose: () => void }) {
  const { place } = useSession()
  const register = useRegisterConsole()
  const update = useUpdateConsole()
  const [name, setName] = useState(item?.name ?? '')
  const [displayName, setDisplayName] = useState(item?.displayName ?? '')
  const [metadata, setMetadata] = useState('')
  const [homeUrl, setHomeUrl] = useState(item?.homeUrl ?? '')
  const [tenantId, setTenant] = useState(item ? item.tenantId : place.tenantId)
  const [release, setRelease] = useState<ReadonlySet<Released>>(new Set(item?.release))
  const [encrypt, setEncrypt] = useState(item?.encrypt ?? false)
  const error = register.error ?? update.error
  const refused = byField(error ? problemOf(error) : undefined)
  const named = Name.safeParse(name).success
  const ready = item ? true : named && metadata.trim() !== ''
  const said = (text: string) => ({
    onSuccess: () => {
      toast({ tone: 'ok', text })
      onClose()
    },
  })
  const save = () => {
    const common = {
      release: RELEASABLE.filter((one) => release.has(one)),
      encrypt,
      ...(displayName.trim() ? { displayName: displayName.trim() } : {}),
      ...(metadata.trim() ? { metadata } : {}),
    }
    const home = homeUrl.trim()
    if (item)
      update.mutate(
        { id: item.id, revision: item.revision, ...common, homeUrl: home || null },
        said(`${name} is changed`),
      )
    else
      register.mutate(
        { name, tenantId, ...common, metadata, ...(home ? { homeUrl: home } : {}) },
        said(`${name} is registered: it can be opened under Your consoles`),
      )
  }
  const toggle = (one: Released, on: boolean) => {
    const next = new Set(release)
    if (on) next.add(one)
    else next.delete(one)
    setRelease(next)
  }
  return (
    <Dialog
      title={item ? `Change ${item.name}` : 'Register a console'}
      isOpen
      wide
      onClose={onClose}
      foot={
        <>
          <Button look="quiet" onPress={onClose}>
            Cancel
          </Button>
          <Button look="primary" isDisabled={!ready || register.isPending || update.isPending} onPress={save}>
            {item ? 'Save' : 'Register'}
          </Button>
        </>
      }
    >
      <ErrorBanner error={error} except={['name', 'metadata', 'homeUrl']} />
      <div className="pair">
        <TextField
          label="Name"
          value={name}
          onValue={setName}
          disabled={item !== null}
          autoComplete="off"
          hint="a to z, 0 to 9 and inner hyphens; it stays."
          faults={[
            ...(name !== '' && !named ? [{ message: 'a to z, 0 to 9 and inner hyphens, at most 63.' }] : []),
            ...faultsOf(refused.get('name')),
          ]}
        />
        <TextField label="Name for people" optional value={displayName} onValue={setDisplayName} autoComplete="off" />
      </div>
      {item ? null : <TenantChoice label="Whose people may open it" value={tenantId} onValue={setTenant} />}
      <PasteFile
        label={item ? 'New metadata' : 'Its metadata'}
        value={metadata}
        onValue={setMetadata}
        placeholder="<md:EntityDescriptor entityID=…"
        accept=".xml,text/xml,application/xml,application/samlmetadata+xml"
        limit={METADATA_LIMIT}
        rows={item ? 3 : 5}
        faults={faultsOf(refused.get('metadata'))}
      />
      <TextField
        label="Address to open"
        optional
        value={homeUrl}
        onValue={setHomeUrl}
        placeholder="https://firewall-1.example.org/"
        inputMode="url"
        autoComplete="off"
        faults={faultsOf(refused.get('homeUrl'))}
      />
      <fieldset className="choices">
        <legend>What it is told of who opens it</legend>
        {RELEASABLE.map((one) => (
          <Checkbox key={one} isSelected={release.has(one)} onChange={(on) => toggle(one, on)}>
            {RELEASE_WORDS[one]}
          </Checkbox>
        ))}
      </fieldset>
      <p className="hint">
        {release.size === 0
          ? 'Nothing: it gets a name that means nothing elsewhere, and cannot be matched with another console’s.'
          : 'The rest stays unknown to it. Its own name for a person is different from any other console’s.'}
      </p>
      <Checkbox isSelected={encrypt} onChange={setEncrypt}>
        Encrypt what is sent, for the key in its metadata
      </Checkbox>
    </Dialog>
  )
}
