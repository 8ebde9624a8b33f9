import { type Operation, type Outcome, sameValue, textMap } from '#server/codec/ovsdb/index.ts'
import { type BridgeRow, bridge } from './bridge.ts'
import type { OvsdbClient } from './client.ts'
import { OvsdbError } from './failure.ts'
import type { CallOptions } from './session.ts'

export interface ChangeOptions extends CallOptions {
  /** What the switch's own log says about it: the change's id. */
  readonly comment: string
}

/** The switch counts configurations: it is asked for the next one, and `cur_cfg` says which one it runs. */
const COUNT: readonly Operation[] = [
  { op: 'mutate', table: 'Open_vSwitch', where: [], mutations: [['next_cfg', '+=', 1]] },
  { op: 'select', table: 'Open_vSwitch', where: [], columns: ['next_cfg'] },
]

const integer = (outcome: Outcome | undefined, column: string): number => Number(outcome?.rows?.[0]?.[column] ?? 0)

/** Waits until the switch runs the configuration of this number, or a later one. */
async function awaitConfiguration(client: OvsdbClient, number: number, options: CallOptions): Promise<void> {
  const runs = () => {
    const [root] = client.table('Open_vSwitch').values()
    return Number(root?.cur_cfg ?? -1) >= number || undefined
  }
  await client.until(`the switch to run configuration ${number}`, runs, options)
}

/**
 * Runs a transaction with a comment and waits until the running switch has taken it over. Throws OvsdbError; `stalled`
 * after the transaction means that the database holds it and the switch does not yet.
 */
export async function configure(
  client: OvsdbClient,
  operations: readonly Operation[],
  { comment, ...options }: ChangeOptions,
): Promise<readonly Outcome[]> {
  const all: Operation[] = [...operations, ...COUNT, { op: 'comment', comment }]
  const outcomes = await client.transact(all, options)
  await awaitConfiguration(client, integer(outcomes[operations.length + 1], 'next_cfg'), options)
  return outcomes.slice(0, operations.length)
}

export interface BridgeRequirements {
  readonly bridge: string
  /** Where the switch finds its controller: `unix:/run/openvswitch/weft.sock`, `tcp:192.0.2.1:6653`. */
  readonly controller: string
  /** 16 hexadecimal digits; the switch keeps its own when absent. */
  readonly datapathId?: string
  /** Default 1000. */
  readonly maxBackoff_ms?: number
  /** How long a staged bundle may wait; whole seconds, the switch's default is 10. */
  readonly bundleIdle_s?: number
}

const PROTOCOLS = ['OpenFlow13', 'OpenFlow14', 'OpenFlow15'] as const

/** Replaces the values of some keys of a map column and leaves the others alone. */
const assign = (
  column: string,
  pairs: Readonly<Record<string, string>>,
): Extract<Operation, { op: 'mutate' }>['mutations'] => [
  [column, 'delete', Object.keys(pairs)],
  [column, 'insert', textMap(pairs)],
]

/** Whether all of these pairs are there. */
export const holds = (have: Readonly<Record<string, string>>, want: Readonly<Record<string, string>>): boolean =>
  Object.entries(want).every(([key, value]) => have[key] === value)

interface Wanted {
  readonly otherConfig: Readonly<Record<string, string>>
  readonly rootConfig: Readonly<Record<string, string>>
  readonly controller: { readonly target: string; readonly connection_mode: string; readonly max_backoff: number }
}

function wantedOf({ controller, datapathId, maxBackoff_ms = 1000, bundleIdle_s }: BridgeRequirements): Wanted {
  return {
    otherConfig: { 'disable-in-band': 'true', ...(datapathId === undefined ? {} : { 'datapath-id': datapathId }) },
    rootConfig: bundleIdle_s === undefined ? {} : { 'bundle-idle-timeout': `${bundleIdle_s}` },
    controller: { target: controller, connection_mode: 'out-of-band', max_backoff: maxBackoff_ms },
  }
}

function bridgeOperations(have: BridgeRow, wanted: Wanted): Operation[] {
  const where = [['_uuid', '==', { uuid: have.uuid }]] as const
  const plain = have.failMode === 'secure' && sameValue(have.protocols, [...PROTOCOLS])
  return [
    ...(plain
      ? []
      : [{ op: 'update', table: 'Bridge', where, row: { fail_mode: 'secure', protocols: [...PROTOCOLS] } } as const]),
    ...(holds(have.otherConfig, wanted.otherConfig)
      ? []
      : [{ op: 'mutate', table: 'Bridge', where, mutations: assign('other_config', wanted.otherConfig) } as const]),
  ]
}

function controllerOperations(have: BridgeRow, { controller }: Wanted): Operation[] {
  const [first, ...others] = have.controllers
  const same =
    first?.target === controller.target &&
    first.connectionMode === controller.connection_mode &&
    first.maxBackoff_ms === controller.max_backoff
  if (same && others.length === 0) return []
  const where = [['_uuid', '==', { uuid: have.uuid }]] as const
  return [
    { op: 'insert', table: 'Controller', row: controller, uuidName: 'weft_controller' },
    { op: 'update', table: 'Bridge', where, row: { controller: { namedUuid: 'weft_controller' } } },
  ]
}

function rootOperations(client: OvsdbClient, { rootConfig }: Wanted): Operation[] {
  const [root] = client.table('Open_vSwitch').values()
  const missing = Object.entries(rootConfig).filter(([key, value]) => {
    const have = root?.other_config
    return !(have instanceof Map) || have.get(key) !== value
  })
  if (missing.length === 0) return []
  return [
    { op: 'mutate', table: 'Open_vSwitch', where: [], mutations: assign('other_config', Object.fromEntries(missing)) },
  ]
}

/** A bridge of the mirror. Throws OvsdbError `refused` when the switch has none of that name. */
export function requireBridge(client: OvsdbClient, name: string): BridgeRow {
  const have = bridge(client, name)
  if (!have) throw new OvsdbError('refused', `the switch has no bridge ${name}`)
  return have
}

/** The bridge must still be there, under its name, when the transaction runs. */
export const stillThere = ({ uuid, name }: BridgeRow): Operation => ({
  ...{
    op: 'wait',
    table: 'Bridge',
    where: [['_uuid', '==', { uuid }]],
    columns: ['name'],
    until: '==',
    rows: [{ name }],
  },
  timeout_ms: 0,
})

/**
 * Sets what a managed bridge needs: fail mode secure (no flows of the switch's own when the controller is away), no
 * in-band flows, OpenFlow 1.3 to 1.5, datapath id, and this controller alone, out of band. Nothing is sent when all of
 * it is there. Answers whether anything was changed. Throws OvsdbError; `refused` when there is no such bridge.
 */
export async function ensureBridge(
  client: OvsdbClient,
  requirements: BridgeRequirements,
  options: ChangeOptions,
): Promise<boolean> {
  const have = requireBridge(client, requirements.bridge)
  const wanted = wantedOf(requirements)
  const operations = [
    ...bridgeOperations(have, wanted),
    ...controllerOperations(have, wanted),
    ...rootOperations(client, wanted),
  ]
  if (operations.length === 0) return false
  await configure(client, [stillThere(have), ...operations], options)
  return true
}
