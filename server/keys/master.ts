import { hkdfSync } from 'node:crypto'
import { decrypt, encrypt } from './blob.ts'
import type { Wrapper } from './ports.ts'

export const MASTER_KEY_BYTES = 32
const CHECK_BYTES = 4

const derive = (master: Buffer, use: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `weft key service v1 ${use}`, bytes))

/** Wraps keys under the master key. A few bytes that follow from it go into the name, so that a wrong one is told from the right one. */
export function masterWrapper(master: Buffer): Wrapper {
  const key = derive(master, 'wrap', MASTER_KEY_BYTES)
  return {
    name: `master:${derive(master, 'check', CHECK_BYTES).toString('hex')}`,
    wrap: async (context, plain) => encrypt(key, Buffer.from(context), plain),
    unwrap: async (context, wrapped) => decrypt(key, Buffer.from(context), wrapped),
  }
}
