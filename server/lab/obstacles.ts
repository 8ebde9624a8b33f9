import { accessSync, constants, readFileSync } from 'node:fs'

const TOOLS: Readonly<Record<string, string>> = {
  'ovs-vswitchd': 'openvswitch-switch',
  'ovsdb-server': 'openvswitch-switch',
  'ovsdb-tool': 'openvswitch-common',
  'ovs-vsctl': 'openvswitch-switch',
  'ovs-appctl': 'openvswitch-common',
  'ovs-ofctl': 'openvswitch-common',
  ip: 'iproute2',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  sysctl: 'procps',
  ethtool: 'ethtool',
  ping: 'iputils-ping',
  tcpdump: 'tcpdump',
}
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
const CAPABILITIES = { CAP_NET_ADMIN: 12n, CAP_NET_RAW: 13n, CAP_SYS_ADMIN: 21n } as const

function usable(file: string, mode: number): boolean {
  try {
    accessSync(file, mode)
    return true
  } catch {
    return false
  }
}

function missingTools(): string[] {
  const missing = Object.keys(TOOLS).filter(
    (tool) => !FOLDERS.some((folder) => usable(`${folder}/${tool}`, constants.X_OK)),
  )
  const packages = [...new Set(missing.map((tool) => TOOLS[tool]))]
  return missing.length === 0
    ? []
    : [`not installed: ${missing.join(', ')} (Debian: apt-get install ${packages.join(' ')})`]
}

function missingCapabilities(): string[] {
  const status = readFileSync('/proc/self/status', 'utf8')
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
  const missing = Object.entries(CAPABILITIES).filter(([, bit]) => ((effective >> bit) & 1n) === 0n)
  if (missing.length === 0) return []
  return [`no right to make network namespaces: ${missing.map(([name]) => name).join(', ')} missing (run as root)`]
}

/** What keeps this machine from running the lab, one sentence each; empty when nothing does. */
export function labObstacles(): string[] {
  if (process.platform !== 'linux') return [`the lab is made of Linux network namespaces; this is ${process.platform}`]
  const tun = usable('/dev/net/tun', constants.R_OK | constants.W_OK)
    ? []
    : ['/dev/net/tun is absent or not ours to open']
  return [...missingTools(), ...missingCapabilities(), ...tun]
}
