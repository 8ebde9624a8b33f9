'use client'
import { usePathname } from 'next/navigation'
import { useState } from 'react'
import type { Notice } from '#server/contract/notices.ts'
import { useReadAllNotices, useUnreadNotices } from '../queries/notices.ts'
import { Banner } from '../ui/banner.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { plural } from '../ui/words.ts'

const PAGE = '/settings/notices'
const RANKS: readonly Notice['severity'][] = ['bad', 'warn', 'info']

export const noticeTone = (severity: Notice['severity']) => (severity === 'info' ? 'idle' : severity)

/** The worst of them, of equals the newest. */
const worstOf = (notices: readonly Notice[]): Notice | undefined =>
  RANKS.map((rank) => notices.find(({ severity }) => severity === rank)).find((found) => found !== undefined)

/** What its person was told of their account and has not read, until they say that it may wait. */
export function UnreadNotices() {
  const unread = useUnreadNotices()
  const path = usePathname()
  const readAll = useReadAllNotices()
  const [waiting, setWaiting] = useState('')
  const notices = unread.data ?? []
  const [newest] = notices
  const worst = worstOf(notices)
  if (!newest || !worst || path === PAGE || newest.lastAt <= waiting) return null
  const others = notices.length - 1
  return (
    <div className="unread">
      <Banner
        tone={noticeTone(worst.severity)}
        title={others === 0 ? worst.title : `${worst.title}, and ${plural(others, 'other notice')}`}
        actions={
          <>
            <ButtonLink small href={PAGE}>
              {others === 0 ? 'Read the notice' : 'Read the notices'}
            </ButtonLink>
            {others === 0 ? (
              <Button small look="quiet" isDisabled={readAll.isPending} onPress={() => readAll.mutate(newest.lastAt)}>
                Mark as read
              </Button>
            ) : null}
            <Button small look="quiet" onPress={() => setWaiting(newest.lastAt)}>
              Later
            </Button>
          </>
        }
      >
        <p>{worst.words}</p>
      </Banner>
    </div>
  )
}
