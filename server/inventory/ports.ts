import { v7 as uuidv7 } from 'uuid'
import { freeAddress } from '#server/engine/network/addresses.ts'
import type { Port } from '#server/engine/network/model.ts'
import type { RefusalDetail } from '#server/kernel/refusal.ts'
import { type Database, lock, type Transaction } from './database.ts'
import {
  type Draft,
  openDraft,
  putCreate,
  putDelete,
  putUpdate,
  refuse,
  unknown,
  type Writer,
  type Written,
} from './drafts.ts'
import { addressesIn, findPresent, judgePort, type Place, readPlaces } from './neighbours.ts'
import { canonicalAddress, openFor } from './networks.ts'
import { limitsOf } from './profiles.ts'
import { withinQuota } from './quotas.ts'

export interface NewPort {
  readonly networkId: string
  readonly attachmentId: string
  /** The attachment's when absent. */
  readonly name?: string | undefined
  readonly mac?: string | undefined
  /** One out of each subnet when absent. */
  readonly addresses?: readonly string[] | undefined
  readonly vlan: number | null
}

export interface PortPatch {
  readonly mac?: string | undefined
  readonly addresses?: readonly string[] | undefined
  readonly vlan?: number | null | undefined
}

/** Writes ports into drafts. Every method throws `Refusal` before anything is stored. */
export interface PortWriter {
  createPort(writer: Writer, port: NewPort): Promise<Written>
  updatePort(writer: Writer, id: string, revision: number, patch: PortPatch): Promise<Written>
  removePort(writer: Writer, id: string, revision: number): Promise<Written>
}

/** The lowest free address of each subnet. One tenant's writes follow each other, so nobody takes them meanwhile. */
async function freeAddresses(tx: Transaction, draft: Draft, tenantId: string, networkId: string): Promise<string[]> {
  const intent = await addressesIn(tx, draft, { tenantId, networkId })
  const own = intent.subnets.filter((subnet) => subnet.networkId === networkId && !subnet.id.includes('/'))
  return own.map((subnet) => {
    const address = freeAddress(subnet, intent)
    if (address !== undefined) return address
    const message = `${subnet.prefix} has no free address.`
    throw refuse([
      {
        pointer: '/addresses',
        rule: 'port.address-pool',
        message,
        mend: 'Add a subnet, or remove ports that nobody needs.',
      },
    ])
  })
}

/** Another tenant's port may be plugged in at the same place: said without saying whose. */
async function placeErrors(tx: Transaction, draft: Draft, tenantId: string, place: Place, port: Port) {
  const [holder] = await tx.$queryRaw<{ tenantId: string }[]>`SELECT tenant_id AS "tenantId"
    FROM attachment_holder(${place.id}::uuid, ${port.vlan}::int, ${draft.id}::uuid, ${port.id}::uuid)`
  // The tenant's own ports are named by the capability.
  if (!holder || holder.tenantId === tenantId) return []
  const how = port.vlan === null ? 'untagged' : `with VLAN ${port.vlan}`
  const message = `${place.name} is in use ${how} already.`
  return [
    { pointer: '/attachmentId', rule: 'port.attachment-taken', message, mend: 'Choose another attachment or VLAN.' },
  ]
}

const counted = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`

async function nicErrors(tx: Transaction, draft: Draft, place: Place, portId: string): Promise<RefusalDetail[]> {
  const limit = place.profile === null ? undefined : limitsOf(place.profile, place.nicLimits ?? {}).virtualNics
  if (limit === undefined || place.nicId === null) return []
  await lock(tx, `nic/${place.nicId}`)
  const [row] = await tx.$queryRaw<{ used: number }[]>`
    SELECT nic_ports(${place.nicId}::uuid, ${draft.id}::uuid, ${portId}::uuid)::int AS used`
  if (!row || row.used < limit) return []
  const whose = place.nicLimits?.virtualNics === undefined ? `its profile ${place.profile}` : 'the limit set for it'
  return [
    {
      ...{ pointer: '/attachmentId', rule: 'nic.no-room', limit: counted(limit, 'virtual NIC') },
      message: `${place.nicName} of ${place.serverName} serves ${counted(row.used, 'port')}, as many as ${whose} allows.`,
      mend: 'Choose an attachment behind another NIC.',
    },
  ]
}

async function nameErrors(tx: Transaction, draft: Draft, tenantId: string, port: Port): Promise<RefusalDetail[]> {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT p.id FROM port_in(${draft.id}::uuid) p WHERE p.network_id = ${port.networkId}::uuid AND p.name = ${port.name} AND p.id <> ${port.id}::uuid
    UNION ALL SELECT e.id FROM open_edits(${tenantId}::uuid, ${draft.id}::uuid) e WHERE e.kind = 'port' AND e.after->>'name' = ${port.name}
      AND e.after->>'networkId' = ${port.networkId} AND e.id <> ${port.id}::uuid`
  if (rows.length === 0) return []
  const message = `The network has a port ${port.name} already, or a draft adds one.`
  return [{ pointer: '/name', rule: 'port.name-taken', message, mend: 'Give it another name.' }]
}

/** Everything that is wrong with a port which the draft has already; nothing is stored when it throws. */
async function mustBeSound(tx: Transaction, draft: Draft, tenantId: string, place: Place, port: Port): Promise<void> {
  const errors = [
    ...(await judgePort(tx, draft, tenantId, port)),
    ...(await placeErrors(tx, draft, tenantId, place, port)),
    ...(await nicErrors(tx, draft, place, port.id)),
    ...(await nameErrors(tx, draft, tenantId, port)),
  ]
  if (errors.length > 0) throw refuse(errors)
}

/** The place of a port, which nobody else can plug into until the transaction ends. */
async function takePlace(tx: Transaction, attachmentId: string): Promise<Place> {
  await lock(tx, `attachment/${attachmentId}`)
  const [place] = await readPlaces(tx, [attachmentId])
  if (!place) throw unknown('attachment', '/attachmentId')
  return place
}

async function createPort(tx: Transaction, writer: Writer, wanted: NewPort): Promise<Written> {
  const network = await findPresent(tx, 'network', wanted.networkId, writer.change)
  if (!network) throw unknown('network', '/networkId')
  const { tenantId } = network
  const { networkId, attachmentId, vlan } = wanted
  const [known] = await readPlaces(tx, [attachmentId])
  if (!known) throw unknown('attachment', '/attachmentId')
  const name = wanted.name ?? known.name
  const draft = await openDraft(tx, writer, tenantId, `Plug ${name} into ${(network.value as { name: string }).name}`)
  const place = await takePlace(tx, attachmentId)
  const quota = await withinQuota(tx, draft, tenantId, 'ports')
  if (quota.length > 0) throw refuse(quota)
  const addresses = wanted.addresses?.map(canonicalAddress) ?? (await freeAddresses(tx, draft, tenantId, networkId))
  const id = uuidv7()
  const value = { networkId, name, attachmentId, mac: wanted.mac ?? place.mac, addresses, vlan }
  await putCreate(tx, draft, { kind: 'port', id, tenantId }, value)
  await mustBeSound(tx, draft, tenantId, place, { id, ...value })
  return { id, tenantId, draft }
}

const named = (verb: string) => (value: object) => `${verb} port ${(value as Port).name}`

export function portWriter(database: Database): PortWriter {
  return {
    createPort: (writer, port) => database.inScope(writer.scope, (tx) => createPort(tx, writer, port)),
    updatePort: (writer, id, revision, { mac, addresses, vlan }) =>
      database.inScope(writer.scope, async (tx) => {
        const { draft, present, written } = await openFor(tx, writer, 'port', { id, revision }, named('Change'))
        const before = present.value as Omit<Port, 'id'>
        const after = {
          ...before,
          ...(mac !== undefined && { mac }),
          ...(addresses !== undefined && { addresses: addresses.map(canonicalAddress) }),
          ...(vlan !== undefined && { vlan }),
        }
        const place = await takePlace(tx, before.attachmentId)
        await putUpdate(tx, draft, 'port', present, after)
        await mustBeSound(tx, draft, present.tenantId, place, { id, ...after })
        return written
      }),
    removePort: (writer, id, revision) =>
      database.inScope(writer.scope, async (tx) => {
        const { draft, present, written } = await openFor(tx, writer, 'port', { id, revision }, named('Unplug'))
        await putDelete(tx, draft, 'port', present)
        return written
      }),
  }
}
