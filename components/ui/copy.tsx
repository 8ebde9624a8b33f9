'use client'
import { Fragment, useEffect, useState } from 'react'
import { Button } from './button.tsx'

const SAID_MS = 2000

/** A button that puts text on the clipboard and says so for a moment. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [said, setSaid] = useState<'done' | 'failed'>()
  useEffect(() => {
    if (said === undefined) return
    const timer = setTimeout(() => setSaid(undefined), SAID_MS)
    return () => clearTimeout(timer)
  }, [said])
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setSaid('done'),
      () => setSaid('failed'),
    )
  return (
    <Button small className="copybtn" aria-label={`Copy ${what}`} onPress={() => void copy()}>
      <span role="status">{said === 'done' ? 'Copied' : said === 'failed' ? 'Select it' : 'Copy'}</span>
    </Button>
  )
}

/** Long addresses break after a slash. */
const breakable = (text: string) =>
  text.split(/(?<=\/)(?=[^/])/).map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts stand in one order for good
    <Fragment key={index}>
      {part}
      <wbr />
    </Fragment>
  ))

/** A value that is carried elsewhere: shown whole, with a button that copies it. */
export function CopyLine({ label, text, hideLabel }: { label: string; text: string; hideLabel?: boolean }) {
  return (
    <div className="copyline">
      {hideLabel ? null : <span className="label">{label}</span>}
      <div className="copybox">
        <code className="mono">{breakable(text)}</code>
        <CopyButton text={text} what={label} />
      </div>
    </div>
  )
}
