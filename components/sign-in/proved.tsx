'use client'
import { useEffect } from 'react'
import { PROVED_CHANNEL } from '../queries/step-up.ts'
import { Icon } from '../ui/icon.tsx'
import { Frame } from './frame.tsx'

/** Where a fresh sign-in at a provider leads: tells the page that waits, and goes. */
export function Proved() {
  useEffect(() => {
    const channel = new BroadcastChannel(PROVED_CHANNEL)
    channel.postMessage('proved')
    channel.close()
    window.close()
  }, [])
  return (
    <Frame>
      <div className="lead">
        <h1>Thank you</h1>
        <p className="mid">
          <Icon name="ok" small /> You have proved who you are. Go back to the page that asked; this one may be closed.
        </p>
      </div>
    </Frame>
  )
}
