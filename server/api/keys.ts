import { X509Certificate } from 'node:crypto'
import type { Key, KeySummary } from '#server/contract/keys.ts'
import { notFound } from '#server/kernel/refusal.ts'
import type { KeyInfo, KeyService } from '#server/keys/ports.ts'
import { api } from './door.ts'
import { type Columns, pageFrom } from './select.ts'

const COLUMNS: Columns<KeySummary> = {
  ...{ id: ({ id }) => id, purpose: ({ purpose }) => purpose, algorithm: ({ algorithm }) => algorithm },
  ...{ state: ({ state }) => state, inToken: ({ inToken }) => String(inToken), uses: ({ uses }) => uses },
  ...{ createdAt: ({ createdAt }) => createdAt, notAfter: ({ notAfter }) => notAfter },
  ...{ retiredAt: ({ retiredAt }) => retiredAt, fingerprint: ({ fingerprint }) => fingerprint },
}

const time = (date: Date | null): string | null => date?.toISOString() ?? null

function summary({ certificate, publicKey: _, ...key }: KeyInfo): KeySummary {
  const fingerprint = certificate === null ? null : new X509Certificate(certificate).fingerprint256
  const { createdAt, notAfter, retiredAt } = key
  return {
    ...{ ...key, fingerprint, createdAt: createdAt.toISOString() },
    ...{ notAfter: time(notAfter), retiredAt: time(retiredAt) },
  }
}

const view = (key: KeyInfo): Key => ({ ...summary(key), certificate: key.certificate, publicKey: key.publicKey })

/** The installation's keys: their public halves, their states, and how they follow each other. */
export function keyHandlers(keys: Pick<KeyService, 'list' | 'rotate' | 'retire' | 'rewrap'>) {
  return {
    list: api.keys.list.handler(async ({ input }) =>
      pageFrom((await keys.list()).map(summary), input, COLUMNS, '-createdAt'),
    ),
    get: api.keys.get.handler(async ({ input }) => {
      const key = (await keys.list()).find(({ id }) => id === input.id)
      if (!key) throw notFound('key')
      return view(key)
    }),
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
