'use client'
import { useState } from 'react'
import type { Attachment } from '#server/contract/inventory.ts'
import { Banner } from '../../ui/banner.tsx'
import { Checkbox } from '../../ui/checkbox.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Icon } from '../../ui/icon.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { plural } from '../../ui/words.ts'
import { pickFault } from './form.ts'
import type { Wizard } from './use-wizard.ts'

const byServer = (attachments: readonly Attachment[]) => Map.groupBy(attachments, (attachment) => attachment.serverName)

function PickRow({ attachment, wizard }: { attachment: Attachment; wizard: Wizard }) {
  const { form, edit, refusal } = wizard
  const pick = form.picks.get(attachment.id)
  const problem = refusal?.attachmentId === attachment.id ? refusal.problem : undefined
  const fault =
    (pick && pickFault(attachment, pick)) ??
    (problem ? `${problem.errors[0]?.message ?? problem.detail} ${problem.errors[0]?.mend ?? ''}` : undefined)
  const toggle = (on: boolean) =>
    edit((was) => {
      const picks = new Map(was.picks)
      if (on) picks.set(attachment.id, { vlan: '' })
      else picks.delete(attachment.id)
      return { ...was, picks }
    })
  const setVlan = (vlan: string) => edit((was) => ({ ...was, picks: new Map(was.picks).set(attachment.id, { vlan }) }))
  return (
    <>
      <tr aria-selected={pick !== undefined}>
        <td>
          <Checkbox isSelected={pick !== undefined} onChange={toggle} aria-label={attachment.name} />
        </td>
        <td className="name">{attachment.name}</td>
        <td className="mono">{attachment.mac}</td>
        <td className="mid not-s">
          {attachment.datapathName}, {attachment.portName}
        </td>
        <td className="mid small not-s now clip">
          {attachment.usedBy.length === 0
            ? 'free'
            : attachment.usedBy.map((use) => `${use.name}${use.vlan === null ? '' : `, VLAN ${use.vlan}`}`).join('; ')}
        </td>
        <td className="num">
          {pick ? (
            <input
              className={`input vlan${fault ? ' err' : ''}`}
              aria-label={`VLAN of ${attachment.name}`}
              placeholder="untagged"
              inputMode="numeric"
              value={pick.vlan}
              onChange={(event) => setVlan(event.target.value)}
            />
          ) : null}
        </td>
      </tr>
      {fault ? (
        <tr className="faultrow">
          <td colSpan={6}>
            <div className="errline" role="alert">
              <Icon name="bad" small />
              <span>{fault}</span>
            </div>
          </td>
        </tr>
      ) : null}
    </>
  )
}

/** Which virtual NICs join the network, server by server. */
export function PortStep({ wizard }: { wizard: Wizard }) {
  const { form, edit, known } = wizard
  const [search, setSearch] = useState('')
  const wanted = search.trim().toLowerCase()
  const shown = known.attachments.filter((a) =>
    `${a.name} ${a.mac} ${a.serverName} ${a.datapathName}`.toLowerCase().includes(wanted),
  )
  const chooseAll = (attachments: readonly Attachment[], on: boolean) =>
    edit((was) => {
      const picks = new Map(was.picks)
      for (const { id, usedBy } of attachments) {
        if (!on) picks.delete(id)
        else if (!picks.has(id) && !usedBy.some((use) => use.vlan === null)) picks.set(id, { vlan: '' })
      }
      return { ...was, picks }
    })
  return (
    <section className="card form" aria-label="Ports">
      <div className="sect porthead">
        <h2>Ports</h2>
        <span className="dim small">{plural(form.picks.size, 'port')} chosen; each gets an address by itself</span>
        <label className="find push">
          <Icon name="search" small />
          <span className="sr">Find a host</span>
          <input
            type="search"
            value={search}
            placeholder="Find a host…"
            onChange={(event) => setSearch(event.target.value)}
          />
        </label>
      </div>
      {known.mayInventory ? null : (
        <div className="sect">
          <Banner tone="idle" icon="lock" title="Hosts are plugged in by an operator">
            You may make the network; which servers and NICs there are is known to operators.
          </Banner>
        </div>
      )}
      {known.mayInventory && !known.attachmentsKnown ? <Skeleton /> : null}
      {known.attachmentsKnown && known.attachments.length === 0 ? (
        <Empty icon="port" title="No place to plug in yet">
          Attachments are virtual NICs of hosts. They come with the inventory of the servers.
        </Empty>
      ) : null}
      {shown.length > 0 ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <div className="tablewrap picks" tabIndex={0}>
          <table className="t tight">
            <thead>
              <tr>
                <th>
                  <span className="sr">Chosen</span>
                </th>
                <th>Host</th>
                <th>MAC</th>
                <th className="not-s">Plugged in at</th>
                <th className="not-s">Now</th>
                <th className="num">VLAN</th>
              </tr>
            </thead>
            {[...byServer(shown)].map(([server, attachments]) => {
              const chosen = attachments.filter(({ id }) => form.picks.has(id)).length
              return (
                <tbody key={server}>
                  <tr className="grouprow">
                    <td>
                      <Checkbox
                        aria-label={`All free hosts of ${server}`}
                        isSelected={chosen === attachments.length}
                        isIndeterminate={chosen > 0 && chosen < attachments.length}
                        onChange={(on) => chooseAll(attachments, on)}
                      />
                    </td>
                    <td colSpan={5}>
                      <b>{server}</b>{' '}
                      <span className="dim">
                        {chosen} of {attachments.length}
                      </span>
                    </td>
                  </tr>
                  {attachments.map((attachment) => (
                    <PickRow key={attachment.id} attachment={attachment} wizard={wizard} />
                  ))}
                </tbody>
              )
            })}
          </table>
        </div>
      ) : null}
    </section>
  )
}
