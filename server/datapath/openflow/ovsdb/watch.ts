import type { Watch } from '#server/codec/ovsdb/index.ts'

/** The columns of Open vSwitch's database (ovs-vswitchd.conf.db(5)) that a driver follows; statistics are read on demand. */
export const WATCH: Watch = {
  Open_vSwitch: ['bridges', 'cur_cfg', 'next_cfg', 'other_config', 'external_ids', 'ovs_version'],
  Bridge: [
    'name',
    'datapath_id',
    'datapath_type',
    'fail_mode',
    'protocols',
    'controller',
    'ports',
    'other_config',
    'external_ids',
  ],
  Port: ['name', 'interfaces', 'tag', 'trunks', 'external_ids'],
  Interface: [
    ...['name', 'type', 'ofport', 'ofport_request', 'mac_in_use', 'error', 'options', 'external_ids'],
    ...['admin_state', 'link_state', 'mtu'],
  ],
  Controller: ['target', 'connection_mode', 'max_backoff', 'inactivity_probe', 'is_connected', 'status'],
}
