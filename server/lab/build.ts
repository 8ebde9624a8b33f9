import { type CommandOptions, inNamespace, run } from './command.ts'
import { type Openvswitch, startOpenvswitch } from './openvswitch.ts'
import {
  BRIDGES,
  HOST_MTU,
  type LabHostPlan,
  type LabPlan,
  type LabServerPlan,
  namespaceFile,
  PORTS,
  UNDERLAY_MTU,
} from './topology.ts'

const inside = (namespace: string, argv: readonly string[], options?: CommandOptions) =>
  run(inNamespace(namespaceFile(namespace), argv), options)

const ipBatch = (namespace: string, lines: readonly string[]) =>
  run(['ip', '-n', namespace, '-batch', '-'], { input: lines.join('\n') })

/**
 * A namespace in which interfaces get no link-local IPv6 address by themselves: the lab's frames are then those that
 * somebody asked for, without the kernel's router solicitations and multicast reports.
 */
async function addNamespace(namespace: string): Promise<void> {
  await run(['ip', 'netns', 'add', namespace])
  await inside(namespace, [
    'sysctl',
    '-qw',
    'net.ipv6.conf.default.addr_gen_mode=1',
    'net.ipv6.conf.all.addr_gen_mode=1',
  ])
  await ipBatch(namespace, ['link set lo up'])
}

async function addHost(host: LabHostPlan, server: LabServerPlan): Promise<void> {
  await addNamespace(host.namespace)
  const far = `peer name ${host.port} mtu ${HOST_MTU} netns ${server.namespace}`
  const near = `eth0 netns ${host.namespace} address ${host.mac} mtu ${HOST_MTU}`
  await run(['ip', '-batch', '-'], { input: `link add ${near} type veth ${far}` })
  // Checksums left to a device that is only a pipe would reach the other host unfinished.
  await inside(host.namespace, ['ethtool', '-K', 'eth0', 'tx', 'off'])
  await ipBatch(host.namespace, ['link set eth0 up'])
  await ipBatch(server.namespace, [`link set ${host.port} up`])
}

/** The cable between the two servers. */
async function addUnderlay(one: LabServerPlan, two: LabServerPlan): Promise<void> {
  const { name } = PORTS.underlay
  const ends = `${name} mtu ${UNDERLAY_MTU} netns ${one.namespace} type veth peer name ${name} mtu ${UNDERLAY_MTU} netns ${two.namespace}`
  await run(['ip', '-batch', '-'], { input: `link add ${ends}` })
  for (const { namespace } of [one, two]) {
    await inside(namespace, ['ethtool', '-K', name, 'tx', 'off'])
    await ipBatch(namespace, [`link set ${name} up`])
  }
}

const addPort = (bridge: string, port: string, ofport: number, ...more: string[]) => [
  ...['--', 'add-port', bridge, port, '--', 'set', 'interface', port, `ofport_request=${ofport}`],
  ...more,
]

/** The arguments of one ovs-vsctl call that makes a server's bridges and ports. */
function portArguments(server: LabServerPlan): string[] {
  const { nicPatch, serverPatch, tunnel, underlay } = PORTS
  const flowTunnel = ['type=vxlan', 'options:remote_ip=flow', 'options:key=flow', `options:local_ip=${server.vtep}`]
  return [
    ...addPort(BRIDGES.underlay, underlay.name, underlay.ofport).slice(1),
    ...addPort(BRIDGES.server, serverPatch.name, serverPatch.ofport, 'type=patch', `options:peer=${nicPatch.name}`),
    ...addPort(BRIDGES.nic, nicPatch.name, nicPatch.ofport, 'type=patch', `options:peer=${serverPatch.name}`),
    ...addPort(BRIDGES.server, tunnel.name, tunnel.ofport, ...flowTunnel),
    ...server.hosts.flatMap((host) => addPort(BRIDGES.nic, host.port, host.ofport, `mtu_request=${HOST_MTU}`)),
  ]
}

/** Starts a server's Open vSwitch and gives it bridges, ports and the VTEP's address. Its interfaces exist already. */
async function startServer(server: LabServerPlan): Promise<Openvswitch> {
  const namespace = namespaceFile(server.namespace)
  const openvswitch = await startOpenvswitch({ dir: server.dir, namespace, respawn: true })
  try {
    await openvswitch.addBridge(BRIDGES.underlay, { failMode: 'standalone', mac: server.vtepMac })
    await openvswitch.addBridge(BRIDGES.server, { datapathId: server.serverDatapath })
    await openvswitch.addBridge(BRIDGES.nic, { datapathId: server.nicDatapath })
    await openvswitch.vsctl(...portArguments(server))
    await ipBatch(server.namespace, [
      `addr add ${server.vtep}/24 dev ${BRIDGES.underlay}`,
      `link set ${BRIDGES.underlay} up`,
    ])
    return openvswitch
  } catch (error) {
    await openvswitch.stop()
    throw error
  }
}

/** Makes every namespace, interface and switch of a plan. What it made before a failure is the caller's to sweep. */
export async function buildLab(plan: LabPlan): Promise<Openvswitch[]> {
  const [one, two] = plan.servers
  if (!one || !two || plan.servers.length !== 2) throw new Error('the lab has two servers and one cable between them')
  await Promise.all(plan.servers.map(({ namespace }) => addNamespace(namespace)))
  await addUnderlay(one, two)
  await Promise.all(plan.servers.flatMap((server) => server.hosts.map((host) => addHost(host, server))))
  const started = await Promise.allSettled(plan.servers.map(startServer))
  const failure = started.find((outcome) => outcome.status === 'rejected')
  const switches = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  if (failure) {
    await Promise.all(switches.map((openvswitch) => openvswitch.stop()))
    throw failure.reason
  }
  return switches
}
