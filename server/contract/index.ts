import { bindings, decisions, groups, roles, tokens } from './access.ts'
import { audit } from './audit.ts'
import { changes, tasks } from './changes.ts'
import { consoles } from './consoles.ts'
import { datapaths } from './datapaths.ts'
import { signIn } from './federation.ts'
import { inventory, tenants } from './inventory.ts'
import { keys } from './keys.ts'
import { networks, ports, subnets } from './networks.ts'
import { notices } from './notices.ts'
import { overview } from './overview.ts'
import { identityProviders } from './providers.ts'
import { session, users } from './session.ts'
import { credentials, sessions } from './sessions.ts'
import { switchCertificates } from './switch-certificates.ts'

/** The whole public API as values. REST under /api/v1, the console, the command line and the documentation come from it. */
export const contract = {
  session,
  sessions,
  credentials,
  signIn,
  users,
  inventory,
  tenants,
  networks,
  subnets,
  ports,
  changes,
  tasks,
  datapaths,
  switchCertificates,
  overview,
  keys,
  audit,
  roles,
  bindings,
  groups,
  tokens,
  notices,
  decisions,
  identityProviders,
  consoles,
}
export type Contract = typeof contract
