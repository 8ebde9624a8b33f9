import path from 'node:path'

/** The lab's fixed shape: two servers with three hosts each. Names are short because interface names end at 15. */
export const SERVER_NUMBERS = [1, 2] as const
const HOSTS_PER_SERVER = 3

/** Names and numbers of one server's bridges; the same on every server, so that entries can be compared. */
export const BRIDGES = { server: 'br-srv', nic: 'br-nic', underlay: 'br-und' } as const
export const PORTS = {
  /** br-nic's end of the patch, above the hosts' ports 1 to 3. */
  nicPatch: { name: 'pnic', ofport: 10 },
  /** br-srv's end of the patch. */
  serverPatch: { name: 'psrv', ofport: 1 },
  tunnel: { name: 'vx0', ofport: 2 },
  underlay: { name: 'und0', ofport: 1 },
} as const

export const UNDERLAY_MTU = 1500
/** What is left of the underlay's MTU after VXLAN (50 bytes), with room for a VLAN tag. */
export const HOST_MTU = 1400

export interface LabHostPlan {
  readonly name: string
  readonly namespace: string
  /** The host's interface as the NIC's bridge sees it. */
  readonly port: string
  readonly ofport: number
  readonly mac: string
}

export interface LabServerPlan {
  readonly number: number
  readonly name: string
  readonly namespace: string
  /** Run directory of its Open vSwitch. */
  readonly dir: string
  readonly vtep: string
  readonly vtepMac: string
  readonly serverDatapath: string
  readonly nicDatapath: string
  readonly hosts: readonly LabHostPlan[]
}

export interface LabPlan {
  readonly instance: string
  readonly dir: string
  readonly servers: readonly LabServerPlan[]
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')

/** The file that names a network namespace made by `ip netns add`. */
export const namespaceFile = (namespace: string): string => `/run/netns/${namespace}`

export const isInstanceName = (instance: string): boolean => /^[a-z0-9]{1,5}$/.test(instance)

/** The prefix of everything outside the lab's directory that belongs to one instance. */
export const namespacePrefix = (instance: string): string => `w${instance}-`

function planHost(instance: string, server: number, place: number): LabHostPlan {
  const number = (server - 1) * HOSTS_PER_SERVER + place
  return {
    name: `h${number}`,
    namespace: `${namespacePrefix(instance)}h${number}`,
    port: `h${number}`,
    ofport: place,
    mac: `52:54:00:77:00:${hex(number, 2)}`,
  }
}

function planServer(instance: string, dir: string, number: number): LabServerPlan {
  return {
    number,
    name: `srv-${number}`,
    namespace: `${namespacePrefix(instance)}s${number}`,
    dir: path.join(dir, `s${number}`),
    vtep: `192.0.2.${10 + number}`,
    vtepMac: `02:77:00:00:00:${hex(number, 2)}`,
    serverDatapath: `0000770000${hex(number, 2)}0001`,
    nicDatapath: `0000770000${hex(number, 2)}0002`,
    hosts: Array.from({ length: HOSTS_PER_SERVER }, (_, place) => planHost(instance, number, place + 1)),
  }
}

/** Every name, number and address of a lab; the same arguments give the same lab. */
export function planLab(instance: string, dir: string): LabPlan {
  if (!isInstanceName(instance))
    throw new Error(`${instance}: an instance is named by 1 to 5 lower-case letters and digits`)
  return { instance, dir, servers: SERVER_NUMBERS.map((number) => planServer(instance, dir, number)) }
}
