/** Every right there is. A procedure names one, or `public` (nobody need be signed in), or `self` (anyone signed in). */
export const RIGHTS = [
  'overview.read',
  'inventory.read',
  'inventory.write',
  'tenant.read',
  'tenant.write',
  'user.read',
  'user.write',
  'network.read',
  'network.write',
  'change.read',
  'change.write',
  'change.commit',
  'datapath.read',
  'datapath.repair',
  'task.read',
  'task.cancel',
  'audit.read',
  'role.read',
  'role.write',
  'group.read',
  'group.write',
  'provider.read',
  'provider.write',
  'console.read',
  'console.write',
  'session.read',
  'session.end',
  'token.read',
  'token.end',
  'key.read',
  'key.write',
  'decision.read',
] as const
export type Right = (typeof RIGHTS)[number]

export const ROLES = ['operator', 'auditor', 'tenant-administrator', 'tenant-member'] as const
export type Role = (typeof ROLES)[number]

/** What may be given at one site alone: the rest has no site. */
export const SITE_RIGHTS: readonly Right[] = [
  'overview.read',
  'inventory.read',
  'inventory.write',
  'datapath.read',
  'datapath.repair',
  'task.read',
]

/** What has no tenant, and so cannot be given inside one. */
export const INSTALLATION_RIGHTS: readonly Right[] = [
  'inventory.write',
  'tenant.write',
  'datapath.read',
  'datapath.repair',
  'key.read',
  'key.write',
]

const TENANT_READ: readonly Right[] = ['overview.read', 'tenant.read', 'network.read', 'change.read', 'task.read']

/** What each role may do. The two tenant roles hold their rights inside their own tenant alone. */
export const ROLE_RIGHTS: Readonly<Record<Role, readonly Right[]>> = {
  operator: RIGHTS,
  auditor: RIGHTS.filter((right) => right.endsWith('.read')),
  'tenant-administrator': [
    ...TENANT_READ,
    'network.write',
    'change.write',
    'change.commit',
    'task.cancel',
    'audit.read',
    'user.read',
    'user.write',
    'role.read',
    'role.write',
    'group.read',
    'group.write',
    'provider.read',
    'provider.write',
    'console.read',
    'console.write',
    'session.read',
    'session.end',
    'token.read',
    'token.end',
    'decision.read',
  ],
  'tenant-member': TENANT_READ,
}
