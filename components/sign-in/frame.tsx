'use client'
import type { ReactNode } from 'react'
import { Icon, Mark } from '../ui/icon.tsx'
import { useInBrowser } from '../ui/time.tsx'
import { WeavePicture } from './weave-picture.tsx'
import './sign-in.css'

/** The pages outside the console: what is asked at the left, the weave at the right. */
export function Frame({ children }: { children: ReactNode }) {
  const inBrowser = useInBrowser()
  return (
    <div className="signin">
      <main className="pane">
        <div className="brand">
          <Mark />
          <span>Weft</span>
        </div>
        <div className="box2">{children}</div>
        <div className="ft">
          <span suppressHydrationWarning>{inBrowser ? window.location.host : ''}</span>
          <span>Every sign-in is kept in the audit log</span>
        </div>
      </main>
      <aside className="art" aria-hidden="true">
        <WeavePicture />
        <div className="say">
          <div className="box">
            <h2>Servers are the warp, networks the weft</h2>
            <ul>
              <li>
                <Icon name="change" />
                Nothing moves until you commit: every change shows first what each datapath will hold.
              </li>
              <li>
                <Icon name="undo" />
                What does not hold everywhere is undone everywhere.
              </li>
            </ul>
          </div>
        </div>
      </aside>
    </div>
  )
}
