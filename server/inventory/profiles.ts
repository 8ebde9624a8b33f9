import type { NicProfile } from '#server/contract/inventory.ts'

/** Limits that allocators know; each is absent where the profile sets none. */
export interface NicLimits {
  /** Tenant ports that can be plugged in behind the NIC. */
  readonly virtualNics?: number
  /** Table entries of all OpenFlow instances in the NIC together. */
  readonly entries?: number
  readonly openflowInstances?: number
  readonly filterRules?: number
  readonly counters?: number
  readonly transmitSas?: number
  readonly receiveSas?: number
  readonly receiveSaAddresses?: number
  readonly sharedSas?: number
  readonly replayWindow?: number
}

interface Profile {
  readonly title: string
  readonly limits: NicLimits
  readonly features: readonly string[]
}

/** The profiles that ship, with the figures that their makers publish. */
const PROFILES: Readonly<Record<string, Profile>> = {
  plain: { title: 'Plain NIC', limits: {}, features: [] },
  'openflow-nic': {
    title: 'Programmable NIC with OpenFlow instances',
    limits: { virtualNics: 2048, entries: 65_536, openflowInstances: 16 },
    features: ['openflow'],
  },
  'firewall-nic': {
    title: 'Firewall NIC, one filter table per local address',
    limits: { virtualNics: 2048, filterRules: 5000, counters: 1000 },
    features: ['filter', 'counters'],
  },
  '82599': {
    title: 'Intel 82599 class: AES-GCM-128 transport offload',
    limits: { transmitSas: 1024, receiveSas: 1024, receiveSaAddresses: 128 },
    features: ['ipsec-crypto', 'aes-gcm-128'],
  },
  'inline-crypto': {
    title: 'In-line crypto engine behind the MAC, one SA pool for its trusted VFs',
    limits: { sharedSas: 20_000 },
    features: ['ipsec-crypto', 'inline', 'shared-sa-pool'],
  },
  'connectx-crypto': {
    title: 'ConnectX class: crypto offload, stateless ESN',
    limits: {},
    features: ['ipsec-crypto', 'esn'],
  },
  'connectx-packet': {
    title: 'ConnectX class: packet offload, ESN and replay window in hardware',
    limits: { replayWindow: 256 },
    features: ['ipsec-crypto', 'ipsec-packet', 'esn', 'replay-window'],
  },
}

export const PROFILE_NAMES: readonly string[] = Object.keys(PROFILES)

/** The hard limits of a profile; none for a name that does not ship. */
export const limitsOf = (profile: string): NicLimits => PROFILES[profile]?.limits ?? {}

/** A profile as the public API shows it. */
export function publicProfile(name: string): NicProfile {
  const { title, limits, features } = PROFILES[name] ?? { title: name, limits: {}, features: [] }
  return { name, title, limits: { ...limits } as Record<string, number>, features: [...features] }
}
