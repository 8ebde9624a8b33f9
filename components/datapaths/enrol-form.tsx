'use client'
import { useState } from 'react'
import type { Datapath } from '#server/contract/datapaths.ts'
import { useDatapaths } from '../queries/datapaths.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { useEnrolSwitch } from '../queries/switch-certificates.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Checkbox } from '../ui/checkbox.tsx'
import { CopyLine } from '../ui/copy.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { faultsOf } from '../ui/field.tsx'
import { PasteFile } from '../ui/paste-file.tsx'
import { saveFile } from '../ui/save-file.ts'

const PEM_LIMIT = 16_384
const CERTIFICATE = '-----BEGIN CERTIFICATE-----'
const MAKE =
  'openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=switch -keyout sc-privkey.pem -out sc-req.pem'
const USE = 'ovs-vsctl set-ssl /etc/openvswitch/sc-privkey.pem /etc/openvswitch/sc-cert.pem /etc/openvswitch/cacert.pem'

export const savePem = (text: string, name: string) =>
  saveFile(new Blob([text], { type: 'application/x-pem-file' }), name)

/** Certifies a switch: its request goes in, its certificate and our authority come out. The private key never leaves it. */
export function EnrolForm({ datapath, onClose }: { datapath: Datapath; onClose: () => void }) {
  const enrol = useEnrolSwitch()
  const all = useDatapaths()
  const [pem, setPem] = useState('')
  const [also, setAlso] = useState<ReadonlySet<string>>(new Set())
  const others = (all.data ?? []).filter(({ id, serverId }) => serverId === datapath.serverId && id !== datapath.id)
  const refused = byField(enrol.error ? problemOf(enrol.error) : undefined)
  const toggle = (id: string, on: boolean) => {
    const next = new Set(also)
    if (on) next.add(id)
    else next.delete(id)
    setAlso(next)
  }
  const { data } = enrol
  if (data)
    return (
      <Dialog
        title={`${datapath.name} is enrolled`}
        isOpen
        wide
        onClose={onClose}
        foot={
          <Button look="primary" onPress={onClose}>
            Done
          </Button>
        }
      >
        <p>Put both files beside the private key in the switch, and name the three to Open vSwitch there.</p>
        <div className="row">
          <Button onPress={() => savePem(data.certificate, 'sc-cert.pem')}>Download its certificate</Button>
          <Button onPress={() => savePem(data.authorities, 'cacert.pem')}>Download Weft’s CA</Button>
        </div>
        <CopyLine label="Then, in the switch" text={USE} />
      </Dialog>
    )
  const given = pem.includes(CERTIFICATE) ? { certificate: pem } : { csr: pem }
  return (
    <Dialog
      title={`Enrol the switch of ${datapath.name}`}
      isOpen
      wide
      onClose={onClose}
      foot={
        <>
          <Button look="quiet" onPress={onClose}>
            Cancel
          </Button>
          <Button
            look="primary"
            isDisabled={pem.trim() === '' || enrol.isPending}
            onPress={() => enrol.mutate({ id: datapath.id, also: [...also], ...given })}
          >
            Enrol
          </Button>
        </>
      }
    >
      <ErrorBanner error={enrol.error} except={['csr', 'certificate']} />
      <CopyLine label="In the switch: a key and a request" text={MAKE} />
      <PasteFile
        label="The request, or a certificate of your own authority"
        value={pem}
        onValue={setPem}
        placeholder="-----BEGIN CERTIFICATE REQUEST-----"
        accept=".pem,.csr,.crt,application/x-pem-file,application/pkcs10"
        limit={PEM_LIMIT}
        rows={8}
        faults={[...faultsOf(refused.get('csr')), ...faultsOf(refused.get('certificate'))]}
      />
      {others.length > 0 ? (
        <fieldset className="choices">
          <legend>Bridges of the same Open vSwitch</legend>
          {others.map(({ id, name, bridge }) => (
            <Checkbox key={id} isSelected={also.has(id)} onChange={(on) => toggle(id, on)}>
              {name} <span className="dim mono">{bridge}</span>
            </Checkbox>
          ))}
        </fieldset>
      ) : null}
      <p className="hint">Whoever holds the key can be these datapaths and no others. It lasts a year.</p>
    </Dialog>
  )
}
