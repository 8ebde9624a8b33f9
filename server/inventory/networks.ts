import { v7 as uuidv7 } from 'uuid'
import { mtuBudget } from '#server/engine/network/check-network.ts'
import { formatIp, parseIp } from '#server/kernel/ip.ts'
import { contains, formatPrefix, parsePrefix } from '#server/kernel/prefix.ts'
import { notFound, type RefusalDetail } from '#server/kernel/refusal.ts'
import type { Database, Transaction } from './database.ts'
import {
  type Draft,
  mustBeAt,
  openDraft,
  putCreate,
  putDelete,
  putUpdate,
  refuse,
  unknown,
  type Writer,
  type Written,
} from './drafts.ts'
import { contentsOf, findPresent, judgeNetwork } from './neighbours.ts'
import { withinQuota } from './quotas.ts'

export interface NewNetwork {
  readonly tenantId: string
  readonly name: string
  /** Out of the pool when absent. */
  readonly vni?: number | undefined
  /** Bytes; the largest that every underlay carries when absent. */
  readonly mtu?: number | undefined
}

export interface NewSubnet {
  readonly networkId: string
  readonly prefix: string
  readonly gateway: string | null
}

/** Writes networks and subnets into drafts. Every method throws `Refusal` before anything is stored. */
export interface NetworkWriter {
  createNetwork(writer: Writer, network: NewNetwork): Promise<Written>
  updateNetwork(
    writer: Writer,
    id: string,
    revision: number,
    patch: { name?: string | undefined; mtu?: number | undefined },
  ): Promise<Written>
  /** With its subnets and ports. */
  removeNetwork(writer: Writer, id: string, revision: number): Promise<Written>
  createSubnet(writer: Writer, subnet: NewSubnet): Promise<Written>
  /** Refused while a port has an address in it. */
  removeSubnet(writer: Writer, id: string, revision: number): Promise<Written>
}

/** Without servers: Ethernet's 1500 bytes less what VXLAN takes. */
const DEFAULT_MTU = 1450

async function defaultMtu(tx: Transaction): Promise<number> {
  const servers = await tx.server.findMany({ select: { id: true, name: true, vtep: true, underlayMtu: true } })
  return mtuBudget(servers) ?? DEFAULT_MTU
}

/** Who has a VNI, as far as the caller may know of it. */
async function holderOf(tx: Transaction, draft: Draft, tenantId: string, holder: string): Promise<string> {
  const present = await findPresent(tx, 'network', holder, draft.id)
  if (present) return `by ${(present.value as { name: string }).name}`
  const [drafted] = await tx.$queryRaw<{ name: string }[]>`
    SELECT after->>'name' AS name FROM open_edits(${tenantId}::uuid, ${draft.id}::uuid) WHERE kind = 'network' AND id = ${holder}::uuid`
  return drafted ? `by ${drafted.name}, which a draft adds` : 'by another network'
}

async function drawVni(tx: Transaction, draft: Draft, id: string, network: NewNetwork): Promise<number> {
  const { tenantId, vni } = network
  if (vni === undefined) {
    const [row] = await tx.$queryRaw<{ vni: number | null }[]>`
      SELECT draw_vni(${id}::uuid, ${tenantId}::uuid, ${draft.id}::uuid) AS vni`
    if (typeof row?.vni === 'number') return row.vni
    const message = 'The pool has no VNI left.'
    throw refuse([{ pointer: '/vni', rule: 'network.vni-pool', message, mend: 'Delete networks that nobody needs.' }])
  }
  const [row] = await tx.$queryRaw<{ holder: string | null }[]>`
    SELECT take_vni(${vni}::int, ${id}::uuid, ${tenantId}::uuid, ${draft.id}::uuid)::text AS holder`
  if (!row?.holder) return vni
  const message = `VNI ${vni} is taken ${await holderOf(tx, draft, tenantId, row.holder)}.`
  const mend = 'Choose another, or leave it out and get one from the pool.'
  throw refuse([{ pointer: '/vni', rule: 'network.vni-taken', message, mend }])
}

async function nameErrors(tx: Transaction, draft: Draft, tenantId: string, id: string, name: string) {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT n.id FROM network_in(${draft.id}::uuid) n WHERE n.tenant_id = ${tenantId}::uuid AND n.name = ${name} AND n.id <> ${id}::uuid
    UNION ALL SELECT e.id FROM open_edits(${tenantId}::uuid, ${draft.id}::uuid) e
    WHERE e.kind = 'network' AND e.after->>'name' = ${name} AND e.id <> ${id}::uuid`
  if (rows.length === 0) return []
  const message = `The tenant has a network ${name} already, or a draft adds one.`
  return [{ pointer: '/name', rule: 'network.name-taken', message, mend: 'Choose another name.' }]
}

const mustBeSound = (errors: readonly RefusalDetail[]): void => {
  if (errors.length > 0) throw refuse(errors)
}

/** A prefix in the one form of its text; one that cannot be read is left for the check to name. */
const canonicalPrefix = (text: string): string => {
  const prefix = parsePrefix(text.trim())
  return prefix.ok ? formatPrefix(prefix.value) : text
}

export const canonicalAddress = (text: string): string => {
  const ip = parseIp(text.trim())
  return ip.ok ? formatIp(ip.value) : text
}

async function mustBeUnused(tx: Transaction, draft: Draft, networkId: string, prefix: string): Promise<void> {
  const range = parsePrefix(prefix)
  const ports = await contentsOf(tx, draft, networkId)
  const users = ports.flatMap(([kind, { value }]) => {
    const { name, addresses } = value as { name: string; addresses: readonly string[] }
    const inside = (text: string) => {
      const ip = parseIp(text)
      return range.ok && ip.ok && contains(range.value, ip.value)
    }
    return kind === 'port' && addresses.some(inside) ? [name] : []
  })
  if (users.length === 0) return
  const message = `${users.slice(0, 3).join(', ')}${users.length > 3 ? ` and ${users.length - 3} more` : ''} have addresses in ${prefix}.`
  throw refuse([
    { pointer: '', rule: 'subnet.in-use', message, mend: 'Give these ports other addresses, or remove them, first.' },
  ])
}

async function createNetwork(tx: Transaction, writer: Writer, network: NewNetwork): Promise<Written> {
  const { tenantId, name, mtu } = network
  if (!(await tx.tenant.findUnique({ where: { id: tenantId }, select: { id: true } })))
    throw unknown('tenant', '/tenantId')
  const draft = await openDraft(tx, writer, tenantId, `Create network ${name}`)
  const id = uuidv7()
  mustBeSound([
    ...(await nameErrors(tx, draft, tenantId, id, name)),
    ...(await withinQuota(tx, draft, tenantId, 'networks')),
  ])
  const vni = await drawVni(tx, draft, id, network)
  const value = { tenantId, name, vni, mtu: mtu ?? (await defaultMtu(tx)) }
  await putCreate(tx, draft, { kind: 'network', id, tenantId }, value)
  mustBeSound(await judgeNetwork(tx, draft, { kind: 'network', id, tenantId, networkId: id }))
  return { id, tenantId, draft }
}

async function createSubnet(tx: Transaction, writer: Writer, subnet: NewSubnet): Promise<Written> {
  const network = await findPresent(tx, 'network', subnet.networkId, writer.change)
  if (!network) throw unknown('network', '/networkId')
  const { tenantId } = network
  const prefix = canonicalPrefix(subnet.prefix)
  const draft = await openDraft(
    tx,
    writer,
    tenantId,
    `Add subnet ${prefix} to ${(network.value as { name: string }).name}`,
  )
  const id = uuidv7()
  const gateway = subnet.gateway === null ? null : canonicalAddress(subnet.gateway)
  await putCreate(tx, draft, { kind: 'subnet', id, tenantId }, { networkId: subnet.networkId, prefix, gateway })
  mustBeSound(await judgeNetwork(tx, draft, { kind: 'subnet', id, tenantId, networkId: subnet.networkId }))
  return { id, tenantId, draft }
}

/** Opens the draft for an object that is there, then reads it again: another write may have come first. */
export async function openFor(
  tx: Transaction,
  writer: Writer,
  kind: 'network' | 'subnet' | 'port',
  object: { readonly id: string; readonly revision: number },
  title: (value: object) => string,
) {
  const found = await findPresent(tx, kind, object.id, writer.change)
  if (!found) throw notFound(kind)
  const draft = await openDraft(tx, writer, found.tenantId, title(found.value))
  const present = await findPresent(tx, kind, object.id, draft.id)
  if (!present) throw notFound(kind)
  mustBeAt(present, object.revision)
  return { draft, present, written: { id: object.id, tenantId: present.tenantId, draft } }
}

const named = (verb: string) => (value: object) => {
  const { name, prefix } = value as { name?: string; prefix?: string }
  return name === undefined ? `${verb} subnet ${prefix}` : `${verb} network ${name}`
}

export function networkWriter(database: Database): NetworkWriter {
  return {
    createNetwork: (writer, network) => database.inScope(writer.scope, (tx) => createNetwork(tx, writer, network)),
    updateNetwork: (writer, id, revision, { name, mtu }) =>
      database.inScope(writer.scope, async (tx) => {
        const { draft, present, written } = await openFor(tx, writer, 'network', { id, revision }, named('Change'))
        const after = { ...present.value, ...(name !== undefined && { name }), ...(mtu !== undefined && { mtu }) }
        if (name !== undefined) mustBeSound(await nameErrors(tx, draft, present.tenantId, id, name))
        await putUpdate(tx, draft, 'network', present, after)
        mustBeSound(await judgeNetwork(tx, draft, { kind: 'network', id, tenantId: present.tenantId, networkId: id }))
        return written
      }),
    removeNetwork: (writer, id, revision) =>
      database.inScope(writer.scope, async (tx) => {
        const { draft, present, written } = await openFor(tx, writer, 'network', { id, revision }, named('Delete'))
        for (const [kind, content] of await contentsOf(tx, draft, id)) await putDelete(tx, draft, kind, content)
        await putDelete(tx, draft, 'network', present)
        return written
      }),
    createSubnet: (writer, subnet) => database.inScope(writer.scope, (tx) => createSubnet(tx, writer, subnet)),
    removeSubnet: (writer, id, revision) =>
      database.inScope(writer.scope, async (tx) => {
        const { draft, present, written } = await openFor(tx, writer, 'subnet', { id, revision }, named('Remove'))
        const { networkId, prefix } = present.value as { networkId: string; prefix: string }
        await mustBeUnused(tx, draft, networkId, prefix)
        await putDelete(tx, draft, 'subnet', present)
        return written
      }),
  }
}
