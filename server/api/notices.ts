import type { NoticeStore } from '#server/identity/notices/ports.ts'
import { noticeView } from '#server/identity/notices/words.ts'
import { notFound } from '#server/kernel/refusal.ts'
import { api } from './door.ts'

const timeOf = (until: string | undefined) => (until === undefined ? undefined : new Date(until))

/** What people are told of their own accounts. */
export function noticeHandlers(notices: Pick<NoticeStore, 'list' | 'read'>) {
  return {
    list: api.notices.list.handler(async ({ input, context }) => {
      const { items, next } = await notices.list(context.account.id, input)
      return { items: items.map(noticeView), next }
    }),
    read: api.notices.read.handler(async ({ input, context }) => {
      context.note.subject = `notice/${input.id}`
      const read = await notices.read(context.account.id, input.id, timeOf(input.until))
      // One that was read before stays so; of others' nobody learns that they are there.
      if (read === 0) await mustBeOwn(notices, context.account.id, input.id)
    }),
    readAll: api.notices.readAll.handler(async ({ input, context }) => {
      const read = await notices.read(context.account.id, undefined, timeOf(input.until))
      context.note.detail = `${read}`
      return { read }
    }),
  }
}

async function mustBeOwn(notices: Pick<NoticeStore, 'list'>, accountId: string, id: string): Promise<void> {
  const { items } = await notices.list(accountId, { limit: 1, filter: `id:eq:${id}` })
  if (items.length === 0) throw notFound('notice')
}
