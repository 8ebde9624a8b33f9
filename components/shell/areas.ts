import type { Right } from '#server/contract/rights.ts'
import type { IconName } from '../ui/icon.tsx'

export interface Area {
  readonly label: string
  readonly icon: IconName
  readonly href: string
  /** Paths that belong to it beside its own. */
  readonly owns?: readonly string[]
  readonly group?: string
}

/** The pages of the inventory, with the right that each needs. */
export const INVENTORY: readonly { readonly href: string; readonly label: string; readonly right: Right }[] = [
  { href: '/inventory', label: 'Servers', right: 'inventory.read' },
  { href: '/inventory/nics', label: 'NICs', right: 'inventory.read' },
  { href: '/datapaths', label: 'Datapaths', right: 'datapath.read' },
  { href: '/inventory/attachments', label: 'Attachments', right: 'inventory.read' },
  { href: '/inventory/tenants', label: 'Tenants', right: 'tenant.read' },
]

export const SETTINGS: readonly { readonly href: string; readonly label: string; readonly right?: Right }[] = [
  { href: '/settings', label: 'Your account' },
  { href: '/settings/users', label: 'People', right: 'user.read' },
  { href: '/settings/audit', label: 'Audit', right: 'audit.read' },
]

/** The areas that someone with these rights can enter. */
export function areasFor(rights: readonly Right[]): readonly Area[] {
  const inventory = INVENTORY.find((page) => rights.includes(page.right))
  return [
    ...(rights.includes('overview.read') ? [{ label: 'Overview', icon: 'overview', href: '/' } as const] : []),
    ...(rights.includes('network.read') ? [{ label: 'Networks', icon: 'network', href: '/networks' } as const] : []),
    ...(inventory
      ? [
          {
            label: 'Inventory',
            icon: 'inventory',
            href: inventory.href,
            owns: ['/inventory', '/datapaths'],
            group: 'Manage',
          } as const,
        ]
      : []),
    ...(rights.includes('change.read')
      ? [{ label: 'Changes', icon: 'change', href: '/changes', group: 'Manage' } as const]
      : []),
    { label: 'Settings', icon: 'settings', href: '/settings', group: 'Manage' },
  ]
}

/** Whether a path lies in an area. */
export const isInside = (area: Area, path: string): boolean =>
  [area.href, ...(area.owns ?? [])].some((own) => path === own || (own !== '/' && path.startsWith(`${own}/`)))
