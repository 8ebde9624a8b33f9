import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { type CommandOptions, type Daemon, inNamespace, run, startDaemon } from './command.ts'
import { until } from './until.ts'

/** The longest path that a UNIX socket address holds (unix(7)), without its terminating zero. */
const SOCKET_PATH_MAX = 107

/** Whether a directory's path leaves room for the sockets that Open vSwitch and a console make in it. */
export const fitsSockets = (dir: string): boolean =>
  Buffer.byteLength(path.join(path.resolve(dir), 'ovsdb-server.pid.tmp')) <= SOCKET_PATH_MAX

export interface OpenvswitchOptions {
  /** Run directory: database, sockets, logs. Made when absent; kept by `stop`. */
  readonly dir: string
  /** File of the network namespace to run in; the caller's own when absent. */
  readonly namespace?: string
  /** `netdev` forwards in user space over real interfaces; `dummy` has no packets of its own and no interfaces. */
  readonly datapath?: 'netdev' | 'dummy'
  /** Starts ovs-vswitchd again whenever it ends by itself or by another's hand. */
  readonly respawn?: boolean
}

export interface BridgeSettings {
  /** 16 hexadecimal digits. */
  readonly datapathId?: string
  readonly failMode?: 'secure' | 'standalone'
  /** Default: 1.3, 1.4 and 1.5. */
  readonly protocols?: readonly string[]
  /** MAC of the bridge's own port. */
  readonly mac?: string
}

export interface Openvswitch {
  readonly dir: string
  readonly namespace: string | undefined
  /** Path of the database's socket (`unix:` goes before it). */
  readonly database: string
  readonly pids: () => number[]
  /** Runs ovs-vsctl and waits until the switch has taken the change over. */
  vsctl(...args: string[]): Promise<string>
  /** Runs ovs-ofctl, OpenFlow 1.5 unless the arguments say `-O`; bridges by name. */
  ofctl(...args: string[]): Promise<string>
  /** Runs ovs-ofctl with `input` on its standard input (`add-flows br -`). */
  ofctlWith(input: string, ...args: string[]): Promise<string>
  /** Runs ovs-appctl against ovs-vswitchd. */
  appctl(...args: string[]): Promise<string>
  /** Runs any command in the switch's namespace. */
  exec(argv: readonly string[], options?: CommandOptions): Promise<string>
  addBridge(name: string, settings?: BridgeSettings): Promise<void>
  /** Stops ovs-vswitchd and starts it again: flows are lost, the database stays. */
  restart(): Promise<void>
  stopForwarding(): Promise<void>
  startForwarding(): Promise<void>
  stop(): Promise<void>
}

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

async function startDatabase(dir: string, namespace: string | undefined, env: Record<string, string>): Promise<Daemon> {
  const file = path.join(dir, 'conf.db')
  if (!existsSync(file)) await run(['ovsdb-tool', 'create', file, SCHEMA])
  const daemon = await startDaemon(
    [
      'ovsdb-server',
      file,
      `--remote=punix:${dir}/db.sock`,
      '--remote=db:Open_vSwitch,Open_vSwitch,manager_options',
      // As Debian starts it: what `ovs-vsctl set-ssl` names is for the database's own connections too.
      ...['private-key=private_key', 'certificate=certificate', 'ca-cert=ca_cert'].map(
        (one) => `--${one.replace('=', '=db:Open_vSwitch,SSL,')}`,
      ),
      `--unixctl=${dir}/ovsdb.ctl`,
      `--pidfile=${dir}/ovsdb-server.pid`,
      `--log-file=${dir}/ovsdb-server.log`,
      '-vconsole:off',
    ],
    { env, namespace },
  )
  await until(`the database's socket in ${dir}`, () => {
    if (!daemon.running()) throw new Error('ovsdb-server ended')
    return existsSync(`${dir}/db.sock`)
  })
  await run(['ovs-vsctl', `--db=unix:${dir}/db.sock`, '--no-wait', 'init'], { env })
  return daemon
}

async function startVswitchd(
  { dir, namespace, datapath }: OpenvswitchOptions,
  env: Record<string, string>,
): Promise<Daemon> {
  const daemon = await startDaemon(
    [
      'ovs-vswitchd',
      `unix:${dir}/db.sock`,
      ...(datapath === 'dummy' ? ['--enable-dummy=override', '--disable-system'] : ['--disable-system']),
      `--unixctl=${dir}/vswitchd.ctl`,
      `--pidfile=${dir}/ovs-vswitchd.pid`,
      `--log-file=${dir}/ovs-vswitchd.log`,
      '-vconsole:off',
    ],
    { env, namespace },
  )
  await until(`ovs-vswitchd in ${dir}`, async () => {
    if (!daemon.running()) throw new Error(await lastLines(`${dir}/ovs-vswitchd.log`))
    return run(['ovs-appctl', '-t', `${dir}/vswitchd.ctl`, 'version'], { env, timeout_ms: 2000 })
  })
  return daemon
}

interface Forwarding {
  daemon(): Daemon
  start(): Promise<void>
  stop(): Promise<void>
}

/** Holds ovs-vswitchd: starts and stops it on demand and, with `respawn`, whenever it has ended unasked. */
async function keepVswitchd(options: OpenvswitchOptions, env: Record<string, string>): Promise<Forwarding> {
  let wanted = true
  let daemon = await startVswitchd(options, env)
  let starting: Promise<void> | undefined
  const again = async () => {
    daemon = await startVswitchd(options, env)
    watch()
  }
  const start = async () => {
    wanted = true
    if (!daemon.running()) starting ??= again().finally(() => (starting = undefined))
    await starting
  }
  function watch() {
    if (options.respawn) void daemon.ended.then(() => (wanted ? start() : undefined)).catch(() => undefined)
  }
  watch()
  return {
    daemon: () => daemon,
    start,
    stop: async () => {
      wanted = false
      await starting?.catch(() => undefined)
      await daemon.stop()
    },
  }
}

const lastLines = (file: string): Promise<string> =>
  readFile(file, 'utf8').then(
    (text) => text.trimEnd().split('\n').slice(-5).join('\n'),
    () => `no log in ${file}`,
  )

function bridgeArguments(name: string, datapath: string, settings: BridgeSettings): string[] {
  const { datapathId, failMode = 'secure', protocols = ['OpenFlow13', 'OpenFlow14', 'OpenFlow15'], mac } = settings
  return [
    ...['--may-exist', 'add-br', name, '--', 'set', 'bridge', name],
    `datapath_type=${datapath}`,
    `fail_mode=${failMode}`,
    `protocols=${protocols.join(',')}`,
    'other_config:disable-in-band=true',
    ...(datapathId === undefined ? [] : [`other_config:datapath-id=${datapathId}`]),
    ...(mac === undefined ? [] : [`other_config:hwaddr="${mac}"`]),
  ]
}

/**
 * Starts a real Open vSwitch (ovsdb-server and ovs-vswitchd) with all of its files and sockets in one directory.
 * Both daemons end when this process dies. Throws when the directory's name is too long for a socket in it.
 */
export async function startOpenvswitch(options: OpenvswitchOptions): Promise<Openvswitch> {
  const { dir, namespace, datapath = 'netdev' } = options
  if (Buffer.byteLength(`${dir}/ovsdb-server.1234567.ctl`) > SOCKET_PATH_MAX)
    throw new Error(`${dir}: too long for UNIX sockets`)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const env = { OVS_RUNDIR: dir, OVS_LOGDIR: dir, OVS_DBDIR: dir, OVS_SYSCONFDIR: dir }
  const database = await startDatabase(dir, namespace, env)
  const forwarding = await keepVswitchd(options, env).catch(async (error) => {
    await database.stop()
    throw error
  })
  const vsctl = (...args: string[]) => run(['ovs-vsctl', `--db=unix:${dir}/db.sock`, '--timeout=10', ...args], { env })
  const ofctlWith = (input: string, ...args: string[]) =>
    run(['ovs-ofctl', ...(args.includes('-O') ? [] : ['-O', 'OpenFlow15']), ...args], {
      env,
      input,
      timeout_ms: 60_000,
    })
  return {
    dir,
    namespace,
    database: `${dir}/db.sock`,
    pids: () => [forwarding.daemon(), database].filter((daemon) => daemon.running()).map((daemon) => daemon.pid),
    vsctl,
    ofctlWith,
    ofctl: (...args) => ofctlWith('', ...args),
    appctl: (...args) => run(['ovs-appctl', '-t', `${dir}/vswitchd.ctl`, ...args], { env }),
    exec: (argv, more) => run(inNamespace(namespace, argv), { ...more, env: { ...env, ...more?.env } }),
    addBridge: async (name, settings = {}) => {
      await vsctl(...bridgeArguments(name, datapath, settings))
    },
    stopForwarding: forwarding.stop,
    startForwarding: forwarding.start,
    restart: async () => {
      await forwarding.stop()
      await forwarding.start()
    },
    stop: async () => {
      await forwarding.stop()
      await database.stop()
    },
  }
}
