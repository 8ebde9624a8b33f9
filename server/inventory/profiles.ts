import type { NicLimits, NicProfile } from '#server/contract/inventory.ts'

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

/** The limits that hold for a NIC: its profile's (none for a name that does not ship), corrected by its operator. */
export const limitsOf = (profile: string, corrected: NicLimits): NicLimits => ({
  ...PROFILES[profile]?.limits,
  ...corrected,
})

/** The profile of a NIC as the public API shows it, with the limits that hold for that NIC. */
export function publicProfile(name: string, corrected: NicLimits): NicProfile {
  const { title, features } = PROFILES[name] ?? { title: name, features: [] }
  return { name, title, limits: { ...limitsOf(name, corrected) } as Record<string, number>, features: [...features] }
}
