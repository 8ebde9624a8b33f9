'use client'
import { Command } from 'cmdk'
import { useRouter } from 'next/navigation'
import { useTheme } from 'next-themes'
import { type ReactNode, useEffect, useState } from 'react'
import { Dialog, Modal, ModalOverlay } from 'react-aria-components'
import { useChanges } from '../queries/changes.ts'
import { useDatapaths } from '../queries/datapaths.ts'
import { useNetworks, usePorts } from '../queries/networks.ts'
import { Icon, type IconName } from '../ui/icon.tsx'
import { areasFor, INVENTORY, settingsFor } from './areas.ts'
import { useMay, useSession } from './session.tsx'
import { useLeave } from './user-menu.tsx'

interface Entry {
  readonly value: string
  readonly icon: IconName
  readonly label: string
  readonly note?: string
  readonly words?: readonly string[]
  readonly run: () => void
}

function usePlaces(go: (href: string) => void): readonly Entry[] {
  const { rights } = useSession()
  const inside = [...INVENTORY.filter((page) => rights.includes(page.right)), ...settingsFor(rights)]
  return [
    ...areasFor(rights).map((area) => ({
      value: `page ${area.href}`,
      icon: area.icon,
      label: area.label,
      run: () => go(area.href),
    })),
    ...inside
      .filter((page) => page.href !== '/inventory' && page.href !== '/settings')
      .map((page) => ({
        value: `page ${page.href}`,
        icon: 'right' as const,
        label: page.label,
        run: () => go(page.href),
      })),
  ]
}

function useThings(open: boolean, go: (href: string) => void): readonly Entry[] {
  const { rights } = useSession()
  const networks = useNetworks(open && rights.includes('network.read'))
  const ports = usePorts(undefined, undefined, open && rights.includes('network.read'))
  const changes = useChanges(open && rights.includes('change.read'))
  const datapaths = useDatapaths(open && rights.includes('datapath.read'))
  return [
    ...(networks.data ?? []).map((network) => ({
      value: `network ${network.id}`,
      icon: 'network' as const,
      label: network.name,
      note: `${network.tenantName}, VNI ${network.vni}`,
      words: [
        network.tenantName,
        String(network.vni),
        `0x${network.vni.toString(16)}`,
        ...network.subnets.map((s) => s.prefix),
      ],
      run: () => go(`/networks/${network.id}`),
    })),
    ...(ports.data ?? []).map((port) => ({
      value: `port ${port.id}`,
      icon: 'port' as const,
      label: `Port ${port.name}`,
      note: `${port.networkName}, ${port.addresses[0] ?? port.mac}`,
      words: [port.mac, ...port.addresses, port.networkName, port.serverName],
      run: () => go(`/networks/${port.networkId}`),
    })),
    ...(datapaths.data ?? []).map((datapath) => ({
      value: `datapath ${datapath.id}`,
      icon: 'switch' as const,
      label: datapath.name,
      note: datapath.serverName,
      words: [datapath.datapathId, datapath.bridge, datapath.serverName],
      run: () => go(`/datapaths/${datapath.id}`),
    })),
    ...(changes.data ?? []).slice(0, 200).map((change) => ({
      value: `change ${change.id}`,
      icon: 'change' as const,
      label: change.name,
      note: change.title,
      words: [change.title, change.actor],
      run: () => go(`/changes/${change.name}`),
    })),
  ]
}

function useActions(go: (href: string) => void): readonly Entry[] {
  const { setTheme, resolvedTheme } = useTheme()
  const mayWrite = useMay('network.write')
  const leave = useLeave()
  const other = resolvedTheme === 'dark' ? 'light' : 'dark'
  return [
    ...(mayWrite
      ? [{ value: 'do create-network', icon: 'plus' as const, label: 'Create network', run: () => go('/networks/new') }]
      : []),
    { value: 'do theme', icon: 'theme', label: `Use the ${other} theme`, run: () => setTheme(other) },
    { value: 'do sign-out', icon: 'out', label: 'Sign out', run: () => leave() },
  ]
}

const Group = ({
  heading,
  entries,
  onRun,
}: {
  heading: string
  entries: readonly Entry[]
  onRun: (entry: Entry) => void
}): ReactNode =>
  entries.length === 0 ? null : (
    <Command.Group heading={heading}>
      {entries.map((entry) => (
        <Command.Item
          key={entry.value}
          value={entry.value}
          keywords={[entry.label, ...(entry.words ?? [])]}
          onSelect={() => onRun(entry)}
        >
          <Icon name={entry.icon} />
          <span className="clip">{entry.label}</span>
          {entry.note ? <span className="dim clip">{entry.note}</span> : null}
          <kbd className="kbd push">Enter</kbd>
        </Command.Item>
      ))}
    </Command.Group>
  )

/** Exact pieces of addresses count, not scattered letters. */
const score = (_value: string, search: string, keywords: readonly string[] = []): number => {
  const wanted = search.trim().toLowerCase().split(/\s+/)
  const words = keywords.map((word) => word.toLowerCase())
  if (!wanted.every((piece) => words.some((word) => word.includes(piece)))) return 0
  return words[0]?.startsWith(wanted[0] ?? '') ? 1 : words.includes(search.trim().toLowerCase()) ? 0.9 : 0.5
}

export function Palette() {
  const [open, setOpen] = useState(false)
  const [search, setSearch] = useState('')
  const router = useRouter()
  const places = usePlaces((href) => router.push(href))
  const things = useThings(open, (href) => router.push(href))
  const actions = useActions((href) => router.push(href))
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'k' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      setOpen((was) => !was)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
  const close = () => {
    setOpen(false)
    setSearch('')
  }
  const run = (entry: Entry) => {
    close()
    entry.run()
  }
  return (
    <>
      <button type="button" className="search" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Icon name="search" />
        <span className="clip">Find an address, MAC, VNI or name</span>
        <kbd className="kbd">Ctrl K</kbd>
      </button>
      <ModalOverlay className="veil" isOpen={open} onOpenChange={(next) => next || close()} isDismissable>
        <Modal className="modal float palette">
          <Dialog className="dialog" aria-label="Find">
            <Command label="Find" filter={score} loop>
              <div className="q">
                <Icon name="search" />
                <Command.Input
                  value={search}
                  onValueChange={setSearch}
                  placeholder="Find an address, MAC, VNI or name"
                  autoFocus
                />
              </div>
              <Command.List className="menu">
                <Command.Empty>Nothing fits “{search}”.</Command.Empty>
                <Group heading="Pages" entries={places} onRun={run} />
                {search.trim() === '' ? null : <Group heading="Things" entries={things} onRun={run} />}
                <Group heading="Do" entries={actions} onRun={run} />
              </Command.List>
            </Command>
          </Dialog>
        </Modal>
      </ModalOverlay>
    </>
  )
}
