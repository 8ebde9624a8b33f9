import { HydrationBoundary } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { changeQueries } from '#components/queries/changes.ts'
import { networkQueries } from '#components/queries/networks.ts'
import { noticeQueries } from '#components/queries/notices.ts'
import { overviewQueries } from '#components/queries/overview.ts'
import { problemOf } from '#components/queries/problem.ts'
import { preload, serverApi } from '#components/queries/server.ts'
import { taskQueries } from '#components/queries/tasks.ts'
import { Lost } from '#components/shell/lost.tsx'
import { Shell } from '#components/shell/shell.tsx'
import { ToOwed, ToSignIn } from '#components/shell/to-sign-in.tsx'
import type { Session } from '#server/contract/session.ts'

/** The session of the person, or why there is none. */
async function readSession(): Promise<Session | { readonly status: number }> {
  try {
    return await serverApi.session.get()
  } catch (error) {
    return { status: problemOf(error).status }
  }
}

/** Everything behind the sign-in: reads who is there and what the shell shows, then the page. */
export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const session = await readSession()
  if ('status' in session) {
    if (session.status === 401) return <ToSignIn />
    return (
      <Lost title="Weft does not answer" retry>
        The engine behind this page is not there at the moment. It may be restarting; networks go on working meanwhile.
      </Lost>
    )
  }
  if (session.owes.length > 0) return <ToOwed />
  const state = await preload((client, u) => [
    client.prefetchQuery(networkQueries(u).list()),
    client.prefetchQuery(changeQueries(u).list()),
    client.prefetchQuery(overviewQueries(u).get()),
    client.prefetchQuery(taskQueries(u).list()),
    client.prefetchQuery(noticeQueries(u).unread()),
  ])
  return (
    <HydrationBoundary state={state}>
      <Shell session={session}>{children}</Shell>
    </HydrationBoundary>
  )
}
