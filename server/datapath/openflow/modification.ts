import { BUNDLE_FLAGS } from '#server/codec/openflow/bundle.ts'
import { NO_BUFFER } from '#server/codec/openflow/flow.ts'
import { BUCKET, GROUP } from '#server/codec/openflow/group.ts'
import { encodeInto, type Message } from '#server/codec/openflow/message.ts'
import type { Version } from '#server/codec/openflow/version.ts'
import type { Extra } from '#server/codec/wire/properties.ts'
import { writerOf, written } from '#server/codec/wire/writer.ts'
import { type Entry, type Group, namelessFields } from '#server/engine/program/entry.ts'
import { PORT } from '#server/kernel/action.ts'
import type { Connection } from './connection.ts'
import type { Step } from './order.ts'

/** All or nothing, and in the order of the messages. */
export const ATOMIC_ORDERED = BUNDLE_FLAGS.atomic | BUNDLE_FLAGS.ordered

/** Bytes of one write to the socket. Large enough that the switch never waits, small enough that nothing else does. */
const CHUNK_BYTES = 256 << 10

/** What somebody else's entry matches on and has no name here: it can be deleted, and put back. */
function namelessOf({ key, match }: Entry): { unknown_oxm?: readonly Extra[] } {
  const fields = namelessFields(key)
  return fields.length === 0 ? {} : { unknown_oxm: fields.map((hex, i) => ({ at: match.length + i, hex })) }
}

function flowMod(version: Version, xid: number, command: 'add' | 'delete_strict', entry: Entry): Message {
  const { table, priority, match, instructions, cookie, idle_timeout, hard_timeout, flags, importance } = entry
  const add = command === 'add'
  return {
    type: 'flow_mod',
    version,
    xid,
    cookie: add ? cookie : 0n,
    cookie_mask: 0n,
    table,
    command,
    idle_timeout,
    hard_timeout,
    priority,
    buffer_id: NO_BUFFER,
    out_port: PORT.any,
    out_group: GROUP.any,
    flags: add ? flags : 0,
    importance,
    match,
    ...(entry.key.includes('?') && namelessOf(entry)),
    instructions: add ? instructions : [],
  }
}

function groupMod(version: Version, xid: number, command: 'add' | 'modify' | 'delete', group: Group): Message {
  const buckets = command === 'delete' ? [] : group.buckets.map((bucket, bucket_id) => ({ ...bucket, bucket_id }))
  return {
    type: 'group_mod',
    version,
    xid,
    command,
    group_type: group.type,
    group: group.group,
    command_bucket_id: BUCKET.all,
    buckets,
    properties: [],
  }
}

/** The message that makes one modification. */
export function modification(version: Version, xid: number, step: Step): Message {
  if (step.type === 'group') return groupMod(version, xid, step.command, step.group)
  return flowMod(version, xid, step.command === 'add' ? 'add' : 'delete_strict', step.entry)
}

/** A bundle under way. */
export interface Sending {
  readonly connection: Connection
  readonly bundle: number
  /** Transaction id of the first step; they grow by one. */
  readonly first: number
  /** Whether to go on is asked now and then. */
  readonly stop: () => boolean
  /** Resolves when a switch that does not read is no longer waited for. */
  readonly overdue: Promise<void>
}

/** Sends steps into a bundle as fast as the switch takes them. Rejects with RangeError for one that no message can hold. */
export async function sendSteps(steps: readonly Step[], sending: Sending): Promise<void> {
  const { connection, bundle, first, stop, overdue } = sending
  const { version } = connection
  const writer = writerOf(CHUNK_BYTES + 0x1_0000)
  let count = 0
  const flush = () => {
    connection.write(written(writer), count)
    writer.at = 0
    count = 0
  }
  for (const [i, step] of steps.entries()) {
    const xid = first + i
    const message = modification(version, xid, step)
    encodeInto(writer, { type: 'bundle_add', version, xid, bundle, flags: ATOMIC_ORDERED, message })
    count++
    if (writer.at < CHUNK_BYTES) continue
    flush()
    await Promise.race([connection.ready(), overdue])
    if (stop()) return
  }
  if (count > 0) flush()
}
