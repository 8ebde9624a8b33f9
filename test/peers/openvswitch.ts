import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll } from 'vitest'
import { type Daemon, startDaemon } from '#server/lab/command.ts'
import { type Openvswitch, type OpenvswitchOptions, startOpenvswitch } from '#server/lab/openvswitch.ts'

export { run } from '#server/lab/command.ts'
export type { BridgeSettings, Openvswitch } from '#server/lab/openvswitch.ts'
export { until } from '#server/lab/until.ts'

export interface PeerOptions {
  /** `netdev` (default) forwards real packets; `dummy` is for control traffic and scale. */
  readonly datapath?: OpenvswitchOptions['datapath']
  /** File of a namespace of the caller's (`/run/netns/x`); by default the switch gets one of its own. */
  readonly namespace?: string
}

const directories = new Set<string>()
const running = new Set<Openvswitch>()
const holders = new Set<Daemon>()

// The last resort, for a run that is interrupted: the daemons have a parent-death signal and the namespace dies with
// them, so that only the directory is left to remove.
process.once('exit', () => {
  for (const dir of directories) rmSync(dir, { recursive: true, force: true })
})

const PREFIX = 'weft-ovs-'

/** Removes the directories of runs that were killed: each is named after the process that made it. */
function sweepDirectories(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (owner && !existsSync(`/proc/${owner}`)) rmSync(path.join(tmpdir(), name), { recursive: true, force: true })
  }
}

/**
 * A real Open vSwitch in a fresh directory and, unless told otherwise, in a nameless network namespace of its own, so
 * that any number of them live side by side. Nothing outlives this process: the namespace is held by a process with a
 * parent-death signal and takes the switch's taps with it.
 */
export async function startPeer(options: PeerOptions = {}): Promise<Openvswitch> {
  sweepDirectories()
  const dir = mkdtempSync(path.join(tmpdir(), `${PREFIX}${process.pid}-`))
  directories.add(dir)
  let namespace = options.namespace
  if (namespace === undefined && options.datapath !== 'dummy') {
    const holder = await startDaemon(
      ['unshare', '--net', 'sh', '-c', 'ip link set lo up; echo ready; exec sleep infinity'],
      {
        stdout: 'pipe',
      },
    )
    holders.add(holder)
    await new Promise((resolve) => holder.child.stdout?.once('data', resolve))
    namespace = `/proc/${holder.pid}/ns/net`
  }
  const peer = await startOpenvswitch({ dir, namespace, datapath: options.datapath })
  running.add(peer)
  return peer
}

/** Stops every switch that `startPeer` started, and removes their directories and namespaces. */
export async function stopPeers(): Promise<void> {
  for (const peer of running) await peer.stop()
  for (const holder of holders) await holder.stop()
  for (const dir of directories) rmSync(dir, { recursive: true, force: true })
  running.clear()
  holders.clear()
  directories.clear()
}

/** A switch that lives as long as the test file: stopped by vitest's `afterAll`. Call it at the top of a `beforeAll`. */
export function stopPeersAfterAll(): void {
  afterAll(stopPeers)
}
