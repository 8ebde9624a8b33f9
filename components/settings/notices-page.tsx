'use client'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import type { Notice } from '#server/contract/notices.ts'
import { useNotices, useReadAllNotices, useReadNotice } from '../queries/notices.ts'
import { useSession } from '../shell/session.tsx'
import { noticeTone } from '../shell/unread-notices.tsx'
import { Banner, ErrorBanner } from '../ui/banner.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Empty } from '../ui/empty.tsx'
import { Icon } from '../ui/icon.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Moment } from '../ui/time.tsx'
import { SettingsHead } from './settings-head.tsx'

const SHOW = ['all', 'unread'] as const
const CHOICES = [
  { id: 'all', label: 'All' },
  { id: 'unread', label: 'Unread' },
] as const

/** What to do where it was somebody else. */
function Doubt() {
  const { account } = useSession()
  const local = account.providerName === null
  return (
    <Banner
      tone="warn"
      title="Was one of these not you?"
      actions={
        <>
          <ButtonLink small href="/settings/sessions">
            End other sessions
          </ButtonLink>
          {local ? (
            <ButtonLink small href="/settings#h-password">
              Change your password
            </ButtonLink>
          ) : null}
          <ButtonLink small href="/settings/tokens">
            Look at your tokens
          </ButtonLink>
        </>
      }
    >
      <p>
        End the sessions that you do not know
        {local ? ', then change your password' : `, and change your password at ${account.providerName}`}. Tell those
        who administer Weft: the audit log says what was done.
      </p>
    </Banner>
  )
}

const minuteOf = (time: string) => time.slice(0, 16)

/** When it happened: the first time and the last, where these are not the same. */
const When = ({ notice: { firstAt, lastAt, times } }: { notice: Notice }) => (
  <span className="dim small when">
    {times > 1 && minuteOf(firstAt) !== minuteOf(lastAt) ? (
      <>
        <Moment time={firstAt} /> to <Moment time={lastAt} />
      </>
    ) : (
      <Moment time={lastAt} />
    )}
  </span>
)

function Line({ notice }: { notice: Notice }) {
  const read = useReadNotice()
  const { severity, state, title, words, href, action } = notice
  return (
    <li className={`notice ${noticeTone(severity)} ${state}`}>
      <Icon name={noticeTone(severity)} />
      <div className="grow">
        <div className="row">
          <b>{title}</b>
          {state === 'unread' ? <span className="tag">unread</span> : null}
          <When notice={notice} />
        </div>
        <p className="mid">{words}</p>
        <div className="row">
          <ButtonLink small look="quiet" href={href}>
            {action}
          </ButtonLink>
          {state === 'unread' ? (
            <Button
              small
              look="quiet"
              aria-label={`Mark as read: ${title}`}
              isDisabled={read.isPending}
              onPress={() => read.mutate(notice)}
            >
              Mark as read
            </Button>
          ) : null}
        </div>
        <ErrorBanner error={read.error} />
      </div>
    </li>
  )
}

/** What its person was told of their own account, newest first. */
export function NoticesPage() {
  const notices = useNotices()
  const readAll = useReadAllNotices()
  const [show, setShow] = useQueryState('show', parseAsStringLiteral(SHOW).withDefault('all'))
  const all = notices.data ?? []
  const unread = all.filter(({ state }) => state === 'unread')
  const shown = show === 'unread' ? unread : all
  return (
    <>
      <SettingsHead>
        <Segmented label="Which" options={CHOICES} value={show} onValue={(next) => void setShow(next)} />
        <Button
          isDisabled={unread.length === 0 || readAll.isPending}
          onPress={() => readAll.mutate(unread[0]?.lastAt ?? '')}
        >
          Mark all as read
        </Button>
      </SettingsHead>
      <div className="body set">
        <ErrorBanner error={notices.error ?? readAll.error} onRetry={() => void notices.refetch()} />
        {unread.some(({ doubt }) => doubt) ? <Doubt /> : null}
        <section className="card" aria-label="Notices">
          {notices.isPending ? <Skeleton rows={6} /> : null}
          {shown.length > 0 ? (
            <ul className="noticelist">
              {shown.map((notice) => (
                <Line key={notice.id} notice={notice} />
              ))}
            </ul>
          ) : null}
          {notices.isSuccess && shown.length === 0 ? (
            <Empty icon="bell" title={show === 'unread' ? 'Nothing is unread' : 'No notices'}>
              Here you are told what happens to your account: tries to sign in as you that fail, sign-ins from somewhere
              new, changed passwords, passkeys and tokens. What was read is kept for 90 days.
            </Empty>
          ) : null}
        </section>
      </div>
    </>
  )
}
