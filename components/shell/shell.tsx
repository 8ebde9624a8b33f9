'use client'
import type { ReactNode } from 'react'
import type { Session } from '#server/contract/session.ts'
import { useEvents } from '../queries/events.ts'
import { Header } from './header.tsx'
import { Rail } from './rail.tsx'
import { SessionProvider } from './session.tsx'
import { StepUp } from './step-up.tsx'
import { TabBar } from './tab-bar.tsx'
import { UnreadNotices } from './unread-notices.tsx'
import './shell.css'

/** Rail, header, page, and on a phone the bar. Follows the engine's events for as long as it stands. */
export function Shell({ session, children }: { session: Session; children: ReactNode }) {
  useEvents()
  return (
    <SessionProvider session={session}>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <div className="shell">
        <Rail />
        <Header />
        <main className="main" id="main" tabIndex={-1}>
          <UnreadNotices />
          {children}
        </main>
      </div>
      <TabBar />
      <StepUp />
    </SessionProvider>
  )
}
