'use client'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { useChanges } from '../queries/changes.ts'
import { useNetworks } from '../queries/networks.ts'
import { Icon, Mark } from '../ui/icon.tsx'
import { type Area, areasFor, isInside } from './areas.ts'
import { useMay, useSession } from './session.tsx'
import { TaskTray } from './task-tray.tsx'

/** How many there are behind an area; only what is known. */
function useCounts(): Readonly<Record<string, number | undefined>> {
  const networks = useNetworks(useMay('network.read'))
  const changes = useChanges(useMay('change.read'))
  const open = changes.data?.filter(({ state }) => !['committed', 'undone', 'discarded'].includes(state)).length
  return { '/networks': networks.data?.length, '/changes': open === 0 ? undefined : open }
}

export function Rail() {
  const session = useSession()
  const path = usePathname()
  const counts = useCounts()
  const areas = areasFor(session.rights)
  const link = (area: Area) => (
    <Link key={area.href} href={area.href} aria-current={isInside(area, path) ? 'page' : undefined}>
      <Icon name={area.icon} />
      <span>{area.label}</span>
      {counts[area.href] === undefined ? null : (
        <span className="n" aria-hidden="true">
          {counts[area.href]?.toLocaleString('en')}
        </span>
      )}
    </Link>
  )
  return (
    <aside className="rail">
      <Link className="brand" href="/" aria-label={session.product.name}>
        <Mark />
        <span>{session.product.name}</span>
      </Link>
      <nav aria-label="Areas">
        {areas.filter((area) => !area.group).map(link)}
        <div className="grp">Manage</div>
        {areas.filter((area) => area.group).map(link)}
      </nav>
      <div className="foot">
        <TaskTray />
      </div>
    </aside>
  )
}
