import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buildLab } from './build.ts'
import { captureVxlan, type UnderlayCapture } from './capture.ts'
import { run } from './command.ts'
import { type LabHost, labHost } from './host.ts'
import { describeLab, type LabInventory } from './inventory.ts'
import { labObstacles } from './obstacles.ts'
import { fitsSockets } from './openvswitch.ts'
import { LAB_FILE, labNamespaces, sweepLab, temporaryPrefix } from './sweep.ts'
import { type LabPlan, type LabServerPlan, namespaceFile, PORTS, planLab } from './topology.ts'
import { until } from './until.ts'

/** A lab that runs, seen from any process on its machine. */
export interface LabView {
  readonly instance: string
  /** Where the switches' sockets, databases and logs are. */
  readonly runDir: string
  /** What a console must know: sites, servers, NICs, datapaths, links and places for hosts. */
  inventory(): LabInventory
  /** One line for each server and host, for people. */
  describe(): string
  /** Throws for a name that the lab does not have. */
  host(name: string): LabHost
  hosts(): readonly LabHost[]
  /** Captures VXLAN on a server's end of the cable. */
  captureUnderlay(server: string): Promise<UnderlayCapture>
  /** Ends a server's ovs-vswitchd, whose owner starts it again: ids and port numbers stay, flows are lost. */
  restartSwitch(server: string): Promise<void>
  /** Runs ovs-vsctl, ovs-ofctl (OpenFlow 1.5) or ovs-appctl against a server's switch. */
  vsctl(server: string, ...args: string[]): Promise<string>
  ofctl(server: string, ...args: string[]): Promise<string>
  appctl(server: string, ...args: string[]): Promise<string>
}

export interface Lab extends LabView {
  /** Takes everything down: processes, namespaces with their interfaces, sockets and files. */
  destroy(): Promise<void>
}

export interface LabOptions {
  /** 1 to 5 lower-case letters and digits; keeps labs on one machine apart. */
  readonly instance: string
  /** A directory for the lab's files; sockets go elsewhere when its path is too long for them. */
  readonly dir: string
  readonly log?: (line: string) => void
}

function find<T extends { readonly name: string }>(things: readonly T[], name: string): T {
  const found = things.find((thing) => thing.name === name)
  if (!found) throw new Error(`the lab has no ${name}; it has ${things.map((thing) => thing.name).join(', ')}`)
  return found
}

async function restartSwitch({ dir }: LabServerPlan): Promise<void> {
  const pid = async () => Number(await readFile(`${dir}/ovs-vswitchd.pid`, 'utf8'))
  const before = await pid()
  process.kill(before, 'SIGTERM')
  await until(`ovs-vswitchd in ${dir} to be started again`, async () => {
    if ((await pid()) === before) return undefined
    // Answers once the database has been taken over, bridges and ports with it.
    return run([
      'ovs-vsctl',
      `--db=unix:${dir}/db.sock`,
      '--timeout=5',
      'set',
      'Open_vSwitch',
      '.',
      'external_ids:lab=true',
    ])
  })
}

function viewLab(plan: LabPlan): LabView {
  const server = (name: string) => find(plan.servers, name)
  const hosts = plan.servers.flatMap((one) => one.hosts.map(labHost))
  const ovs = (name: string, argv: readonly string[]) =>
    run(argv, { env: { OVS_RUNDIR: server(name).dir }, timeout_ms: 60_000 })
  return {
    instance: plan.instance,
    runDir: plan.dir,
    inventory: () => describeLab(plan),
    describe: () =>
      plan.servers
        .map(({ name, vtep, namespace, hosts: own }) => {
          const places = own.map((host) => `${host.name} ${host.mac} (${host.namespace})`)
          return [`${name} ${vtep} (${namespace})`, ...places].join('\n  ')
        })
        .join('\n'),
    host: (name) => find(hosts, name),
    hosts: () => hosts,
    captureUnderlay: (name) =>
      captureVxlan(namespaceFile(server(name).namespace), PORTS.underlay.name, server(name).dir),
    restartSwitch: (name) => restartSwitch(server(name)),
    vsctl: (name, ...args) =>
      ovs(name, ['ovs-vsctl', `--db=unix:${server(name).dir}/db.sock`, '--timeout=10', ...args]),
    ofctl: (name, ...args) => ovs(name, ['ovs-ofctl', '-O', 'OpenFlow15', ...args]),
    appctl: (name, ...args) => ovs(name, ['ovs-appctl', '-t', `${server(name).dir}/vswitchd.ctl`, ...args]),
  }
}

/**
 * Builds the lab: two servers, each a namespace with its own Open vSwitch (server, NIC and underlay bridge), a cable
 * between them, and six hosts without addresses. Left-overs of the same instance are swept first. The switches end when
 * this process dies; what then remains is removed by `sweepLab` or by the next build.
 * Throws with every obstacle named when the machine cannot run it.
 */
export async function createLab({ instance, dir, log = () => undefined }: LabOptions): Promise<Lab> {
  const obstacles = labObstacles()
  if (obstacles.length > 0) throw new Error(`no lab here: ${obstacles.join('; ')}`)
  const home = path.resolve(dir)
  if (labNamespaces(instance).length > 0) log(`removing what an earlier lab ${instance} left behind`)
  await sweepLab(instance, home)
  await mkdir(home, { recursive: true, mode: 0o700 })
  const runDir = fitsSockets(path.join(home, 's1')) ? home : await mkdtemp(temporaryPrefix(instance))
  const plan = planLab(instance, runDir)
  const clean = () => sweepLab(instance, home)
  try {
    const switches = await buildLab(plan)
    await writeFile(path.join(home, LAB_FILE), JSON.stringify({ instance, runDir }))
    log(
      `lab ${instance}: ${plan.servers.length} servers and ${plan.servers.flatMap(({ hosts }) => hosts).length} hosts in ${runDir}`,
    )
    const destroy = async () => {
      await Promise.all(switches.map((openvswitch) => openvswitch.stop()))
      await clean()
      log(`lab ${instance} is gone`)
    }
    return { ...viewLab(plan), destroy }
  } catch (error) {
    await clean()
    throw error
  }
}

/** Opens a lab that another process built. Throws when `dir` holds none. */
export async function openLab(dir: string): Promise<LabView> {
  const text = await readFile(path.join(path.resolve(dir), LAB_FILE), 'utf8').catch(() => undefined)
  if (text === undefined) throw new Error(`no lab runs from ${dir}`)
  const { instance, runDir } = JSON.parse(text) as { instance: string; runDir: string }
  return viewLab(planLab(instance, runDir))
}
