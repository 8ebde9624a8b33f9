'use client'
import { useState } from 'react'
import type { Subnet } from '#server/contract/networks.ts'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { gatewayFaults, prefixFaults } from './draft-network.ts'
import type { NetworkEdit } from './edit-form.ts'
import { firstHost, parsePrefix } from './prefix.ts'

interface Props {
  readonly edit: NetworkEdit
  readonly onEdit: (edit: NetworkEdit) => void
  readonly subnets: readonly Subnet[]
}

/** Which subnets go and which come. */
export function EditSubnets({ edit, onEdit, subnets }: Props) {
  const [prefix, setPrefix] = useState('')
  const [gateway, setGateway] = useState('')
  const parsed = parsePrefix(prefix)
  const type = (text: string) => {
    setPrefix(text)
    const next = parsePrefix(text)
    if (next?.family === 4) setGateway(firstHost(next))
  }
  const faults = prefixFaults(prefix, prefix.includes(':') ? 6 : 4, type)
  const wrongGateway = gatewayFaults(gateway, parsed, { gateway: setGateway, prefix: type })
  const add = () => {
    onEdit({ ...edit, newSubnets: [...edit.newSubnets, { prefix: prefix.trim(), gateway }] })
    setPrefix('')
    setGateway('')
  }
  return (
    <div className="subedit">
      <ul className="ev">
        {subnets.map((subnet) => {
          const goes = edit.goneSubnets.has(subnet.id)
          const next = new Set(edit.goneSubnets)
          if (!next.delete(subnet.id)) next.add(subnet.id)
          return (
            <li key={subnet.id} className={goes ? 'goes' : ''}>
              <span className="mono">{subnet.prefix}</span>
              <span className="dim">{subnet.gateway ? `gateway ${subnet.gateway}` : 'no gateway'}</span>
              <Button
                small
                look="quiet"
                className="push"
                aria-label={goes ? `Keep ${subnet.prefix}` : `Remove ${subnet.prefix}`}
                onPress={() => onEdit({ ...edit, goneSubnets: next })}
              >
                {goes ? 'Keep' : 'Remove'}
              </Button>
            </li>
          )
        })}
        {edit.newSubnets.map((subnet) => (
          <li key={subnet.prefix} className="comes">
            <span className="mono">{subnet.prefix}</span>
            <span className="dim">{subnet.gateway ? `gateway ${subnet.gateway}` : 'no gateway'}, new</span>
            <Button
              small
              look="quiet"
              className="push"
              aria-label={`Do not add ${subnet.prefix}`}
              onPress={() => onEdit({ ...edit, newSubnets: edit.newSubnets.filter((other) => other !== subnet) })}
            >
              Take back
            </Button>
          </li>
        ))}
      </ul>
      <div className="addrow pair">
        <TextField label="New subnet" mono value={prefix} onValue={type} faults={faults} placeholder="10.0.1.0/24" />
        <TextField
          label="Gateway"
          optional
          mono
          value={gateway}
          onValue={setGateway}
          faults={wrongGateway}
          disabled={!parsed}
        />
        <Button isDisabled={!parsed || faults.length > 0 || wrongGateway.length > 0} onPress={add}>
          Add subnet
        </Button>
      </div>
    </div>
  )
}
