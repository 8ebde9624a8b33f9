'use client'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { ago } from './words.ts'

const noSubscription = () => () => {}

/** Whether the browser has taken over: times are shown in its zone, which the server does not know. */
export const useInBrowser = () =>
  useSyncExternalStore(
    noSubscription,
    () => true,
    () => false,
  )

/** The time now, told again every `every_ms`. */
export function useNow(every_ms = 1000): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every_ms)
    return () => clearInterval(timer)
  }, [every_ms])
  return now
}

const full = (time: string) => {
  const date = new Date(time)
  const year = date.getFullYear() === new Date().getFullYear() ? {} : ({ year: 'numeric' } as const)
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
  return date.toLocaleString('en-GB', { day: 'numeric', month: 'short', ...year, ...clock })
}

/** A moment as a person says it: the clock for today, the day before that; the whole in the hint. */
export function Moment({ time, long }: { time: string; long?: boolean }) {
  const inBrowser = useInBrowser()
  if (!inBrowser)
    return <time dateTime={time}>{long ? `${time.slice(0, 10)} ${time.slice(11, 19)}` : time.slice(11, 16)}</time>
  const date = new Date(time)
  const today = date.toDateString() === new Date().toDateString()
  const short = today
    ? date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
  return (
    <time dateTime={time} title={full(time)}>
      {long ? full(time) : short}
    </time>
  )
}

/** How long ago. */
export function Ago({ time }: { time: string }) {
  const now = useNow(5000)
  const inBrowser = useInBrowser()
  const words = ago(time, now)
  return (
    <time dateTime={time} title={inBrowser ? full(time) : undefined} suppressHydrationWarning>
      {words === 'now' ? 'just now' : `${words} ago`}
    </time>
  )
}
