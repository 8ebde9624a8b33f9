import { INSTALLATION_RIGHTS, RIGHTS, type Right } from '#server/contract/rights.ts'

/** What each right lets one do, to go on from “may …”. */
export const RIGHT_WORDS: Readonly<Record<Right, string>> = {
  'overview.read': 'see the overview',
  'inventory.read': 'see sites, servers and NICs',
  'inventory.write': 'declare sites, servers and NICs',
  'tenant.read': 'see tenants',
  'tenant.write': 'create and change tenants',
  'user.read': 'see people',
  'user.write': 'create people and give them roles',
  'network.read': 'see networks and ports',
  'network.write': 'draft networks and ports',
  'change.read': 'see changes',
  'change.write': 'draft changes',
  'change.commit': 'commit changes',
  'datapath.read': 'see datapaths and their entries',
  'datapath.repair': 'repair datapaths',
  'task.read': 'see tasks',
  'task.cancel': 'cancel tasks',
  'audit.read': 'read the audit log',
  'role.read': 'see roles',
  'role.write': 'make and change roles',
  'group.read': 'see groups',
  'group.write': 'make groups and choose their members',
  'provider.read': 'see identity providers',
  'provider.write': 'add and change identity providers',
  'console.read': 'see consoles of VNFs',
  'console.write': 'register consoles of VNFs',
  'session.read': 'see everybody’s sessions',
  'session.end': 'end anybody’s session',
  'token.read': 'see everybody’s API tokens',
  'token.end': 'end anybody’s API token',
  'key.read': 'see the installation’s keys',
  'key.write': 'rotate the installation’s keys',
  'decision.read': 'see why calls were let in or refused',
}

export interface RightArea {
  readonly label: string
  readonly rights: readonly Right[]
}

const AREAS: readonly { readonly label: string; readonly of: readonly string[] }[] = [
  { label: 'Networks and changes', of: ['overview', 'network', 'change', 'task'] },
  { label: 'Infrastructure', of: ['inventory', 'datapath', 'tenant'] },
  { label: 'People and access', of: ['user', 'group', 'role', 'provider', 'console'] },
  { label: 'Sign-in and evidence', of: ['session', 'token', 'audit', 'decision', 'key'] },
]

/** All rights by area, in the order in which people look for them. */
export const RIGHT_AREAS: readonly RightArea[] = AREAS.map(({ label, of }) => ({
  label,
  rights: of.flatMap((noun) => RIGHTS.filter((right) => right.startsWith(`${noun}.`))),
}))

/** Why something is not to be had, and who could change that. */
export const whyNot = (right: Right): string =>
  `Needs the right ${right} (${RIGHT_WORDS[right]}). ${
    INSTALLATION_RIGHTS.includes(right) ? 'An operator' : 'An operator, or your tenant’s administrator,'
  } can give it under People.`
