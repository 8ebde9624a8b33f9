import { rest } from '#server/codec/wire/bytes.ts'
import type { Codec, Shape } from '#server/codec/wire/codec.ts'
import { u16, u32 } from '#server/codec/wire/primitive.ts'
import { struct } from '#server/codec/wire/struct.ts'

const BUNDLE_CODES = [
  ...['unknown', 'eperm', 'bad_id', 'bundle_exist', 'bundle_closed', 'out_of_bundles', 'bad_type', 'bad_flags'],
  ...['msg_bad_len', 'msg_bad_xid', 'msg_unsup', 'msg_conflict', 'msg_too_many', 'msg_failed', 'timeout'],
  ...['bundle_in_progress', 'sched_not_supported', 'sched_future', 'sched_past'],
]

/** Error types and their codes in the order of their numbers (OpenFlow 1.5.1, section 7.5.4); '' is a gap. */
const TYPES: readonly (readonly [string, readonly string[]])[] = [
  ['hello_failed', ['incompatible', 'eperm']],
  [
    'bad_request',
    [
      ...['bad_version', 'bad_type', 'bad_multipart', 'bad_experimenter', 'bad_exp_type', 'eperm', 'bad_len'],
      ...['buffer_empty', 'buffer_unknown', 'bad_table_id', 'is_slave', 'bad_port', 'bad_packet'],
      ...['multipart_buffer_overflow', 'multipart_request_timeout', 'multipart_reply_timeout'],
      ...['multipart_bad_sched', 'pipeline_fields_only', 'unknown'],
    ],
  ],
  [
    'bad_action',
    [
      ...[
        'bad_type',
        'bad_len',
        'bad_experimenter',
        'bad_exp_type',
        'bad_out_port',
        'bad_argument',
        'eperm',
        'too_many',
      ],
      ...['bad_queue', 'bad_out_group', 'match_inconsistent', 'unsupported_order', 'bad_tag', 'bad_set_type'],
      ...['bad_set_len', 'bad_set_argument', 'bad_set_mask', 'bad_meter'],
    ],
  ],
  [
    'bad_instruction',
    [
      ...['unknown_inst', 'unsup_inst', 'bad_table_id', 'unsup_metadata', 'unsup_metadata_mask', 'bad_experimenter'],
      ...['bad_exp_type', 'bad_len', 'eperm', 'dup_inst'],
    ],
  ],
  [
    'bad_match',
    [
      ...['bad_type', 'bad_len', 'bad_tag', 'bad_dl_addr_mask', 'bad_nw_addr_mask', 'bad_wildcards', 'bad_field'],
      ...['bad_value', 'bad_mask', 'bad_prereq', 'dup_field', 'eperm'],
    ],
  ],
  [
    'flow_mod_failed',
    [
      ...['unknown', 'table_full', 'bad_table_id', 'overlap', 'eperm', 'bad_timeout', 'bad_command', 'bad_flags'],
      ...['cant_sync', 'bad_priority', 'is_sync'],
    ],
  ],
  [
    'group_mod_failed',
    [
      ...['group_exists', 'invalid_group', 'weight_unsupported', 'out_of_groups', 'out_of_buckets'],
      ...['chaining_unsupported', 'watch_unsupported', 'loop', 'unknown_group', 'chained_group', 'bad_type'],
      ...['bad_command', 'bad_bucket', 'bad_watch', 'eperm', 'unknown_bucket', 'bucket_exists'],
    ],
  ],
  ['port_mod_failed', ['bad_port', 'bad_hw_addr', 'bad_config', 'bad_advertise', 'eperm']],
  ['table_mod_failed', ['bad_table', 'bad_config', 'eperm']],
  ['queue_op_failed', ['bad_port', 'bad_queue', 'eperm']],
  ['switch_config_failed', ['bad_flags', 'bad_len', 'eperm']],
  ['role_request_failed', ['stale', 'unsup', 'bad_role', 'id_unsup', 'id_in_use']],
  [
    'meter_mod_failed',
    [
      ...['unknown', 'meter_exists', 'invalid_meter', 'unknown_meter', 'bad_command', 'bad_flags', 'bad_rate'],
      ...['bad_burst', 'bad_band', 'bad_band_value', 'out_of_meters', 'out_of_bands'],
    ],
  ],
  [
    'table_features_failed',
    [
      ...['bad_table', 'bad_metadata', '', '', '', 'eperm', 'bad_capa', 'bad_max_ent', 'bad_features'],
      ...['bad_command', 'too_many'],
    ],
  ],
  [
    'bad_property',
    [
      'bad_type',
      'bad_len',
      'bad_value',
      'too_many',
      'dup_type',
      'bad_experimenter',
      'bad_exp_type',
      'bad_exp_value',
      'eperm',
    ],
  ],
  ['async_config_failed', ['invalid', 'unsupported', 'eperm']],
  [
    'flow_monitor_failed',
    [
      'unknown',
      'monitor_exists',
      'invalid_monitor',
      'unknown_monitor',
      'bad_command',
      'bad_flags',
      'bad_table_id',
      'bad_out',
    ],
  ],
  ['bundle_failed', BUNDLE_CODES],
]

const EXPERIMENTER = 0xffff
/** Bundle errors of the ONF's extension to 1.3 are numbered from here. */
const ONF_BUNDLE = 2300
const ONF = 0x4f4e4600

/**
 * Why the switch refused. Types and codes have their names in the standard, in lower case and without prefix
 * (`flow_mod_failed`, `table_full`); numbers where there is no name. `experimenter` stands in errors of that type alone.
 */
export interface ErrorBody {
  readonly error_type: string | number
  readonly code: string | number
  readonly experimenter?: number
  /** What was refused, at least its first 64 bytes; for `hello_failed` a text. */
  readonly data: Uint8Array
}

const typeCode = (name: string): number =>
  name === 'experimenter' ? EXPERIMENTER : TYPES.findIndex(([n]) => n === name)

function codeNumber(type: string | number, code: string | number): number {
  if (typeof code === 'number') return code
  if (type === 'experimenter') return ONF_BUNDLE + BUNDLE_CODES.indexOf(code)
  const known = typeof type === 'string' ? TYPES[typeCode(type)] : undefined
  return known ? known[1].indexOf(code) : -1
}

function complaint({ error_type, code, experimenter }: ErrorBody): string | undefined {
  const type = typeof error_type === 'string' ? typeCode(error_type) : error_type
  if (type < 0) return 'names an unknown error_type'
  if (code === '' || codeNumber(error_type, code) < 0) return 'names an unknown code'
  return (type === EXPERIMENTER) === (experimenter !== undefined) ? undefined : 'has experimenter in such errors alone'
}

const nameOrNumber = (bits: number): Shape => ({ kind: 'label', bits })
const shape: Shape = {
  kind: 'refined',
  name: 'error',
  check: complaint,
  of: {
    kind: 'struct',
    fields: [
      { name: 'error_type', shape: nameOrNumber(16) },
      { name: 'code', shape: nameOrNumber(16) },
      { name: 'experimenter', shape: { kind: 'uint', bits: 32 }, optional: true },
      { name: 'data', shape: { kind: 'bytes' } },
    ],
  },
}

const head = struct({ error_type: u16, code: u16 })

/** Error messages (section 7.5.4). */
export const error: Codec<ErrorBody> = {
  shape,
  read: (r) => {
    const { error_type, code } = head.read(r)
    if (error_type === EXPERIMENTER) {
      const experimenter = u32.read(r)
      const name = experimenter === ONF ? BUNDLE_CODES[code - ONF_BUNDLE] : undefined
      return { error_type: 'experimenter', code: name ?? code, experimenter, data: rest.read(r) }
    }
    const known = TYPES[error_type]
    return { error_type: known?.[0] ?? error_type, code: known?.[1][code] || code, data: rest.read(r) }
  },
  write: (w, { error_type, code, experimenter, data }) => {
    const type = typeof error_type === 'string' ? typeCode(error_type) : error_type
    head.write(w, { error_type: type, code: codeNumber(error_type, code) })
    if (type === EXPERIMENTER) u32.write(w, experimenter ?? ONF)
    rest.write(w, data)
  },
}
