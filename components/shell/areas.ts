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

export interface SettingsPage {
  readonly href: string
  readonly label: string
  readonly icon: IconName
  readonly group: 'You' | 'Access' | 'Evidence'
  /** What it needs; anyone may open it where there is none. */
  readonly right?: Right
}

/** The pages of the settings, by group. */
export const SETTINGS: readonly SettingsPage[] = [
  { href: '/settings', label: 'Your account', icon: 'person', group: 'You' },
  { href: '/settings/notices', label: 'Notices', icon: 'bell', group: 'You' },
  { href: '/settings/my-consoles', label: 'Your consoles', icon: 'open', group: 'You' },
  { href: '/settings/sessions', label: 'Sessions', icon: 'screen', group: 'You' },
  { href: '/settings/tokens', label: 'API tokens', icon: 'key', group: 'You' },
  { href: '/settings/users', label: 'People', icon: 'people', group: 'Access', right: 'user.read' },
  { href: '/settings/groups', label: 'Groups', icon: 'group', group: 'Access', right: 'group.read' },
  { href: '/settings/roles', label: 'Roles', icon: 'columns', group: 'Access', right: 'role.read' },
  {
    href: '/settings/identity-providers',
    label: 'Identity providers',
    icon: 'badge',
    group: 'Access',
    right: 'provider.read',
  },
  { href: '/settings/consoles', label: 'VNF consoles', icon: 'inventory', group: 'Access', right: 'console.read' },
  { href: '/settings/audit', label: 'Audit', icon: 'list', group: 'Evidence', right: 'audit.read' },
  { href: '/settings/decisions', label: 'Decisions', icon: 'info', group: 'Evidence', right: 'decision.read' },
  { href: '/settings/keys', label: 'Keys', icon: 'lock', group: 'Evidence', right: 'key.read' },
]

/** Those that someone with these rights can open. */
export const settingsFor = (rights: readonly Right[]): readonly SettingsPage[] =>
  SETTINGS.filter(({ right }) => !right || rights.includes(right))

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
