import { z } from 'zod'
import { Id, ListQuery, listOf, procedure, Time } from './base.ts'

/** What people are told of: what happened, or is going to. */
export const NOTICE_KINDS = [
  'sign-in.failed',
  'sign-in.half',
  'sign-in.new-place',
  'sign-in.after-long',
  'password.changed',
  'password.made',
  'passkey.added',
  'passkey.removed',
  'codes.set-up',
  'codes.removed',
  'account.recovered',
  'account.details',
  'session.ended',
  'token.made',
  'token.ended',
  'token.ends',
] as const
export type NoticeKind = (typeof NOTICE_KINDS)[number]

/** Something that a person is told of their own account. What happens again before it is read is one, with a count. */
export const Notice = z.object({
  id: Id,
  kind: z.enum(NOTICE_KINDS),
  state: z.enum(['unread', 'read']),
  severity: z.enum(['bad', 'warn', 'info']),
  title: z.string(),
  words: z.string(),
  times: z.number().int(),
  firstAt: Time,
  lastAt: Time,
  addresses: z.array(z.string()).describe('Where it came from, the newest eight'),
  endsAt: Time.nullable().describe('Of a reminder'),
  doubt: z.boolean().describe('Whether its person should ask themselves who that was'),
  href: z.string().describe('The page of the console where one sees to it'),
  action: z.string(),
})
export type Notice = z.infer<typeof Notice>

const route = <M extends 'GET' | 'POST', P extends `/${string}`>(method: M, path: P, summary: string) => ({
  ...{ method, path, summary, tags: ['notices'] },
})

/** The rest leads through the console. */
const COLUMNS = ['id', 'state', 'title', 'words', 'times', 'lastAt'] as const satisfies (keyof Notice)[]

const until = Time.optional().describe('What happened later stays unread; absent: all that is there')

/** What one is told of one’s own account: nobody sees another’s. */
export const notices = {
  list: procedure({ right: 'self', cli: { noun: 'notice', verb: 'list', columns: COLUMNS } })
    .route(route('GET', '/notices', 'List what one was told of one’s own account, newest first'))
    .input(ListQuery)
    .output(listOf(Notice)),
  read: procedure({ right: 'self', maxBody: 4096, cli: { noun: 'notice', verb: 'read', args: ['id'] } })
    .route({ ...route('POST', '/notices/{id}/read', 'Mark a notice as read'), successStatus: 204 })
    .input(z.strictObject({ id: Id, until }))
    .output(z.void()),
  readAll: procedure({ right: 'self', maxBody: 4096, cli: { noun: 'notice', verb: 'read-all' } })
    .route(route('POST', '/notices/read', 'Mark all notices as read'))
    .input(z.strictObject({ until }))
    .output(z.object({ read: z.number().int() })),
}
