import type { Capability } from '../capability.ts'
import { compile } from './compile.ts'
import { demand } from './demand.ts'
import { type NetworkIntent, networkIntent } from './model.ts'
import { BLOCKS } from './pipeline.ts'
import { status } from './status.ts'
import { validate } from './validate.ts'
import { witnesses } from './witness.ts'

/** Tenant networks: ports, port security, MAC forwarding over VXLAN, floods by head-end replication, ARP at the first switch. */
export const network: Capability<NetworkIntent> = {
  name: 'network',
  kinds: ['network', 'subnet', 'port'],
  blocks: BLOCKS,
  model: networkIntent,
  ...{ validate, demand, compile, status, witnesses },
}
