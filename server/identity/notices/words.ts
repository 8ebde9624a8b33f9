import type { Notice, NoticeKind } from '#server/contract/notices.ts'
import { agentWords, methodWords } from '#server/contract/session-words.ts'
import type { StoredNotice } from './ports.ts'

type Told = Pick<StoredNotice, 'what' | 'by' | 'addresses' | 'methods' | 'endsAt' | 'times'>

interface Form {
  readonly severity: Notice['severity']
  readonly title: (told: Told) => string
  readonly words: (told: Told) => string
  readonly doubt: boolean
  readonly href: string
  readonly action: string
}

/** As many as are kept. */
const ADDRESSES = 8

/** `a, b and c` */
const listed = (texts: readonly string[]): string =>
  texts.length < 2 ? (texts[0] ?? '') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`

const from = ({ addresses }: Told): string => {
  if (addresses.length === 0) return ''
  return `From ${listed(addresses.length < ADDRESSES ? addresses : [...addresses, 'others'])}.`
}
const by = ({ methods }: Told): string => listed(methods.map((one) => methodWords(one).toLowerCase()))
/** Who did so: one's own session where nobody else is named. */
const who = (told: Told): string => (told.by === null ? from(told) : `By ${told.by}.`)
const minute = (at: Date | null) => `${at?.toISOString().slice(0, 16).replace('T', ' ')} UTC`
const counted = (words: string, { times }: Told): string => (times === 1 ? words : `${words} ${times} times.`.trim())

const sessions = { doubt: true, href: '/settings/sessions', action: 'Your sessions' } as const
const account = { doubt: true, href: '/settings', action: 'Your account' } as const
const tokens = { doubt: true, href: '/settings/tokens', action: 'Your tokens' } as const

const FORMS: Readonly<Record<NoticeKind, Form>> = {
  'sign-in.failed': {
    ...{ ...sessions, severity: 'warn' },
    title: ({ times }) => (times === 1 ? 'A try to sign in as you failed' : `${times} tries to sign in as you failed`),
    words: (told) => `By ${by(told)}. ${from(told)}`,
  },
  'sign-in.half': {
    ...{ ...account, severity: 'bad' },
    title: () => 'Your password was given without its code',
    words: (told) => counted(`${from(told)} Whoever it was knows your password.`, told),
  },
  'sign-in.new-place': {
    ...{ ...sessions, severity: 'warn' },
    title: () => 'You signed in from somewhere new',
    words: (told) => counted(`With ${agentWords(told.what)}, by ${by(told)}. ${from(told)}`, told),
  },
  'sign-in.after-long': {
    ...{ ...sessions, severity: 'warn' },
    title: () => 'You signed in after a long time',
    words: (told) => `By ${by(told)}. ${from(told)} The time before was on ${told.what}.`,
  },
  'password.changed': {
    ...{ ...account, severity: 'warn' },
    title: () => 'Your password was changed',
    words: (told) => counted(`${from(told)} Your other sessions ended.`, told),
  },
  'password.made': {
    ...{ ...account, severity: 'warn' },
    title: () => 'You were given a new password',
    words: (told) => counted(who(told), told),
  },
  'passkey.added': {
    ...{ ...account, severity: 'warn' },
    title: ({ what }) => `The passkey ${what} was added`,
    words: who,
  },
  'passkey.removed': {
    ...{ ...account, severity: 'warn' },
    title: ({ what }) => `The passkey ${what} was removed`,
    words: who,
  },
  'codes.set-up': {
    ...{ ...account, severity: 'warn' },
    title: () => 'Codes are asked for when you sign in',
    words: (told) => counted(who(told), told),
  },
  'codes.removed': {
    ...{ ...account, severity: 'warn' },
    title: () => 'Codes are asked for no more when you sign in',
    words: (told) => counted(who(told), told),
  },
  'account.recovered': {
    ...{ ...account, severity: 'bad' },
    title: () => 'Your account was recovered on the host',
    words: (told) => counted(`${who(told)} ${told.what}`, told),
  },
  'account.details': {
    ...{ ...account, severity: 'info' },
    title: ({ what }) => `Your ${what} ${what.includes(' and ') ? 'were' : 'was'} changed`,
    words: who,
  },
  'session.ended': {
    ...{ ...sessions, severity: 'warn' },
    title: ({ times }) => (times === 1 ? 'A session of yours was ended' : `${times} sessions of yours were ended`),
    words: (told) => `By ${told.by}. The last one was from ${told.what}.`,
  },
  'token.made': {
    ...{ ...tokens, severity: 'warn' },
    title: ({ what }) => `The API token ${what} was made`,
    words: who,
  },
  'token.ended': {
    ...{ ...tokens, severity: 'warn' },
    title: ({ what }) => `The API token ${what} was ended`,
    words: who,
  },
  'token.ends': {
    ...{ ...tokens, severity: 'warn', doubt: false },
    title: ({ what }) => `The API token ${what} ends soon`,
    words: ({ endsAt }) => `At ${minute(endsAt)}. Make another one before, and give it to what uses this one.`,
  },
}

/** A notice as its person reads it. */
export function noticeView({ id, kind, state, firstAt, lastAt, ...told }: StoredNotice): Notice {
  const { severity, doubt, href, action, title, words } = FORMS[kind]
  return {
    ...{ id, kind, state, severity, title: title(told), words: words(told).trim() },
    ...{ times: told.times, firstAt: firstAt.toISOString(), lastAt: lastAt.toISOString() },
    ...{ addresses: [...told.addresses], endsAt: told.endsAt?.toISOString() ?? null, doubt, href, action },
  }
}
