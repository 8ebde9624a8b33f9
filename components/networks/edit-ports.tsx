'use client'
import { useState } from 'react'
import type { Attachment } from '#server/contract/inventory.ts'
import type { Port } from '#server/contract/networks.ts'
import { Button } from '../ui/button.tsx'
import { ComboBox } from '../ui/choice.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import type { NetworkEdit } from './edit-form.ts'
import { pickFault } from './wizard/form.ts'

interface Props {
  readonly edit: NetworkEdit
  readonly onEdit: (edit: NetworkEdit) => void
  readonly ports: readonly Port[]
  /** Undefined where one may not know them. */
  readonly attachments: readonly Attachment[] | undefined
}

const without = <T,>(set: ReadonlySet<T>, item: T) => new Set([...set].filter((other) => other !== item))

/** Which ports go and which come. */
export function EditPorts({ edit, onEdit, ports, attachments }: Props) {
  const [round, setRound] = useState(0)
  const chosen = new Set(edit.newPorts.map((port) => port.attachmentId))
  const nameOf = (id: string) => attachments?.find((attachment) => attachment.id === id)
  const setVlan = (attachmentId: string, vlan: string) =>
    onEdit({
      ...edit,
      newPorts: edit.newPorts.map((port) => (port.attachmentId === attachmentId ? { attachmentId, vlan } : port)),
    })
  return (
    <>
      <TableWrap rows>
        <table className="t tight">
          <thead>
            <tr>
              <th>Port</th>
              <th>Server</th>
              <th>Addresses</th>
              <th className="num">VLAN</th>
              <th>
                <span className="sr">What becomes of it</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {ports.map((port) => {
              const goes = edit.gonePorts.has(port.id)
              return (
                <tr key={port.id} className={goes ? 'goes' : ''}>
                  <td className="name p-title">{port.name}</td>
                  <td className="p-side-under">{port.serverName}</td>
                  <td className="mono p-under">{port.addresses.join(', ')}</td>
                  <td className="num p-figure">
                    {port.vlan === null ? null : <span className="only-s">VLAN </span>}
                    {port.vlan ?? <span className="dim">untagged</span>}
                  </td>
                  <td className="num p-side">
                    <Button
                      small
                      look="quiet"
                      aria-label={goes ? `Keep ${port.name}` : `Remove ${port.name}`}
                      onPress={() =>
                        onEdit({
                          ...edit,
                          gonePorts: goes ? without(edit.gonePorts, port.id) : new Set([...edit.gonePorts, port.id]),
                        })
                      }
                    >
                      {goes ? 'Keep' : 'Remove'}
                    </Button>
                  </td>
                </tr>
              )
            })}
            {edit.newPorts.map(({ attachmentId, vlan }) => {
              const attachment = nameOf(attachmentId)
              const fault = attachment ? pickFault(attachment, { vlan }) : undefined
              return (
                <tr key={attachmentId} className="comes">
                  <td className="name p-title">{attachment?.name}</td>
                  <td className="p-side-under">{attachment?.serverName}</td>
                  <td className="dim p-under">
                    {fault ? <span className="bad kk">{fault}</span> : 'one of each subnet'}
                  </td>
                  <td className="num p-figure">
                    <input
                      className={`input vlan${fault ? ' err' : ''}`}
                      aria-label={`VLAN of ${attachment?.name ?? ''}`}
                      placeholder="untagged"
                      inputMode="numeric"
                      value={vlan}
                      onChange={(event) => setVlan(attachmentId, event.target.value)}
                    />
                  </td>
                  <td className="num p-side">
                    <Button
                      small
                      look="quiet"
                      aria-label={`Do not add ${attachment?.name ?? ''}`}
                      onPress={() =>
                        onEdit({
                          ...edit,
                          newPorts: edit.newPorts.filter((port) => port.attachmentId !== attachmentId),
                        })
                      }
                    >
                      Take back
                    </Button>
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </TableWrap>
      {attachments ? (
        <div className="addrow">
          <ComboBox
            key={round}
            label="Add a host"
            placeholder="Type or choose"
            value={null}
            options={attachments
              .filter(
                ({ id }) => !chosen.has(id) && !ports.some((port) => port.attachmentId === id && port.vlan === null),
              )
              .map((attachment) => ({
                id: attachment.id,
                label: attachment.name,
                note: `${attachment.serverName}${attachment.usedBy.length > 0 ? ', in use' : ''}`,
              }))}
            onValue={(attachmentId) => {
              if (!attachmentId) return
              onEdit({ ...edit, newPorts: [...edit.newPorts, { attachmentId, vlan: '' }] })
              setRound(round + 1)
            }}
            empty="No host has this name."
          />
        </div>
      ) : (
        <p className="in dim">Hosts are plugged in by an operator, who knows the servers.</p>
      )}
    </>
  )
}
