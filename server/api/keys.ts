import type { Key } from '#server/contract/keys.ts'
import type { KeyInfo, KeyService } from '#server/keys/ports.ts'
import { api } from './door.ts'
import { type Columns, pageFrom } from './select.ts'

const COLUMNS: Columns<Key> = {
  ...{ id: ({ id }) => id, purpose: ({ purpose }) => purpose, algorithm: ({ algorithm }) => algorithm },
  ...{ state: ({ state }) => state, inToken: ({ inToken }) => String(inToken), uses: ({ uses }) => uses },
  ...{ createdAt: ({ createdAt }) => createdAt, notAfter: ({ notAfter }) => notAfter },
  retiredAt: ({ retiredAt }) => retiredAt,
}

const time = (date: Date | null): string | null => date?.toISOString() ?? null

const view = (key: KeyInfo): Key => ({
  ...key,
  ...{ createdAt: key.createdAt.toISOString(), notAfter: time(key.notAfter), retiredAt: time(key.retiredAt) },
})

/** The installation's keys: their public halves, their states, and how they follow each other. */
export function keyHandlers(keys: Pick<KeyService, 'list' | 'rotate' | 'retire' | 'rewrap'>) {
  return {
    list: api.keys.list.handler(async ({ input }) =>
      pageFrom((await keys.list()).map(view), input, COLUMNS, '-createdAt'),
    ),
    rotate: api.keys.rotate.handler(async ({ input, context }) => {
      context.note.detail = `${input.purpose}, ${input.step}`
      const key = await keys.rotate(input.purpose, input.step)
      context.note.subject = `key/${key.id}`
      return view(key)
    }),
    retire: api.keys.retire.handler(async ({ input, context }) => {
      context.note.subject = `key/${input.id}`
      return view(await keys.retire(input.id))
    }),
    rewrap: api.keys.rewrap.handler(async ({ context }) => {
      const rewrapped = await keys.rewrap()
      context.note.detail = `${rewrapped}`
      return { rewrapped }
    }),
  }
}
