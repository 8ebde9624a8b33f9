'use client'
import { Status } from '../ui/status.tsx'
import { useInBrowser, useNow } from '../ui/time.tsx'
import { plural } from '../ui/words.ts'

const DAY_MS = 86_400_000
const SOON_DAYS = 30

/** AB:CD:… in pairs, as other software shows fingerprints. */
export const pairs = (fingerprint: string): string =>
  (fingerprint.replace(/[^0-9a-f]/gi, '').match(/../g) ?? []).join(':').toUpperCase()

/** A fingerprint, cut in tables and whole in its hint. */
export function Fingerprint({ value, whole }: { value: string; whole?: boolean }) {
  const text = pairs(value)
  return (
    <code className={`mono${whole ? ' fp' : ''}`} title={text}>
      {whole ? text : `${text.slice(0, 11)}…${text.slice(-5)}`}
    </code>
  )
}

/** When something ends: calm while it is far, a warning when it is near. */
export function Expiry({ time }: { time: string }) {
  const days = Math.floor((Date.parse(time) - useNow(60_000)) / DAY_MS)
  const inBrowser = useInBrowser()
  const title = inBrowser ? new Date(time).toLocaleString('en-GB') : undefined
  const words = days < 0 ? 'Expired' : days <= 366 ? plural(days, 'day') : time.slice(0, 10)
  return (
    <span title={title} suppressHydrationWarning>
      {days < 0 ? <Status tone="bad">{words}</Status> : days < SOON_DAYS ? <Status tone="warn">{words}</Status> : words}
    </span>
  )
}
